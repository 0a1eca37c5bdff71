//! Calls: remote tracks of a page that knows nothing of rings, and many participants in one page.

use std::collections::{BTreeMap, BTreeSet};

use frame_ring::{Body, HubItem, TrackKind};
use frame_ring_pipeline::browser::inject::{self, Injection, Injector};
use serde_json::json;

use crate::stage::{fine, label, track, Stage, LIBRARY};
use crate::web::{launch, DEVICES, FULL, HEADLESS};

const PARTICIPANTS: usize = 25;

#[test]
fn remote_tracks_of_a_call_arrive_with_their_names() {
    let Some(launch) = launch(FULL) else { return };
    let mut stage = Stage::new(launch.args(DEVICES), Default::default());
    let config = json!({ "auto": true, "transport": "lane", "name": "call" });
    let script = inject::script(&config, LIBRARY);
    let injection = Injection { script, bypass_csp: false, allow_loopback: false };
    let _injector = Injector::start(stage.browser.cdp(), injection).unwrap();
    stage.go("/bare");
    stage.begin("stock.call()");
    let mut arrived = BTreeMap::new();
    stage.until("pictures and sound of the call", |hub, item| match item {
        HubItem::Frame(id, frame) => {
            assert_eq!(hub.ring(id).unwrap().lane().unwrap().name, "call");
            let info = track(hub, id, &frame).info.unwrap();
            let (mine, other) = match frame.descriptor().body {
                Body::Video(_) => ("video", TrackKind::Audio),
                _ => ("audio", TrackKind::Video),
            };
            assert_ne!(info.kind, other);
            let names = (info.label.to_string(), info.participant.to_string());
            let (_, frames) = arrived.entry(mine).or_insert((names.clone(), 0));
            *frames += 1;
            assert_eq!(arrived[mine].0, names);
            let enough = |kind, least| arrived.get(kind).is_some_and(|(_, frames)| *frames >= least);
            (enough("video", 20) && enough("audio", 50)).then_some(())
        }
        item => fine(item),
    });
    let told = stage.finish();
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 2);
    for track in told {
        let text = |name: &str| track[name].as_str().unwrap().to_owned();
        assert_eq!(arrived[text("kind").as_str()].0, (text("id"), text("stream")));
    }
}

#[test]
fn many_participants_share_one_lane() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::at(launch.args(DEVICES), "/");
    stage.begin(&format!("stock.participants({PARTICIPANTS})"));
    let (mut frames, mut lanes) = (BTreeMap::new(), BTreeSet::new());
    stage.until("frames of all participants", |hub, item| match item {
        HubItem::Joined(id) => {
            lanes.insert(id);
            None
        }
        HubItem::Frame(id, frame) => {
            let name = label(hub, id, &frame);
            let number: usize = name.rsplit_once(' ').unwrap().1.parse().unwrap();
            // Nobody has somebody else's picture or sound.
            if let Some(view) = frame.video() {
                assert!(name.starts_with("video"), "{name}");
                let luma = view.plane(0).unwrap();
                assert_eq!((luma.row_bytes(), luma.rows()), (320, 180));
                assert!(
                    luma.bytes().to_vec().iter().all(|value| usize::from(*value) == 20 + number),
                    "{name}"
                );
            } else {
                assert!(name.starts_with("audio"), "{name}");
                let bytes = frame.audio().unwrap().plane(0).unwrap().to_vec();
                let last = f32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
                let expected = (number + 1) as f32 / 64.0;
                // Silence before the source begins.
                assert!(last == 0.0 || (last - expected).abs() < 1e-3, "{name}: {last}");
                if last == 0.0 {
                    return None;
                }
            }
            *frames.entry(name).or_insert(0) += 1;
            let all = frames.len() == 2 * PARTICIPANTS;
            (all && frames.values().all(|count| *count >= 5)).then_some(())
        }
        item => fine(item),
    });
    assert_eq!(lanes.len(), 1);
    let id = *lanes.first().unwrap();
    let tracks = stage.hub.ring(id).unwrap().tracks();
    assert_eq!(tracks.iter().filter(|track| track.live).count(), 2 * PARTICIPANTS);
}
