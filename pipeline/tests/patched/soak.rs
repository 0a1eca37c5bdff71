//! A call, a camera and rings that come and go, for as long as one likes: neither memory nor descriptors grow, and nothing
//! is lost.
//!
//! `FRAME_RING_SOAK_SECONDS=1800` for half an hour.

use std::time::{Duration, Instant};

use frame_ring::RingBuilder;

use crate::stage::Stage;
use crate::web::processes;

/// Unless the environment says otherwise.
const SECONDS: u64 = 30;
/// Until caches are warm.
const WARM_UP: Duration = Duration::from_secs(10);
/// A picture of the camera is 84 KiB: one kept in each three seconds of half an hour would be seen.
const MOST_BYTES: u64 = 24 << 20;
const MOST_DESCRIPTORS: usize = 6;

/// What the browser has at a moment.
#[derive(Debug, Clone, Copy)]
struct Use {
    anonymous: u64,
    descriptors: usize,
}

impl Use {
    /// The middle of some, each by itself.
    fn median(all: &[Self]) -> Self {
        let middle = |mut numbers: Vec<u64>| {
            numbers.sort_unstable();
            numbers[numbers.len() / 2]
        };
        Self {
            anonymous: middle(all.iter().map(|one| one.anonymous).collect()),
            descriptors: middle(all.iter().map(|one| one.descriptors as u64).collect()) as usize,
        }
    }
}

fn seconds() -> u64 {
    match std::env::var("FRAME_RING_SOAK_SECONDS") {
        Ok(text) => text.parse().expect("FRAME_RING_SOAK_SECONDS is a number of seconds"),
        Err(_) => SECONDS,
    }
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_long_call_grows_nothing_and_loses_nothing() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    stage.evaluate("patched.open().then(() => patched.devices({ width: 320, height: 180 }, true))");
    stage.evaluate("patched.call(patched.stream)");
    stage.begin("patched.churn()");
    let (start, length) = (Instant::now(), Duration::from_secs(seconds()));
    let (mut uses, mut looked, mut frames) = (Vec::new(), start, 0u64);
    while start.elapsed() < WARM_UP + length {
        let frame = ring.frame("frames of the call");
        assert_eq!(frame.descriptor().dropped_before, 0);
        frames += 1;
        drop(frame);
        if start.elapsed() > WARM_UP && looked.elapsed() > length / 60 {
            looked = Instant::now();
            let (descriptors, _) = processes::descriptors(stage.browser.pid());
            uses.push(Use { anonymous: processes::anonymous(stage.browser.pid()), descriptors });
        }
    }
    let quarter = uses.len() / 4;
    assert!(quarter > 3, "{} looks", uses.len());
    let (first, last) = (Use::median(&uses[..quarter]), Use::median(&uses[uses.len() - quarter..]));
    let churned = stage.number("patched.churned");
    let (_, seen) = processes::descriptors(stage.browser.pid());
    println!(
        "{frames} frames in {} s, {churned} rings came and went; first quarter {first:?}, last {last:?}, descriptors of {seen} \
         processes",
        (WARM_UP + length).as_secs()
    );
    // Two picture tracks at 30 and two of sound at 100 frames a second; whatever is slow here, nothing stands still.
    assert!(frames > (WARM_UP + length).as_secs() * 100, "{frames} frames");
    assert!(
        churned > length.as_secs() / 2,
        "{churned} rings came and went: a page may have some only, but each again"
    );
    assert!(last.anonymous < first.anonymous + MOST_BYTES, "{first:?}, {last:?}");
    assert!(last.descriptors <= first.descriptors + MOST_DESCRIPTORS, "{first:?}, {last:?}");
    assert_eq!(ring.ring.found_late(), 0, "the doorbell was always rung");
}
