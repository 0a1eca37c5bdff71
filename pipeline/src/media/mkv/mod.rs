//! Matroska (`.mkv`) files with Motion JPEG video and PCM sound: playable and seekable everywhere, made without any
//! codec library.
//!
//! A [`MkvWriter`] takes pictures and sound of all tracks as they come, brings them into the order of their times
//! within a window of a second, and writes a cluster whenever one is complete (a second or 8 MiB). Until
//! [`MkvWriter::finish`] the file says "of unknown length" and lacks its index, so a recorder that is killed leaves
//! a file that plays up to its last cluster; `finish` adds index, duration and length.
//!
//! Times count from the first block. They are stored in steps of 100 microseconds.

mod cluster;
mod error;
mod id;
mod reorder;
mod tracks;

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use self::cluster::Cluster;
pub use self::error::MkvError;
use self::reorder::{Block, Reorder};
pub use self::tracks::TrackSpec;
use super::ebml::{self, binary, float, long_uint, master, string, uint};
use super::jpeg;
use super::Picture;

/// Nanoseconds per step of a timestamp.
const SCALE_NS: u64 = 100_000;
/// Tracks are numbered in one byte.
const MAX_TRACKS: usize = 126;
/// Bytes of the SeekHead with its three entries.
const SEEK_HEAD: usize = 68;
/// Bytes of the Duration.
const DURATION: usize = 11;

/// What a finished file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of the file.
    pub bytes: u64,
    /// From the first block to the end of the last one.
    pub duration_ns: u64,
    /// Blocks written, for each track.
    pub blocks: Vec<u64>,
    /// Blocks left out because they came more than a window late and were older than the start of the file.
    pub before_start: u64,
}

/// Where the index points to: the first block of a track in a cluster.
#[derive(Debug, Clone, Copy)]
struct Cue {
    time: u64,
    track: usize,
    cluster: u64,
}

/// Writes a file. Not dropped but finished, it has an index; see the module.
#[derive(Debug)]
pub struct MkvWriter<W = File> {
    output: W,
    tracks: Vec<TrackSpec>,
    reorder: Reorder,
    cluster: Cluster,
    cues: Vec<Cue>,
    summary: Summary,
    /// The time of the first block.
    origin_ns: Option<u64>,
    /// Where the content of the Segment starts; positions in the file count from here.
    segment: u64,
    /// Where Info, Tracks and the first Cluster start, from `segment` on.
    info: u64,
    tracks_at: u64,
}

impl MkvWriter {
    /// Creates the file, replacing one that is there.
    pub fn create(path: impl AsRef<Path>, tracks: &[TrackSpec]) -> Result<Self, MkvError> {
        Self::new(File::create(path).map_err(MkvError::Io)?, tracks)
    }
}

impl<W: Write + Seek> MkvWriter<W> {
    /// Starts a file at the start of `output`. Writes are large; buffering would only copy.
    pub fn new(mut output: W, tracks: &[TrackSpec]) -> Result<Self, MkvError> {
        let count = tracks.len();
        if !(1..=MAX_TRACKS).contains(&count) {
            return Err(MkvError::Tracks { count });
        }
        if let Some(track) = tracks.iter().position(|spec| !spec.is_possible()) {
            return Err(MkvError::Spec { track });
        }
        let mut head = Vec::new();
        write_ebml_header(&mut head);
        head.extend(id::SEGMENT.to_be_bytes());
        head.extend(ebml::long_size(None));
        let segment = head.len();
        ebml::void(&mut head, SEEK_HEAD);
        let info = head.len();
        master(&mut head, id::INFO, |out| {
            // First, so that its place is known; Void until the duration is.
            ebml::void(out, DURATION);
            uint(out, id::TIMESTAMP_SCALE, SCALE_NS);
            string(out, id::MUXING_APP, "frame-ring");
            string(out, id::WRITING_APP, concat!("frame-ring ", env!("CARGO_PKG_VERSION")));
        });
        let tracks_at = head.len();
        master(&mut head, id::TRACKS, |out| {
            tracks.iter().zip(1..).for_each(|(spec, number)| spec.write(number, out));
        });
        output.write_all(&head).map_err(MkvError::Io)?;
        Ok(Self {
            output,
            tracks: tracks.to_vec(),
            reorder: Reorder::new(count),
            cluster: Cluster::default(),
            cues: Vec::new(),
            summary: Summary {
                bytes: head.len() as u64,
                duration_ns: 0,
                blocks: vec![0; count],
                before_start: 0,
            },
            origin_ns: None,
            segment: segment as u64,
            info: (info - segment) as u64,
            tracks_at: (tracks_at - segment) as u64,
        })
    }

    /// Encodes a picture onto video track `track`. Times of one track must not go back.
    pub fn write_video(&mut self, track: usize, pts_ns: u64, picture: &Picture<'_>) -> Result<(), MkvError> {
        let Some(&TrackSpec::Video { width, height, quality, .. }) = self.tracks.get(track) else {
            return Err(MkvError::Track { track, wanted: "video" });
        };
        let (expected, found) = ((width, height), (picture.width(), picture.height()));
        if expected != found {
            return Err(MkvError::PictureSize { track, expected, found });
        }
        let mut data = Vec::new();
        jpeg::encode(picture, quality, &mut data).map_err(MkvError::Jpeg)?;
        self.write_encoded(track, pts_ns, data)
    }

    /// Puts interleaved samples onto audio track `track`. Times of one track must not go back.
    pub fn write_audio(&mut self, track: usize, pts_ns: u64, block: &[f32]) -> Result<(), MkvError> {
        let Some(&TrackSpec::Audio { channels, samples, .. }) = self.tracks.get(track) else {
            return Err(MkvError::Track { track, wanted: "audio" });
        };
        if block.len() % usize::from(channels) != 0 {
            return Err(MkvError::Uneven { track, samples: block.len(), channels });
        }
        let mut data = Vec::new();
        samples.encode(block, &mut data);
        self.write_encoded(track, pts_ns, data)
    }

    /// Puts a block that is already encoded as its track says: a JPEG made on another thread, or PCM bytes.
    pub fn write_encoded(&mut self, track: usize, pts_ns: u64, data: Vec<u8>) -> Result<(), MkvError> {
        if track >= self.tracks.len() {
            return Err(MkvError::Track { track, wanted: "any" });
        }
        if let Some(last_ns) = self.reorder.latest(track).filter(|&last| last > pts_ns) {
            return Err(MkvError::Backwards { track, last_ns, pts_ns });
        }
        self.reorder.push(Block { track, pts_ns, data });
        while let Some(block) = self.reorder.pop() {
            self.write_block(&block)?;
        }
        Ok(())
    }

    /// Writes what waits, the index, the duration and the length, and flushes. Returns the output with a summary.
    pub fn finish(mut self) -> Result<(W, Summary), MkvError> {
        while let Some(block) = self.reorder.drain() {
            self.write_block(&block)?;
        }
        self.flush_cluster()?;
        self.finish_file().map_err(MkvError::Io)?;
        Ok((self.output, self.summary))
    }

    fn write_block(&mut self, block: &Block) -> Result<(), MkvError> {
        let origin = *self.origin_ns.get_or_insert(block.pts_ns);
        let Some(since_ns) = block.pts_ns.checked_sub(origin) else {
            self.summary.before_start += 1;
            return Ok(());
        };
        let time = (since_ns + SCALE_NS / 2) / SCALE_NS;
        if !self.cluster.has_room(time, block.data.len()) {
            self.flush_cluster()?;
        }
        if self.cluster.add(time, block.track, &block.data) {
            self.cues.push(Cue { time, track: block.track, cluster: self.summary.bytes - self.segment });
        }
        self.summary.blocks[block.track] += 1;
        let end_ns = since_ns + self.tracks[block.track].duration_ns(block.data.len());
        self.summary.duration_ns = self.summary.duration_ns.max(end_ns);
        Ok(())
    }

    fn flush_cluster(&mut self) -> Result<(), MkvError> {
        if let Some(bytes) = self.cluster.take() {
            self.append(&bytes).map_err(MkvError::Io)?;
            self.cluster.reuse(bytes);
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.summary.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish_file(&mut self) -> io::Result<()> {
        let cues_at = self.summary.bytes - self.segment;
        let cues = self.index();
        self.append(&cues)?;

        let mut duration = Vec::new();
        float(&mut duration, id::DURATION, self.summary.duration_ns as f64 / SCALE_NS as f64);
        // Info's own head is its id of four bytes and a size of one: its content is short.
        self.patch(self.segment + self.info + 5, &duration)?;
        let seek_head = self.seek_head(cues_at);
        self.patch(self.segment, &seek_head)?;
        // Last: from now on the file is complete.
        self.patch(self.segment - 8, &ebml::long_size(Some(self.summary.bytes - self.segment)))?;
        self.output.seek(SeekFrom::End(0))?;
        self.output.flush()
    }

    fn patch(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.output.seek(SeekFrom::Start(at))?;
        self.output.write_all(bytes)
    }

    /// The Cues: for each cluster the first block of each track.
    fn index(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.cues.is_empty() {
            // An index without entries is not allowed; nothing to find takes its place.
            ebml::void(&mut out, 9);
            return out;
        }
        master(&mut out, id::CUES, |out| {
            for cue in &self.cues {
                master(out, id::CUE_POINT, |out| {
                    uint(out, id::CUE_TIME, cue.time);
                    master(out, id::CUE_TRACK_POSITIONS, |out| {
                        uint(out, id::CUE_TRACK, cue.track as u64 + 1);
                        uint(out, id::CUE_CLUSTER_POSITION, cue.cluster);
                    });
                });
            }
        });
        out
    }

    fn seek_head(&self, cues_at: u64) -> Vec<u8> {
        let mut out = Vec::new();
        master(&mut out, id::SEEK_HEAD, |out| {
            for (element, at) in [(id::INFO, self.info), (id::TRACKS, self.tracks_at), (id::CUES, cues_at)] {
                master(out, id::SEEK, |out| {
                    binary(out, id::SEEK_ID, &element.to_be_bytes());
                    long_uint(out, id::SEEK_POSITION, at);
                });
            }
        });
        debug_assert_eq!(out.len(), SEEK_HEAD);
        out
    }
}

fn write_ebml_header(out: &mut Vec<u8>) {
    master(out, id::EBML, |out| {
        uint(out, id::EBML_VERSION, 1);
        uint(out, id::EBML_READ_VERSION, 1);
        uint(out, id::EBML_MAX_ID_LENGTH, 4);
        uint(out, id::EBML_MAX_SIZE_LENGTH, 8);
        string(out, id::DOC_TYPE, "matroska");
        uint(out, id::DOC_TYPE_VERSION, 4);
        uint(out, id::DOC_TYPE_READ_VERSION, 2);
    });
}

#[cfg(test)]
mod tests;
