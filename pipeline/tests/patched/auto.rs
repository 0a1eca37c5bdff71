//! `--frame-ring-auto-attach`: remote tracks of a page that has no script for rings.

use std::collections::{BTreeMap, BTreeSet};

use frame_ring::{Body, RingBuilder, TrackKind};
use serde_json::Value;

use crate::stage::{track, Receiver, Stage};

/// So many calls, each with a picture track and a sound track.
const CALLS: usize = 3;

/// A page that calls itself several times.
fn calling(auto: bool) -> Stage {
    let stage = Stage::start_with(|switches| {
        if auto {
            switches.push("--frame-ring-auto-attach".into());
        }
    });
    stage.go("/bare");
    stage.evaluate(&format!(
        "void (globalThis.calls = []), task.begin(async () => {{
            for (let n = 0; n < {CALLS}; n++) calls.push(await (await Call.of(await camera())).play());
            return calls.flatMap((call) => call.told());
        }})"
    ));
    stage
}

/// By stream, which is the participant: the kinds of its tracks whose frames have come.
fn kinds(ring: &mut Receiver) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut found: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    ring.until("frames of all remote tracks", |ring, frame| {
        let kind = match frame.descriptor().body {
            Body::Video(_) => (TrackKind::Video, "video"),
            Body::Audio(_) => (TrackKind::Audio, "audio"),
            _ => return None,
        };
        let info = track(ring, &frame).info.unwrap();
        assert_eq!(info.kind, kind.0);
        *found.entry(info.participant.to_string()).or_default().entry(kind.1).or_default() += 1;
        let enough = found.values().flat_map(BTreeMap::values).filter(|frames| **frames >= 10).count();
        (enough == 2 * CALLS).then_some(())
    });
    found.into_iter().map(|(name, kinds)| (name, kinds.into_keys().collect())).collect()
}

fn told(arrived: &Value) -> BTreeSet<String> {
    arrived.as_array().unwrap().iter().map(|track| track["stream"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn every_remote_track_of_a_page_that_knows_nothing_of_rings_arrives() {
    let stage = calling(true);
    // Nobody listens yet: the tracks wait for their consumer.
    stage.pause(1500);
    let mut ring = stage.serve(RingBuilder::new());
    let found = kinds(&mut ring);
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), told(&stage.finish()));
    assert!(found.values().all(|kinds| kinds.len() == 2), "{found:?}");
    assert_eq!(ring.ring.tracks().iter().filter(|track| track.live).count(), 2 * CALLS);
    assert_eq!(ring.ring.producers(), 1, "the page has one ring for all");

    // A call that comes later is there, too; one that ends leaves with its tracks.
    stage.evaluate("(async () => void calls.push(await (await Call.of(await camera())).play()))()");
    ring.wait("the tracks of another call", |ring| {
        ring.tracks().iter().filter(|track| track.live && track.sent > 0).count() == 2 * CALLS + 2
    });
    stage.go("/");
    ring.wait("the end of the page's ring", |ring| ring.producers() == 0);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn remote_tracks_go_to_the_next_consumer() {
    let stage = calling(true);
    let mut first = stage.serve(RingBuilder::new());
    kinds(&mut first);
    drop(first);
    let mut second = stage.serve(RingBuilder::new());
    assert_eq!(kinds(&mut second).len(), CALLS);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn without_the_switch_nothing_is_attached() {
    let stage = calling(false);
    let ring = stage.serve(RingBuilder::new());
    stage.finish();
    stage.pause(2500);
    assert_eq!((ring.ring.producers(), ring.ring.tracks().len()), (0, 0));
    assert!(ring.ring.producer_stats().is_empty(), "somebody has asked");
}
