//! Frames that the page has made itself: each byte and each sample arrives as it was.

use std::collections::BTreeMap;

use frame_ring::{Body, FourCc, Frame, HubItem, SampleFormat, TrackKind};

use crate::stage::{fine, track, Stage};
use crate::web::{launch, FULL};

const PICTURES: u64 = 4;
const SIZES: [(u32, u32); 5] = [(33, 17), (641, 359), (64, 65), (15, 16), (7, 3)];
const CHANNELS: usize = 2;
const BLOCK: usize = 441;
const BLOCKS: usize = 12;

/// What the page makes by the same rule.
fn pattern(length: usize, seed: u64) -> Vec<u8> {
    (0..length).map(|i| (i * 31 + (i >> 8) * 7 + seed as usize * 17) as u8).collect()
}

/// Columns in bytes and rows of each plane.
fn planes(format: &str, width: u32, height: u32) -> Vec<(usize, usize)> {
    let (w, h) = (width as usize, height as usize);
    let half = (w.div_ceil(2), h.div_ceil(2));
    match format {
        "I420" => vec![(w, h), half, half],
        _ => vec![(4 * w, h)],
    }
}

/// Compares format and all visible bytes; returns the picture's number.
fn check(frame: &Frame, format: &str, width: u32, height: u32) -> u64 {
    let number = frame.descriptor().pts_ns.unwrap() as u64 / 1_000_000;
    let view = frame.video().expect("a picture");
    let about = view.format();
    let expected = if format == "I420" { FourCc::I420 } else { FourCc::RGBA };
    assert_eq!(about.fourcc, expected, "{format} {width}x{height}");
    assert_eq!((about.coded_width, about.coded_height), (width, height));
    let visible = about.visible;
    let (w, h) = (width as u16, height as u16);
    assert_eq!((visible.x, visible.y, visible.width, visible.height), (0, 0, w, h));
    assert_eq!((about.display_width, about.display_height), (width, height));
    let planes = planes(format, width, height);
    assert_eq!(usize::from(about.plane_count), planes.len());
    let packed = pattern(planes.iter().map(|(columns, rows)| columns * rows).sum(), number);
    let mut rest = packed.as_slice();
    for (index, (columns, rows)) in planes.into_iter().enumerate() {
        let plane = view.plane(index).unwrap();
        assert_eq!((plane.row_bytes(), plane.rows()), (columns, rows), "{format} plane {index}");
        for row in 0..rows {
            let (expected, others) = rest.split_at(columns);
            let found = plane.row(row).unwrap().to_vec();
            assert!(
                found == expected,
                "{format} {width}x{height}, picture {number}, plane {index}, row {row}"
            );
            rest = others;
        }
    }
    number
}

#[test]
fn pictures_arrive_to_the_byte() {
    let Some(launch) = launch(FULL) else { return };
    let mut stage = Stage::at(launch, "/");
    stage.open("stock.open()");
    for format in ["I420", "RGBA"] {
        for (width, height) in SIZES {
            stage.begin(&format!("stock.pictures('{format}', {width}, {height}, {PICTURES})"));
            let (mut next, mut sequence) = (0, 0);
            stage.until("the end of a track", |hub, item| match item {
                HubItem::Frame(id, frame) if frame.descriptor().payload_len > 0 => {
                    let info = track(hub, id, &frame).info.unwrap();
                    assert_eq!(info.label.to_string(), format!("{format} {width}x{height}"));
                    assert_eq!(info.kind, TrackKind::Video);
                    let number = check(&frame, format, width, height);
                    // The page may have to send its first one several times.
                    assert!(number == next || number == 0 && next == 1, "{number} instead of {next}");
                    assert_eq!(
                        (frame.descriptor().sequence, frame.descriptor().dropped_before),
                        (sequence, 0)
                    );
                    (next, sequence) = (number + 1, sequence + 1);
                    None
                }
                HubItem::Frame(_, end) if end.descriptor().flags.contains(frame_ring::Flags::EOS) => Some(()),
                item => fine(item),
            });
            assert_eq!(next, PICTURES, "{format} {width}x{height}");
            stage.finish();
        }
    }
}

#[test]
fn sound_arrives_to_the_sample() {
    let Some(launch) = launch(FULL) else { return };
    let mut stage = Stage::at(launch, "/");
    stage.begin(&format!("stock.open().then(() => stock.sound({CHANNELS}, {BLOCK}, {BLOCKS}))"));
    let mut channels: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let mut position = 0;
    stage.until("the end of the sound", |_, item| match item {
        HubItem::Frame(_, frame) if frame.descriptor().payload_len > 0 => {
            let Body::Audio(format) = frame.descriptor().body else { panic!("{:?}", frame.descriptor()) };
            assert_eq!((format.sample, format.planar), (SampleFormat::F32, true));
            assert_eq!(
                (usize::from(format.channels), format.rate, format.frames as usize),
                (CHANNELS, 48_000, BLOCK)
            );
            assert_eq!(format.position, position);
            position += u64::from(format.frames);
            let mut first = [0; 4];
            frame.payload().copy_to_slice(&mut first);
            if f32::from_le_bytes(first) == -0.5 {
                // The page may have to send its first one several times.
                channels.clear();
            }
            for channel in 0..CHANNELS {
                let bytes = frame.audio().unwrap().plane(channel).unwrap().to_vec();
                let samples = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
                channels.entry(channel).or_default().extend(samples);
            }
            None
        }
        HubItem::Frame(_, end) if end.descriptor().flags.contains(frame_ring::Flags::EOS) => Some(()),
        item => fine(item),
    });
    for (channel, samples) in channels {
        assert_eq!(samples.len(), BLOCK * BLOCKS);
        let expected = |i: usize| ((i * 7 + channel * 300) % 1024) as f32 / 1024.0 - 0.5;
        let wrong = samples.iter().enumerate().find(|(i, sample)| **sample != expected(*i));
        assert_eq!(wrong, None, "channel {channel}");
    }
    stage.finish();
}
