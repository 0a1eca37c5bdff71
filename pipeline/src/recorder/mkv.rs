//! Matroska files of one producer.
//!
//! A file lists its tracks in front, so it is begun when every track that the producer has open has shown its format;
//! until then frames wait, encoded. A new track or another size starts another file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use frame_ring::{Body, Descriptor};

use super::names::Names;
use super::timeline::Timeline;
use super::writer::{FileReport, Files, RecordError};
use crate::convert;
use crate::media::jpeg;
use crate::media::mkv::{MkvWriter, TrackSpec};
use crate::media::samples::SampleFormat;

/// How long a file waits for tracks that are open but silent, such as a muted microphone.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes wait in that time.
const MOST_WAITING: usize = 64 << 20;

/// What a producer's files are made of.
#[derive(Debug)]
pub struct MkvFiles {
    names: Names,
    producer: String,
    quality: u8,
    /// Tracks that were open when the first frame came, and have not shown their format yet.
    expected: BTreeSet<u32>,
    labels: BTreeMap<u32, String>,
    specs: BTreeMap<u32, TrackSpec>,
    timeline: Timeline,
    waiting: Waiting,
    open: Option<Open>,
    scratch: Vec<u8>,
    samples: Vec<f32>,
    done: Vec<FileReport>,
}

/// Encoded frames from before the file was begun.
#[derive(Debug, Default)]
struct Waiting {
    since: Option<Instant>,
    blocks: Vec<(u32, u64, Vec<u8>)>,
    bytes: usize,
}

#[derive(Debug)]
struct Open {
    writer: MkvWriter<File>,
    path: PathBuf,
    /// The tracks in the order in which the file lists them.
    order: Vec<u32>,
}

impl MkvFiles {
    /// No file yet. `expected` are the producer's open tracks.
    pub fn new(names: Names, producer: String, quality: u8, expected: BTreeSet<u32>) -> Self {
        Self {
            names,
            producer,
            quality,
            expected,
            labels: BTreeMap::new(),
            specs: BTreeMap::new(),
            timeline: Timeline::default(),
            waiting: Waiting::default(),
            open: None,
            scratch: Vec::new(),
            samples: Vec::new(),
            done: Vec::new(),
        }
    }

    fn encode(
        &mut self,
        track: u32,
        about: &Descriptor,
        bytes: &[u8],
    ) -> Result<(TrackSpec, Vec<u8>), RecordError> {
        let name = self.labels.get(&track).cloned().unwrap_or_default();
        let mut data = Vec::new();
        let spec = match about.body {
            Body::Video(format) => {
                let picture =
                    convert::picture(&format, bytes, &mut self.scratch).map_err(RecordError::Unusable)?;
                jpeg::encode(&picture, self.quality, &mut data).map_err(RecordError::Jpeg)?;
                let (width, height, rate) = (picture.width(), picture.height(), convert::rate(&format));
                TrackSpec::Video { name, width, height, rate, quality: self.quality }
            }
            Body::Audio(format) => {
                convert::sound(&format, bytes, &mut self.samples).map_err(RecordError::Unusable)?;
                SampleFormat::S16.encode(&self.samples, &mut data);
                let (channels, rate) = (format.channels, format.rate);
                TrackSpec::Audio { name, channels, rate, samples: SampleFormat::S16 }
            }
            _ => return Err(RecordError::Unusable(convert::ConvertError::Empty)),
        };
        Ok((spec, data))
    }

    /// Begins a file of all tracks known now, with what waits for it.
    fn begin(&mut self) -> Result<(), RecordError> {
        let (file, path) = self.names.create(&[&self.producer], "mkv").map_err(RecordError::Create)?;
        let specs: Vec<TrackSpec> = self.specs.values().cloned().collect();
        let writer = MkvWriter::new(file, &specs).map_err(RecordError::Mkv)?;
        let order = self.specs.keys().copied().collect();
        self.open = Some(Open { writer, path, order });
        for (track, time, data) in std::mem::take(&mut self.waiting).blocks {
            self.write(track, time, data)?;
        }
        Ok(())
    }

    fn write(&mut self, track: u32, time: u64, data: Vec<u8>) -> Result<(), RecordError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        match open.order.iter().position(|other| *other == track) {
            Some(index) => open.writer.write_encoded(index, time, data).map_err(RecordError::Mkv),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), RecordError> {
        if self.open.is_none() && !self.waiting.blocks.is_empty() {
            self.begin()?;
        }
        if let Some(Open { writer, path, .. }) = self.open.take() {
            let (_, summary) = writer.finish().map_err(RecordError::Mkv)?;
            self.done.push(FileReport { path, bytes: summary.bytes, frames: summary.blocks.iter().sum() });
        }
        Ok(())
    }
}

impl Files for MkvFiles {
    fn name(&mut self, track: u32, label: &str) {
        self.labels.insert(track, label.into());
    }

    fn frame(&mut self, track: u32, about: &Descriptor, bytes: &[u8]) -> Result<(), RecordError> {
        let (spec, data) = self.encode(track, about, bytes)?;
        if self.specs.get(&track).is_none_or(|known| !same_kind(known, &spec)) {
            if self.specs.contains_key(&track) || self.open.is_some() {
                self.close()?;
            }
            self.specs.insert(track, spec);
            self.expected.remove(&track);
        }
        let time = self.timeline.place(track, about.pts_ns, about.mono_ns);
        if self.open.is_some() {
            return self.write(track, time, data);
        }
        let since = *self.waiting.since.get_or_insert_with(Instant::now);
        self.waiting.bytes += data.len();
        self.waiting.blocks.push((track, time, data));
        if self.expected.is_empty() || since.elapsed() > PATIENCE || self.waiting.bytes > MOST_WAITING {
            self.begin()?;
        }
        Ok(())
    }

    fn end(&mut self, track: u32) -> Result<(), RecordError> {
        self.expected.remove(&track);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<FileReport>, RecordError> {
        self.close()?;
        Ok(self.done)
    }
}

/// Whether frames of both can be on one track of a file.
fn same_kind(one: &TrackSpec, other: &TrackSpec) -> bool {
    match (one, other) {
        (
            TrackSpec::Video { width, height, .. },
            TrackSpec::Video { width: other_width, height: other_height, .. },
        ) => (width, height) == (other_width, other_height),
        (
            TrackSpec::Audio { channels, rate, .. },
            TrackSpec::Audio { channels: other_channels, rate: other_rate, .. },
        ) => (channels, rate) == (other_channels, other_rate),
        _ => false,
    }
}
