//! A consumer that gives nothing back: the page drops and counts, keeps nothing, and goes on afterwards.

use std::fs;
use std::time::{Duration, Instant};

use frame_ring::{HubItem, RingId};

use crate::stage::{fine, track, Stage};
use crate::web::{launch, processes, HEADLESS};

const LANE_BYTES: u64 = 4 << 20;
const PICTURE_BYTES: u64 = 640 * 360 * 3 / 2;
/// Dropped while frames are held: several times what the lane can hold.
const DROPS: u64 = 150;

/// Receives for a while and keeps all frames, until the page has dropped so many.
fn hold(stage: &mut Stage, held: &mut Vec<frame_ring::Frame>, drops: u64) {
    let start = Instant::now();
    loop {
        match stage.hub.recv_timeout(Duration::from_millis(100)).unwrap() {
            Some(HubItem::Frame(_, frame)) => held.push(frame),
            Some(item) => drop(fine::<()>(item)),
            None => {
                let dropped = stage.evaluate("stock.capture.stats()")["dropped"].as_u64().unwrap();
                if dropped >= drops {
                    return;
                }
            }
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the page drops nothing, {} are held", held.len());
    }
}

/// What the consumer knows of the page's drops.
fn told_of_drops(stage: &mut Stage, id: RingId) -> u64 {
    stage.hub.ring(id).unwrap().tracks().iter().map(|track| track.dropped).sum()
}

#[test]
fn a_consumer_that_holds_everything_costs_counted_frames_and_no_memory() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::at(launch, "/");
    let options = format!("{{ width: 640, height: 360, ms: 16, bytes: {LANE_BYTES} }}");
    let id = stage.open(&format!("stock.live({options})"));
    let path = stage.hub.ring(id).unwrap().lane().unwrap().path.clone();
    let file_bytes = fs::metadata(&path).unwrap().len();

    let mut held = Vec::new();
    hold(&mut stage, &mut held, 10);
    let bytes = held.len() as u64 * PICTURE_BYTES;
    assert!(bytes > LANE_BYTES / 2 && bytes <= LANE_BYTES, "{} frames held", held.len());
    let before = processes::anonymous(stage.browser.pid());
    let count = held.len();
    hold(&mut stage, &mut held, DROPS);
    assert_eq!(held.len(), count, "the lane is full");
    let grown = processes::anonymous(stage.browser.pid()).saturating_sub(before);
    println!("{count} frames held; while {DROPS} more were dropped the browser grew by {} KiB", grown >> 10);
    assert!(grown < DROPS / 2 * PICTURE_BYTES, "the browser grew by {grown} bytes");
    assert_eq!(fs::metadata(&path).unwrap().len(), file_bytes);
    let sequences: Vec<u64> = held.iter().map(|frame| frame.descriptor().sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");

    held.clear();
    let (_, frame) = stage.frame("the first frame after the drops");
    let dropped_before = u64::from(frame.descriptor().dropped_before);
    assert!(dropped_before >= DROPS, "{dropped_before} dropped before");
    assert!(track(&mut stage.hub, id, &frame).reported_dropped >= DROPS);
    drop(frame);
    let start = Instant::now();
    while told_of_drops(&mut stage, id) < DROPS {
        stage.frame("frames after the drops");
        assert!(start.elapsed() < Duration::from_secs(10), "the page does not tell of its drops");
    }
    for _ in 0..20 {
        assert_eq!(stage.frame("frames after the drops").1.descriptor().payload_len as u64, PICTURE_BYTES);
    }
}
