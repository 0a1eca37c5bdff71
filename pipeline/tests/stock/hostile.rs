//! A page that shortens the file of its lane while the consumer holds frames of it.

use frame_ring::{Frame, HubItem, LaneFault, LaneOptions, LaneRead, RecvError, RingId};

use crate::stage::{fine, Stage};
use crate::web::{launch, HEADLESS};

const FRAMES: usize = 4;
const PAYLOAD: usize = 65536;

/// The number of a lane that the page has made by hand, and its frames.
fn by_hand(stage: &mut Stage) -> (RingId, Vec<Frame>) {
    stage.go("/");
    let lane = stage.open("stock.hostile()");
    let held: Vec<Frame> = (0..FRAMES).map(|_| stage.frame("frames of the hand-made lane").1).collect();
    for (number, frame) in held.iter().enumerate() {
        assert_eq!(frame.descriptor().sequence, number as u64);
        assert_eq!(frame.payload().to_vec(), [7; PAYLOAD]);
    }
    (lane, held)
}

/// Waits for the end of the lane, and says why it ended.
fn end_of(stage: &mut Stage, lane: RingId) -> RecvError {
    stage.until("the end of the lane", |_, item| match item {
        HubItem::Error(id, why, Some(_)) if id == lane => Some(why),
        item => fine(item),
    })
}

#[test]
fn frames_read_in_place_outlive_their_file() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::new(launch, LaneOptions { read: LaneRead::Guarded });
    // Whether the consumer hears of it first or reads a page that is gone.
    for reads_first in [true, false] {
        let (lane, held) = by_hand(&mut stage);
        stage.evaluate("stock.ask('truncate')");
        if reads_first {
            assert_eq!(held[0].payload().to_vec(), [0; PAYLOAD]);
        }
        assert_eq!(end_of(&mut stage, lane), RecvError::Lane(LaneFault::Shortened));
        for frame in held {
            assert_eq!(frame.payload().to_vec(), [0; PAYLOAD], "what is gone reads as zeros");
        }
    }
}

/// A file that is as long as before tells nothing; it is as if the page had written zeros.
#[test]
fn a_file_that_was_short_for_a_moment_harms_nobody() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::new(launch, LaneOptions { read: LaneRead::Guarded });
    let (lane, held) = by_hand(&mut stage);
    stage.evaluate("stock.ask('flicker')");
    for frame in held {
        assert_eq!(frame.payload().to_vec(), [0; PAYLOAD]);
    }
    stage.go("/live");
    // The page is gone; or it was seen while the file was short.
    let why = end_of(&mut stage, lane);
    assert!(matches!(why, RecvError::Disconnected | RecvError::Lane(LaneFault::Shortened)), "{why}");
    stage.frame("frames of a page that keeps to the rules");
}

#[test]
fn frames_that_were_copied_stay_as_they_were() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::new(launch, LaneOptions { read: LaneRead::Copied });
    let (lane, held) = by_hand(&mut stage);
    stage.evaluate("stock.ask('truncate')");
    assert_eq!(end_of(&mut stage, lane), RecvError::Lane(LaneFault::Shortened));
    for frame in held {
        assert_eq!(frame.payload().to_vec(), [7; PAYLOAD]);
    }
}
