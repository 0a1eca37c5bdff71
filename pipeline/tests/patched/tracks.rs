//! Many tracks of one page, what the consumer does not want of them, and their ends.

use std::collections::BTreeMap;

use frame_ring::{Consumer, Demand, Flags};

use crate::stage::{entry, label, track, Stage};
use crate::web::media::samples;

const PARTICIPANTS: usize = 25;

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn twenty_five_participants_share_one_ring() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    stage.begin(&format!("participants({PARTICIPANTS}, (track, label) => patched.attach(track, label))"));
    let mut frames = BTreeMap::new();
    ring.until("frames of all participants", |ring, frame| {
        if frame.descriptor().payload_len == 0 {
            return None;
        }
        let name = label(ring, &frame);
        let number: usize = name.rsplit_once(' ').unwrap().1.parse().unwrap();
        // Nobody has somebody else's picture or sound.
        if let Some(view) = frame.video() {
            assert!(name.starts_with("video"), "{name}");
            let luma = view.plane(0).unwrap();
            assert_eq!((luma.row_bytes(), luma.rows()), (320, 180));
            assert!((0..180).all(|row| luma
                .row(row)
                .unwrap()
                .to_vec()
                .iter()
                .all(|value| usize::from(*value) == 20 + number)));
        } else {
            assert!(name.starts_with("audio"), "{name}");
            let last = *samples(&frame, 0).last().unwrap();
            // Silence before the source begins.
            if last == 0.0 {
                return None;
            }
            assert!((last - (number + 1) as f32 / 64.0).abs() < 1e-3, "{name}: {last}");
        }
        *frames.entry(name).or_insert(0) += 1;
        (frames.len() == 2 * PARTICIPANTS && frames.values().all(|count| *count >= 5)).then_some(())
    });
    assert_eq!(ring.ring.tracks().iter().filter(|track| track.live).count(), 2 * PARTICIPANTS);
    assert_eq!(ring.ring.producers(), 1);
}

/// Frames sent, their bytes, and frames not copied, as the ring and the page count them.
fn counts(stage: &Stage, ring: &Consumer, id: u32) -> [u64; 3] {
    let told = stage.evaluate("patched.stats('live')");
    let number = |name: &str| told[name].as_f64().unwrap() as u64;
    let entry = entry(ring, id);
    assert!(entry.sent >= number("frames") && entry.unwanted >= number("unwanted"), "{entry:?}, {told}");
    [number("frames"), number("bytes"), number("unwanted")]
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn what_is_not_wanted_is_not_copied_and_is_counted() {
    let stage = Stage::start();
    let mut ring = stage.serve(Default::default());
    stage.evaluate("patched.live({ ms: 20 })");
    let first = ring.frame("frames that are wanted");
    let id = track(&ring.ring, &first).id;
    drop(first);

    assert!(ring.ring.set_demand(id, Demand::NONE));
    stage.pause(200);
    let before = counts(&stage, &ring.ring, id);
    let written = stage.number("patched.ring.bytesWritten");
    stage.pause(1000);
    let after = counts(&stage, &ring.ring, id);
    assert_eq!(after[..2], before[..2], "what is not wanted is not copied");
    assert_eq!(stage.number("patched.ring.bytesWritten"), written);
    assert!(after[2] >= before[2] + 20, "{} to {} are counted as not wanted", before[2], after[2]);

    // A few of them.
    while ring.ring.try_recv().unwrap().is_some() {}
    assert!(ring.ring.set_demand(id, Demand { max_fps_milli: 5_000, ..Demand::ALL }));
    let from = counts(&stage, &ring.ring, id);
    ring.wait("a second at the lower rate", |ring| {
        let now = counts(&stage, ring, id);
        now[0] + now[2] >= from[0] + from[2] + 50
    });
    let frames = counts(&stage, &ring.ring, id)[0] - from[0];
    assert!((3..=9).contains(&frames), "{frames} of 50 frames, a second's, where 5 are wanted");

    assert!(ring.ring.set_demand(id, Demand::ALL));
    let frame = ring.frame("frames that are wanted again");
    assert_eq!(frame.descriptor().dropped_before, 0, "what was not wanted was not lost");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_track_ends_when_it_is_stopped_and_when_it_is_detached() {
    let stage = Stage::start();
    let mut ring = stage.serve(Default::default());
    for end in ["track.stop()", "patched.ring.detach(patched.ids.live)"] {
        stage.evaluate("patched.live().then((track) => void (globalThis.track = track))");
        let first = ring.frame("a frame of the track");
        let (id, format) = (first.descriptor().track, first.descriptor().body);
        drop(first);
        stage.evaluate(end);
        let last =
            ring.until("its end", |_, frame| frame.descriptor().flags.contains(Flags::EOS).then_some(frame));
        let about = last.descriptor();
        assert_eq!((about.track, about.payload_len, about.kind()), (id, 0, format.kind()), "{end}");
        assert!(!entry(&ring.ring, id).live, "{end}");
        stage.evaluate("patched.ring.close()");
        ring.wait("the end of the ring", |ring| ring.producers() == 0);
    }
    // The track that was only detached goes on.
    stage.evaluate("patched.open().then(() => patched.attach(track, 'again'))");
    let frame = ring.frame("frames of the track that was attached again");
    assert_eq!(label(&ring.ring, &frame), "again");
    let refused = "track.stop(), refused(() => patched.attach(track, 'stopped'))";
    assert_eq!(stage.evaluate(refused), "InvalidStateError");
}
