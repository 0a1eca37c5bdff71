//! Ends and beginnings: of a document, a tab, a consumer.

use frame_ring_pipeline::browser::cdp::PATIENCE;

use frame_ring::{Consumer, HubItem, LaneOptions, RecvError, RingId};
use serde_json::json;

use crate::stage::{fine, Stage};
use crate::web::{launch, FULL, HEADLESS};

/// Waits for the end of a lane; what it still had to give comes first.
fn end_of(stage: &mut Stage, lane: RingId) {
    stage.until("the end of the lane", |_, item| match item {
        HubItem::Error(id, RecvError::Disconnected, Some(_)) if id == lane => Some(()),
        item => fine(item),
    });
}

/// Waits for a lane of the page, and for frames of it.
fn next_lane(stage: &mut Stage) -> RingId {
    let lane = stage.joined();
    for _ in 0..5 {
        assert_eq!(stage.frame("frames of the new lane").0, lane);
    }
    lane
}

fn reload_crash_and_navigation(program: &str) {
    let Some(launch) = launch(program) else { return };
    let mut stage = Stage::at(launch, "/live");
    let first = next_lane(&mut stage);
    stage.browser.reload(&stage.page).unwrap();
    end_of(&mut stage, first);
    let second = next_lane(&mut stage);

    stage.page.command("Inspector.enable", json!({})).unwrap();
    let crashes = stage.browser.cdp().subscribe(&["Inspector.targetCrashed"]);
    // It cannot answer.
    drop(stage.page.send("Page.crash", json!({})).unwrap());
    end_of(&mut stage, second);
    // The kernel is faster than the browser, which would still give the reload to the process that is gone.
    crashes.wait_for(PATIENCE, |_| true).unwrap();
    stage.browser.reload(&stage.page).unwrap();
    let third = next_lane(&mut stage);

    stage.go("/");
    end_of(&mut stage, third);
    stage.go("/live");
    let fourth = next_lane(&mut stage);
    assert_eq!(stage.hub.ids().collect::<Vec<_>>(), [fourth]);
}

#[test]
fn a_lane_ends_with_its_document_and_the_next_one_begins() {
    reload_crash_and_navigation(HEADLESS);
}

#[test]
fn the_full_browser_ends_lanes_alike() {
    reload_crash_and_navigation(FULL);
}

#[test]
fn a_consumer_that_comes_again_gets_what_is_captured_then() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::at(launch, "/live");
    let first = next_lane(&mut stage);
    let (_, held) = stage.frame("a frame to hold");
    let old = stage.hub.remove(first).unwrap();
    let path = old.lane().unwrap().path.clone();
    // Somebody is its consumer.
    assert!(matches!(Consumer::open_lane(&path, LaneOptions::default()), Err(frame_ring::LaneError::Taken)));
    drop((old, held));

    let lane = Consumer::open_lane(&path, LaneOptions::default()).unwrap();
    let second = stage.hub.add(lane).unwrap();
    for number in 0..10 {
        let (id, frame) = stage.frame("frames for the second consumer");
        assert_eq!(id, second);
        let is_first = frame.descriptor().flags.contains(frame_ring::Flags::DISCONT);
        assert_eq!(is_first, number == 0, "the first frame continues nothing, the others do");
        let luma = frame.video().unwrap().plane(0).unwrap().bytes().to_vec();
        assert!(luma.iter().all(|value| *value == 90));
    }
    assert_eq!(stage.evaluate("stock.ring.stats()")["epochs"], 2);
    let tracks = stage.hub.ring(second).unwrap().tracks();
    assert_eq!(tracks.iter().filter(|track| track.live).count(), 1);
}
