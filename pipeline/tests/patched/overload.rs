//! A consumer that gives nothing back: the browser drops and counts, keeps nothing, and goes on afterwards.

use std::time::{Duration, Instant};

use frame_ring::{Flags, Frame, RingBuilder};

use crate::stage::{track, Receiver, Stage};
use crate::web::processes;

const RING_BYTES: u64 = 4 << 20;
/// Rows of 640 and 320 bytes are multiples of 64 as they are.
const PICTURE_BYTES: u64 = 640 * 360 * 3 / 2;
/// Dropped while frames are held: several times what the ring can hold.
const DROPS: u64 = 150;

/// Receives for a while and keeps all frames, until the page has dropped so many.
fn hold(stage: &Stage, ring: &mut Receiver, held: &mut Vec<Frame>, drops: u64) {
    let start = Instant::now();
    loop {
        match ring.ring.recv_timeout(Duration::from_millis(100)).unwrap() {
            Some(frame) => held.push(frame),
            None if stage.number("patched.stats('live').dropped") >= drops => return,
            None => {}
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the page drops nothing, {} are held", held.len());
    }
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_full_ring_costs_counted_frames_and_no_memory() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new().data_bytes(RING_BYTES));
    stage.evaluate("patched.live({ width: 640, height: 360, ms: 16 }).then(() => undefined)");
    let mut held = Vec::new();
    hold(&stage, &mut ring, &mut held, 10);
    let bytes = held.len() as u64 * PICTURE_BYTES;
    assert!(bytes > RING_BYTES / 2 && bytes <= RING_BYTES, "{} frames held", held.len());
    let before = processes::anonymous(stage.browser.pid());
    let count = held.len();
    hold(&stage, &mut ring, &mut held, DROPS);
    assert_eq!(held.len(), count, "the ring is full");
    let grown = processes::anonymous(stage.browser.pid()).saturating_sub(before);
    println!("{count} frames held; while {DROPS} more were dropped the browser grew by {} KiB", grown >> 10);
    assert!(grown < DROPS / 2 * PICTURE_BYTES, "the browser grew by {grown} bytes");
    let sequences: Vec<u64> = held.iter().map(|frame| frame.descriptor().sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");

    // Told by the page and by the ring's tables, and then by the next frame.
    let entry = track(&ring.ring, &held[0]);
    assert!(entry.dropped >= DROPS, "{entry:?}");
    assert!(stage.number("patched.ring.framesDropped") >= DROPS);
    let producer = ring.ring.producer_stats()[0].1;
    assert!(producer.full_bytes + producer.full_slots >= DROPS, "{producer:?}");
    held.clear();
    let frame = ring.frame("the first frame after the drops");
    let about = frame.descriptor();
    assert!(u64::from(about.dropped_before) >= DROPS, "{} dropped before", about.dropped_before);
    assert!(about.flags.contains(Flags::DISCONT));
    assert!(track(&ring.ring, &frame).reported_dropped >= DROPS);
    drop(frame);
    for _ in 0..20 {
        let frame = ring.frame("frames after the drops");
        assert_eq!(
            (u64::from(frame.descriptor().payload_len), frame.descriptor().dropped_before),
            (PICTURE_BYTES, 0)
        );
    }
}
