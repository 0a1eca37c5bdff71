//! Frames that the page has made itself: each byte and each sample arrives as it was.

use std::collections::BTreeMap;

use frame_ring::{Body, FourCc, Frame, HubItem, SampleFormat, TrackKind};

use crate::stage::{fine, track, Stage};
use crate::web::{launch, media, FULL};

const PICTURES: u64 = 4;
const SIZES: [(u32, u32); 5] = [(33, 17), (641, 359), (64, 65), (15, 16), (7, 3)];
const CHANNELS: usize = 2;
const BLOCK: usize = 441;
const BLOCKS: usize = 12;

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
    let what = format!("{format} {width}x{height}, picture {number}");
    media::assert_rows(&view, &media::picture(expected, width, height, number), &what);
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
                channels.entry(channel).or_default().extend(media::samples(&frame, channel));
            }
            None
        }
        HubItem::Frame(_, end) if end.descriptor().flags.contains(frame_ring::Flags::EOS) => Some(()),
        item => fine(item),
    });
    for (channel, samples) in channels {
        assert_eq!(samples.len(), BLOCK * BLOCKS);
        let wrong = samples.iter().enumerate().find(|(i, sample)| **sample != media::sample(*i, channel));
        assert_eq!(wrong, None, "channel {channel}");
    }
    stage.finish();
}
