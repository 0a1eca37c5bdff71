//! Files are read back with a small parser of their own, which knows nothing of the writer.

use std::io::Cursor;

use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::pattern::{read_number, Pattern};
use super::super::samples::SampleFormat;
use super::super::tone::Tone;
use super::super::{FrameRate, Layout};
use super::*;

/// One element: where it starts, its id, and its content.
#[derive(Clone, Copy)]
struct Element<'a> {
    at: usize,
    id: u32,
    content: &'a [u8],
    /// Whether the size was "unknown".
    open: bool,
}

/// The elements in `bytes`; an incomplete one at the end is left out.
fn elements(bytes: &[u8]) -> Vec<Element<'_>> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let id_len = bytes[at].leading_zeros() as usize + 1;
        assert!(id_len <= 4, "no element at {at}");
        let Some(&first) = bytes.get(at + id_len) else { break };
        let size_len = first.leading_zeros() as usize + 1;
        let Some(head) = bytes.get(at..at + id_len + size_len) else { break };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let mask = (1 << (7 * size_len)) - 1;
        let size = number(&head[id_len..]) & mask;
        let rest = &bytes[at + head.len()..];
        let open = size == mask;
        let Some(content) = (if open { Some(rest) } else { rest.get(..size as usize) }) else { break };
        all.push(Element { at, id: number(&head[..id_len]) as u32, content, open });
        at += head.len() + content.len();
    }
    all
}

fn child(bytes: &[u8], id: u32) -> &[u8] {
    let found = elements(bytes).into_iter().find(|element| element.id == id);
    found.unwrap_or_else(|| panic!("no element {id:x}")).content
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn double(bytes: &[u8]) -> f64 {
    f64::from_be_bytes(bytes.try_into().unwrap())
}

/// A block as a player sees it: track from 0, time in steps, data.
type Seen<'a> = (usize, i64, &'a [u8]);

/// What a player finds in a file.
struct Read<'a> {
    segment: &'a [u8],
    open: bool,
    /// Position in the segment, timestamp.
    clusters: Vec<(usize, u64)>,
    blocks: Vec<Seen<'a>>,
}

fn read(file: &[u8]) -> Read<'_> {
    let top = elements(file);
    assert_eq!((top[0].id, child(top[0].content, id::DOC_TYPE)), (id::EBML, &b"matroska"[..]));
    assert_eq!((top.len(), top[1].id), (2, id::SEGMENT));
    let (segment, open) = (top[1].content, top[1].open);
    let mut read = Read { segment, open, clusters: Vec::new(), blocks: Vec::new() };
    for cluster in elements(segment).into_iter().filter(|element| element.id == id::CLUSTER) {
        assert!(!cluster.open);
        let start = number(child(cluster.content, id::TIMESTAMP));
        read.clusters.push((cluster.at, start));
        for block in elements(cluster.content).into_iter().filter(|element| element.id == id::SIMPLE_BLOCK) {
            let [track, high, low, flags, data @ ..] = block.content else { panic!("a short block") };
            assert_eq!(*flags, 0x80);
            let time = start as i64 + i64::from(i16::from_be_bytes([*high, *low]));
            read.blocks.push((usize::from(track & 0x7F) - 1, time, data));
        }
    }
    read
}

const FPS: FrameRate = FrameRate::whole(30);
const FRAME_NS: u64 = 33_333_333;

fn video() -> TrackSpec {
    TrackSpec::Video { name: "camera".into(), width: 128, height: 96, rate: Some(FPS), quality: 80 }
}

fn audio(samples: SampleFormat) -> TrackSpec {
    TrackSpec::Audio { name: String::new(), channels: 2, rate: 48_000, samples }
}

fn writer(tracks: &[TrackSpec]) -> MkvWriter<Cursor<Vec<u8>>> {
    MkvWriter::new(Cursor::new(Vec::new()), tracks).unwrap()
}

/// Records `frames` pictures with blocks of 10 ms of sound, the sound `lag` blocks after the picture.
fn record(frames: u64, samples: SampleFormat, lag: u64) -> MkvWriter<Cursor<Vec<u8>>> {
    const START_NS: u64 = 77_000_000_000;
    let mut mkv = writer(&[video(), audio(samples)]);
    let mut pattern = Pattern::new(128, 96, 1, FPS).unwrap();
    let tone = Tone::new(1);
    let mut block = [0.0; 960];
    let blocks = frames * 100 / 30;
    for step in 0..blocks + lag {
        let number = step * 30 / 100;
        if step < blocks && (number * 100).div_ceil(30) == step {
            mkv.write_video(0, START_NS + FPS.time_ns(number), &pattern.draw(number as u32)).unwrap();
        }
        if let Some(sound) = step.checked_sub(lag) {
            tone.fill(sound * 480, &mut block);
            mkv.write_audio(1, START_NS + sound * 10_000_000, &block).unwrap();
        }
    }
    mkv
}

fn burnt_in(jpeg: &[u8]) -> u32 {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let luma = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(jpeg), options).decode().unwrap();
    read_number(&Picture::packed(Layout::Mono, 128, 96, &luma).unwrap()).unwrap()
}

#[test]
fn pictures_and_sound_come_back_at_their_times() {
    for (samples, lag) in [(SampleFormat::F32, 0), (SampleFormat::S16, 30)] {
        let (file, summary) = record(90, samples, lag).finish().unwrap();
        let file = file.into_inner();
        assert_eq!(summary.bytes, file.len() as u64);
        assert_eq!((summary.blocks, summary.before_start), (vec![90, 300], 0));
        assert_eq!(summary.duration_ns, 3_000_000_000);

        let read = read(&file);
        assert!(!read.open);
        assert!(read.blocks.windows(2).all(|pair| pair[0].1 <= pair[1].1), "blocks are in order");
        let of_track = |track| read.blocks.iter().filter(move |block| block.0 == track);
        for (index, (_, time, jpeg)) in of_track(0).enumerate() {
            assert_eq!(*time, (index as f64 * 10_000.0 / 30.0).round() as i64);
            assert_eq!(burnt_in(jpeg) as usize, index);
        }
        let mut sound: Vec<u8> = Vec::new();
        for (index, (_, time, bytes)) in of_track(1).enumerate() {
            assert_eq!(*time, index as i64 * 100);
            sound.extend(*bytes);
        }
        let mut expected = vec![0.0; 3 * 96_000];
        Tone::new(1).fill(0, &mut expected);
        let mut encoded = Vec::new();
        samples.encode(&expected, &mut encoded);
        assert!(sound == encoded);
    }
}

#[test]
fn a_finished_file_has_its_index_duration_and_descriptions() {
    let file = record(90, SampleFormat::F32, 3).finish().unwrap().0.into_inner();
    let read = read(&file);
    let parts = elements(read.segment);

    let seeks = elements(parts[0].content);
    assert_eq!((parts[0].id, seeks.len()), (id::SEEK_HEAD, 3));
    for seek in seeks {
        let wanted = number(child(seek.content, id::SEEK_ID)) as u32;
        let at = number(child(seek.content, id::SEEK_POSITION)) as usize;
        assert!(parts.iter().any(|part| (part.id, part.at) == (wanted, at)), "{wanted:x} at {at}");
    }

    let info = child(read.segment, id::INFO);
    assert_eq!(number(child(info, id::TIMESTAMP_SCALE)), 100_000);
    assert_eq!(double(child(info, id::DURATION)), 30_000.0);

    let tracks = elements(child(read.segment, id::TRACKS));
    let (video, audio) = (tracks[0].content, tracks[1].content);
    assert_eq!((child(video, id::CODEC_ID), child(video, id::NAME)), (&b"V_MJPEG"[..], &b"camera"[..]));
    assert_eq!(number(child(video, id::DEFAULT_DURATION)), FRAME_NS);
    assert_eq!(number(child(child(video, id::VIDEO), id::PIXEL_WIDTH)), 128);
    assert_eq!(number(child(child(video, id::VIDEO), id::PIXEL_HEIGHT)), 96);
    assert_eq!(child(audio, id::CODEC_ID), b"A_PCM/FLOAT/IEEE");
    assert_eq!(double(child(child(audio, id::AUDIO), id::SAMPLING_FREQUENCY)), 48_000.0);
    assert_eq!(number(child(child(audio, id::AUDIO), id::CHANNELS)), 2);

    assert_eq!(read.clusters.iter().map(|cluster| cluster.1).collect::<Vec<_>>(), [0, 10_000, 20_000]);
    let cues = elements(child(read.segment, id::CUES));
    assert_eq!(cues.len(), 2 * read.clusters.len(), "each track in each cluster");
    for cue in cues {
        let place = child(cue.content, id::CUE_TRACK_POSITIONS);
        let track = number(child(place, id::CUE_TRACK)) as usize - 1;
        let at = number(child(place, id::CUE_CLUSTER_POSITION)) as usize;
        let time = number(child(cue.content, id::CUE_TIME));
        let start = read.clusters.iter().find(|cluster| cluster.0 == at).expect("a cluster there").1;
        assert!((start..start + 10_000).contains(&time));
        assert!(read.blocks.iter().any(|block| (block.0, block.1) == (track, time as i64)));
    }
}

#[test]
fn a_killed_recorder_leaves_all_complete_clusters_wherever_it_is_cut() {
    let mkv = record(90, SampleFormat::F32, 0);
    let file = mkv.output.into_inner();
    let whole = read(&file);
    assert!(whole.open, "of unknown length");
    // The third cluster is still being filled.
    assert_eq!(whole.clusters.len(), 2);
    assert_eq!(whole.blocks.iter().filter(|block| block.0 == 0).count(), 60);
    let second = file.len() - whole.segment.len() + whole.clusters[1].0;
    for cut in (second..file.len()).step_by(997).chain([second + 1, second + 5, file.len() - 1]) {
        assert_eq!(read(&file[..cut]).clusters.len(), 1, "cut at {cut}");
    }
}

#[test]
fn a_track_that_starts_late_or_lags_loses_nothing_and_a_silent_one_holds_up_nothing() {
    const SECOND: u64 = 1_000_000_000;
    let mut mkv = writer(&[video(), video()]);
    let jpeg = |tag: u8| vec![tag; 100];
    for tenth in 0..150u64 {
        mkv.write_encoded(0, SECOND + tenth * SECOND / 10, jpeg(0)).unwrap();
    }
    // Most of one track is on disk by now, although the other has not come.
    assert!(mkv.summary.blocks[0] >= 135);
    mkv.write_encoded(1, SECOND + SECOND / 2, jpeg(1)).unwrap();
    mkv.write_encoded(1, SECOND * 16, jpeg(1)).unwrap();
    let (file, summary) = mkv.finish().unwrap();
    assert_eq!((summary.blocks, summary.before_start), (vec![150, 2], 0));
    let file = file.into_inner();
    let late: Vec<i64> =
        read(&file).blocks.iter().filter(|block| block.0 == 1).map(|block| block.1).collect();
    assert_eq!(late, [5_000, 150_000]);

    let mut mkv = writer(&[video(), video()]);
    mkv.write_encoded(0, 2 * SECOND, jpeg(0)).unwrap();
    mkv.write_encoded(0, 4 * SECOND, jpeg(0)).unwrap();
    mkv.write_encoded(1, SECOND, jpeg(1)).unwrap();
    let summary = mkv.finish().unwrap().1;
    assert_eq!((summary.blocks, summary.before_start), (vec![2, 0], 1), "older than the file, and counted");
}

#[test]
fn large_blocks_get_clusters_of_their_own() {
    let mut mkv = writer(&[video()]);
    for number in 0..5u64 {
        mkv.write_encoded(0, number * FRAME_NS, vec![number as u8; 5 << 20]).unwrap();
    }
    let file = mkv.finish().unwrap().0.into_inner();
    let read = read(&file);
    assert_eq!((read.clusters.len(), read.blocks.len()), (5, 5));
    assert!(read.blocks.iter().all(|block| block.2.len() == 5 << 20));
}

#[test]
fn an_empty_file_is_valid() {
    let (file, summary) = writer(&[video(), audio(SampleFormat::S16)]).finish().unwrap();
    let file = file.into_inner();
    let read = read(&file);
    assert_eq!((read.open, read.blocks.len(), summary.duration_ns), (false, 0, 0));
}

#[test]
fn misuse_is_refused_by_name() {
    let new = |tracks: &[TrackSpec]| MkvWriter::new(Cursor::new(Vec::new()), tracks).unwrap_err();
    assert!(matches!(new(&[]), MkvError::Tracks { count: 0 }));
    assert!(matches!(new(&vec![video(); 127]), MkvError::Tracks { count: 127 }));
    let flat = TrackSpec::Video { name: String::new(), width: 5, height: 0, rate: None, quality: 80 };
    assert!(matches!(new(&[video(), flat]), MkvError::Spec { track: 1 }));

    let mut mkv = writer(&[video(), audio(SampleFormat::F32)]);
    let luma = [0; 64 * 64];
    let picture = Picture::packed(Layout::Mono, 64, 64, &luma).unwrap();
    assert!(matches!(mkv.write_video(1, 0, &picture), Err(MkvError::Track { track: 1, wanted: "video" })));
    assert!(matches!(mkv.write_audio(0, 0, &[0.0; 2]), Err(MkvError::Track { track: 0, wanted: "audio" })));
    assert!(matches!(mkv.write_encoded(2, 0, Vec::new()), Err(MkvError::Track { track: 2, .. })));
    assert!(matches!(mkv.write_video(0, 0, &picture), Err(MkvError::PictureSize { found: (64, 64), .. })));
    assert!(matches!(mkv.write_audio(1, 0, &[0.0; 3]), Err(MkvError::Uneven { samples: 3, .. })));
    mkv.write_audio(1, 10, &[0.0; 2]).unwrap();
    mkv.write_audio(1, 10, &[0.0; 2]).unwrap();
    let back = mkv.write_audio(1, 9, &[0.0; 2]);
    assert!(matches!(back, Err(MkvError::Backwards { track: 1, last_ns: 10, pts_ns: 9 })));
    assert_eq!(mkv.finish().unwrap().1.blocks, [0, 2], "refusals leave the file as it was");
}
