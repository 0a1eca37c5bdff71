//! What scripts write into a ring, on the page and in a worker.

use frame_ring::{Body, Frame, RingBuilder, TrackKind, TrackSource};
use serde_json::{json, Value};

use crate::stage::{track, Receiver, Stage};
use crate::web::media::{self, assert_rows, pattern, sample, samples};

const WRITES: usize = 4;
/// Pictures, blocks of sound and bytes, and one block of another format.
const FRAMES: usize = 3 * WRITES + 1;

fn check_picture(frame: &Frame, number: usize) {
    let about = frame.descriptor();
    assert_eq!((about.pts_ns, about.source), (Some(number as i64 * 1_000_000), 9));
    let view = frame.video().expect("a picture");
    assert_rows(&view, &media::picture(view.format().fourcc, 33, 17, number as u64), "a written picture");
}

fn check_sound(frame: &Frame, number: usize) {
    let about = frame.descriptor();
    let Body::Audio(format) = about.body else { panic!("{about:?}") };
    let us = (number as f64 * 441.0 * 1e6 / 48_000.0).round() as i64;
    assert_eq!((about.pts_ns, format.position, format.rate), (Some(us * 1000), number as u64 * 441, 48_000));
    for channel in 0..2 {
        let expected: Vec<f32> = (0..441).map(|i| sample(number * 441 + i, channel)).collect();
        assert_eq!(samples(frame, channel), expected, "block {number}, channel {channel}");
    }
}

fn check_bytes(frame: &Frame, number: usize) {
    let all = pattern(1000 + number, number as u64);
    let part = [0..all.len(), 0..all.len(), 8..all.len(), 3..500][number].clone();
    assert_eq!(frame.descriptor().body, Body::Opaque);
    assert_eq!(frame.payload().to_vec(), all[part], "bytes {number}");
}

/// 16-bit samples of both channels in turn become 32-bit ones of one after the other.
fn check_interleaved(frame: &Frame) {
    let about = frame.descriptor();
    let Body::Audio(format) = about.body else { panic!("{about:?}") };
    assert_eq!((format.rate, format.frames, format.channels, about.pts_ns), (16_000, 10, 2, Some(7_000)));
    for channel in 0..2 {
        for (i, found) in samples(frame, channel).into_iter().enumerate() {
            let integer = ((2 * i + channel) * 1000) as f32 - 10_000.0;
            // Either way to make a float of an integer.
            assert!((found - integer / 32_768.0).abs() < 1e-4, "channel {channel}, sample {i}: {found}");
        }
    }
}

fn received(ring: &mut Receiver) {
    let mut next = [0; 4];
    let labels = ["pictures", "sound", "bytes", "interleaved"];
    for _ in 0..FRAMES {
        let frame = ring.frame("what the script has written");
        let info = track(&ring.ring, &frame).info.unwrap();
        let kind = labels.iter().position(|label| info.label.to_string() == *label).expect("a label");
        let number = next[kind];
        next[kind] += 1;
        assert_eq!(frame.descriptor().sequence, number as u64);
        let (expected, source) = match kind {
            0 => (TrackKind::Video, TrackSource::Screen),
            1 => (TrackKind::Audio, TrackSource::Microphone),
            2 => (TrackKind::Data, TrackSource::Unknown),
            _ => (TrackKind::Audio, TrackSource::Unknown),
        };
        assert_eq!((info.kind, info.source), (expected, source), "{info:?}");
        match kind {
            0 => {
                assert_eq!((info.source_id, info.participant.to_string().as_str()), (9, "p-9"));
                check_picture(&frame, number);
            }
            1 => check_sound(&frame, number),
            2 => check_bytes(&frame, number),
            _ => check_interleaved(&frame),
        }
    }
    assert_eq!(next, [WRITES, WRITES, WRITES, 1]);
}

fn check_told(told: &Value) {
    assert_eq!(told["written"], json!(vec![true; FRAMES]));
    let number = |value: &Value| value.as_f64().unwrap() as u64;
    for (stats, frames) in told["stats"].as_array().unwrap().iter().zip([WRITES, WRITES, WRITES, 1]) {
        assert_eq!(number(&stats["frames"]), frames as u64, "{stats}");
        assert_eq!((number(&stats["dropped"]), number(&stats["unwanted"])), (0, 0), "{stats}");
        assert!(number(&stats["bytes"]) > 0, "{stats}");
    }
    let bytes = told["stats"].as_array().unwrap().iter().map(|stats| number(&stats["bytes"])).sum::<u64>();
    assert_eq!(told["counted"], json!([FRAMES, bytes, 1]));
    assert_eq!((&told["longest"][0], number(&told["longest"][1]["dropped"])), (&json!(false), 1));
    let expected = json!({
        "closed_frame": "InvalidStateError",
        "other_kind": "TypeError",
        "no_id": "TypeError",
        "id_of_tracks": "TypeError",
        "unknown_stats": "NotFoundError",
        "detached_stats": "NotFoundError",
        "closed_ring": "InvalidStateError",
    });
    assert_eq!((&told["refused"], &told["closed"]), (&expected, &json!(true)));
    // Of 64 MiB; a longer frame never fits.
    assert!((32 << 20..64 << 20).contains(&number(&told["capacity"])), "{told}");
}

fn what_a_script_writes_arrives(expression: &str, can_attach: bool) {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    stage.begin(expression);
    received(&mut ring);
    let told = stage.finish();
    check_told(&told);
    assert_eq!(told["attach"], can_attach);
    ring.wait("the end of the ring that the script has closed", |ring| ring.producers() == 0);
    assert!(ring.ring.tracks().iter().all(|track| !track.live));
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn what_a_page_writes_arrives() {
    what_a_script_writes_arrives("writes()", true);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn what_a_worker_writes_arrives() {
    what_a_script_writes_arrives("patched.worker()", false);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_worker_that_is_ended_ends_its_ring() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    let script = "importScripts('/media.js'); \
        FrameRing.open().then((ring) => setInterval(() => ring.write(1, pattern(1000, 1), { label: 'ticks' }), 10))";
    stage.evaluate(&format!(
        "void (patched.helper = new Worker(URL.createObjectURL(new Blob([{}]))))",
        json!(script.replace("'/media.js'", &format!("'{}'", stage.site.url_at("localhost", "/media.js"))))
    ));
    ring.frame("frames of the worker");
    stage.evaluate("patched.helper.terminate()");
    ring.wait("the end of the worker's ring", |ring| ring.producers() == 0);
}
