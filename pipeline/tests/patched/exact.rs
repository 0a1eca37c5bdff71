//! Frames that the page has made itself, through tracks: each byte and each sample arrives as it was, described as it is.

use frame_ring::{
    Body, Colour, ColourRange, Descriptor, Flags, FourCc, Frame, Rect, SampleFormat, TrackKind, VideoFormat,
};
use serde_json::Value;

use crate::stage::{track, Receiver, Stage};
use crate::web::media::{self, assert_rows, sample, samples};

const PICTURES: u64 = 4;
const SIZES: [(u32, u32); 5] = [(33, 17), (641, 359), (64, 65), (15, 16), (7, 3)];
const FORMATS: [(&str, FourCc); 12] = [
    ("I420", FourCc::I420),
    ("I420A", FourCc::I420A),
    ("I422", FourCc::I422),
    ("I444", FourCc::I444),
    ("NV12", FourCc::NV12),
    ("RGBA", FourCc::RGBA),
    ("RGBX", FourCc::RGBX),
    ("BGRA", FourCc::BGRA),
    ("BGRX", FourCc::BGRX),
    ("I420P10", FourCc::I010),
    ("I422P10", FourCc::I210),
    ("I444P10", FourCc::I410),
];
/// What a page can make, and a ring has no code for.
const WITHOUT_CODE: [&str; 6] = ["I420P12", "I420AP10", "I422A", "I422P12", "I444A", "I444P12"];

const CHANNELS: usize = 2;
const BLOCK: usize = 441;
const BLOCKS: usize = 12;

fn is_end(frame: &Frame) -> bool {
    frame.descriptor().flags.contains(Flags::EOS)
}

fn picture(about: &Descriptor) -> VideoFormat {
    let Body::Video(format) = about.body else { panic!("{about:?}") };
    format
}

/// Compares format and all bytes; returns the picture's number.
fn check(frame: &Frame, name: &str, fourcc: FourCc, width: u32, height: u32) -> u64 {
    let about = frame.descriptor();
    let number = about.pts_ns.expect("a time stamp") as u64 / 1_000_000;
    let what = format!("{name} {width}x{height}, picture {number}");
    assert_eq!(about.pts_ns, Some(number as i64 * 1_000_000), "{what}");
    let (format, expected) = (picture(about), VideoFormat::aligned(fourcc, width, height, 64).unwrap());
    assert_eq!((format.fourcc, format.coded_width, format.coded_height), (fourcc, width, height), "{what}");
    assert_eq!(
        (format.planes, format.bit_depth),
        (expected.planes, expected.bit_depth),
        "{what}: rows at multiples of 64"
    );
    assert_eq!(format.visible, Rect::whole(width as u16, height as u16), "{what}");
    assert_eq!((format.display_width, format.display_height), (width, height), "{what}");
    assert_rows(&frame.video().unwrap(), &media::picture(fourcc, width, height, number), &what);
    number
}

fn pictures(stage: &Stage, ring: &mut Receiver, name: &str, fourcc: FourCc, (width, height): (u32, u32)) {
    stage.begin(&format!("patched.pictures('{name}', {width}, {height}, {PICTURES})"));
    let (mut next, mut sequence) = (0, 0);
    let ended = ring.until("the end of a track", |ring, frame| {
        if is_end(&frame) {
            return Some(*frame.descriptor());
        }
        let info = track(ring, &frame).info.unwrap();
        assert_eq!(
            (info.label.to_string(), info.kind),
            (format!("{name} {width}x{height}"), TrackKind::Video)
        );
        let number = check(&frame, name, fourcc, width, height);
        // The page may have to send its first one several times.
        assert!(number == next || number == 0 && next == 1, "{number} instead of {next}");
        let about = frame.descriptor();
        assert_eq!((about.sequence, about.dropped_before), (sequence, 0));
        assert_eq!(about.flags.contains(Flags::DISCONT), sequence == 0);
        (next, sequence) = (number + 1, sequence + 1);
        None
    });
    assert_eq!((next, ended.sequence, ended.payload_len), (PICTURES, sequence, 0), "{name} {width}x{height}");
    stage.finish();
    let stats = stage.evaluate(&format!("patched.stats('{name} {width}x{height}')"));
    assert_eq!(
        (&stats["dropped"], &stats["unreadable"], &stats["unwanted"]),
        (&0.into(), &0.into(), &0.into())
    );
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn pictures_of_all_formats_and_odd_sizes_arrive_to_the_byte() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    for (name, fourcc) in FORMATS {
        SIZES.into_iter().for_each(|size| pictures(&stage, &mut ring, name, fourcc, size));
    }
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn pictures_without_a_code_are_counted_and_not_sent() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    for name in WITHOUT_CODE {
        let stats = stage.evaluate(&format!("patched.unreadable('{name}')"));
        assert_eq!(
            (&stats["frames"], &stats["dropped"]),
            (&0.into(), &stats["unreadable"]),
            "{name}: {stats}"
        );
        let entry = ring
            .ring
            .tracks()
            .into_iter()
            .find(|entry| entry.info.unwrap().label.to_string() == name)
            .unwrap();
        assert_eq!((entry.sent, entry.dropped), (0, stats["dropped"].as_u64().unwrap()), "{name}");
    }
    pictures(&stage, &mut ring, "I420", FourCc::I420, (33, 17));
}

/// The code of a colour's part, as ITU-T H.273 has it.
fn code(name: &Value) -> u8 {
    match name.as_str().unwrap() {
        "rgb" => 0,
        "bt709" => 1,
        "bt470bg" => 5,
        "smpte170m" => 6,
        "linear" => 8,
        "bt2020" | "bt2020-ncl" => 9,
        "smpte432" => 12,
        "iec61966-2-1" => 13,
        "pq" => 16,
        "hlg" => 18,
        other => panic!("no code of {other}"),
    }
}

fn colour(told: &Value) -> Colour {
    let range = if told["fullRange"] == true { ColourRange::Full } else { ColourRange::Limited };
    Colour {
        primaries: code(&told["primaries"]),
        transfer: code(&told["transfer"]),
        matrix: code(&told["matrix"]),
        range,
    }
}

/// Compares a picture with all that the browser says of it.
fn check_special(frame: &Frame, number: usize, told: &Value) {
    let what = format!("picture {number}, {}", told["format"]);
    let (about, format) = (frame.descriptor(), picture(frame.descriptor()));
    let us = |name: &str| told[name].as_f64().map(|us| us as i64 * 1000);
    assert_eq!(about.pts_ns, us("timestamp"), "{what}");
    assert_eq!(i64::from(about.duration_ns), us("duration").unwrap_or(0), "{what}");
    let numbers = |name: &str| -> Vec<u32> {
        told[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as u32).collect()
    };
    assert_eq!(
        vec![format.coded_width, format.coded_height],
        numbers("size"),
        "{what}: nothing else is copied"
    );
    let whole = Rect::whole(format.coded_width as u16, format.coded_height as u16);
    assert_eq!(format.visible, whole, "{what}");
    assert_eq!(
        vec![format.display_width, format.display_height],
        numbers("display"),
        "{what}: the size to show"
    );
    assert_eq!(f64::from(format.rotation.degrees()), told["rotation"].as_f64().unwrap(), "{what}");
    assert_eq!(format.flip, told["flip"], "{what}");
    assert_eq!(format.colour, colour(&told["colour"]), "{what}");
    let bytes: Vec<u8> = numbers("bytes").into_iter().map(|byte| byte as u8).collect();
    assert_rows(&frame.video().unwrap(), &bytes, &what);
}

fn special(stage: &Stage, ring: &mut Receiver, through: &str) {
    stage.begin(&format!("patched.special('{through}')"));
    let mut frames: Vec<Frame> = Vec::new();
    // Held until the page has told of all, which are more than it sends again.
    let count = stage.number("SPECIAL.length") as usize;
    while frames.last().is_none_or(|last| last.descriptor().pts_ns != Some((count as i64 - 1) * 1_000_000)) {
        frames.push(ring.frame("the next special picture"));
    }
    let told = stage.finish();
    let again = frames.len() - count;
    for (at, frame) in frames.iter().enumerate() {
        let number = at.saturating_sub(again);
        check_special(frame, number, &told[number]);
    }
    assert!(again == 0 || through == "track", "{again} more than were written");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn parts_sizes_turns_colours_and_times_arrive_as_the_browser_has_them() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    special(&stage, &mut ring, "write");
    special(&stage, &mut ring, "track");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn sound_arrives_to_the_sample() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    stage.begin(&format!("patched.sound({CHANNELS}, {BLOCK}, {BLOCKS})"));
    let mut channels = vec![Vec::new(); CHANNELS];
    let mut position = 0;
    ring.until("the end of the sound", |_, frame| {
        if is_end(&frame) {
            return Some(());
        }
        let about = frame.descriptor();
        let Body::Audio(format) = about.body else { panic!("{about:?}") };
        assert_eq!((format.sample, format.planar, format.rate), (SampleFormat::F32, true, 48_000));
        assert_eq!((usize::from(format.channels), format.frames as usize), (CHANNELS, BLOCK));
        assert_eq!(format.plane_stride, (BLOCK as u32 * 4).next_multiple_of(64));
        assert_eq!(format.position, position);
        assert_eq!(about.duration_ns, 9_187_500);
        position += u64::from(format.frames);
        for (channel, all) in channels.iter_mut().enumerate() {
            let block = samples(&frame, channel);
            // The page may have to send its first one several times.
            if block[0] == sample(0, channel) && all.len() == BLOCK {
                all.clear();
            }
            all.extend(block);
        }
        None
    });
    for (channel, samples) in channels.iter().enumerate() {
        assert_eq!(samples.len(), BLOCK * BLOCKS);
        let wrong = samples.iter().enumerate().find(|(i, found)| **found != sample(*i, channel));
        assert_eq!(wrong, None, "channel {channel}");
    }
    stage.finish();
}
