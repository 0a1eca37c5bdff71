//! Pages that reload, navigate, crash, attack; consumers that are restarted, or slow; many tracks.

use std::time::Duration;

use frame_ring::{Consumer, HubItem, LaneFault, LaneOptions, RecvError};
use serde_json::json;

use super::sandbox::{self, Sandboxed};
use super::stage::Stage;
use super::web;

#[test]
fn a_page_that_goes_away_ends_its_lane_and_another_one_joins() {
    let Some(mut stage) = Stage::new() else { return };
    let begin = "await open(); flood('again');";
    stage.begin(begin);
    let mut id = stage.joined();
    stage.frame();
    stage.browser.reload(&stage.page).expect("reloaded");
    stage.end_of(id);
    stage.begin(begin);
    id = stage.joined();
    stage.frame();
    let elsewhere = stage.site.url_at("localhost", "/elsewhere");
    stage.browser.navigate(&stage.page, &elsewhere).expect("navigated");
    stage.end_of(id);
    stage.begin(begin);
    id = stage.joined();
    stage.frame();
    // It is never answered.
    drop(stage.page.send("Page.crash", json!({})).expect("sent"));
    stage.end_of(id);
}

#[test]
fn tabs_and_frames_have_lanes_of_their_own() {
    let Some(mut stage) = Stage::new() else { return };
    stage.begin("await open({ name: 'first' }); flood('first');");
    stage.begin(
        "const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), { src: '/elsewhere' }));
         await new Promise((done) => (frame.onload = done));
         frame.contentWindow.eval('open({ name: \"frame\" }).then(() => flood(\"frame\"))');",
    );
    let second = stage.browser.open(&stage.site.url_at("localhost", "/elsewhere")).expect("a page");
    second.evaluate("void open({ name: 'second' }).then(() => flood('second'))").expect("a script");
    let mut names = std::collections::BTreeSet::new();
    while names.len() < 3 {
        let (id, _) = stage.frame();
        let name = stage.hub.ring(id).and_then(|ring| ring.lane().map(|lane| lane.name.clone()));
        names.extend(name);
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["first", "frame", "second"]);
}

#[test]
fn a_consumer_that_is_restarted_goes_on() {
    let Some(mut stage) = Stage::new() else { return };
    stage.begin("await open(); flood('on and on');");
    let id = stage.joined();
    stage.frame();
    for _ in 0..3 {
        let present = stage.hub.ids().next().expect("a lane");
        let consumer = stage.hub.remove(present).expect("a lane");
        let path = consumer.lane().expect("a lane").path.clone();
        drop(consumer);
        let again = Consumer::open_lane(path, LaneOptions::default()).expect("the same lane");
        stage.hub.add(again).expect("added");
        let (now, frame) = stage.frame();
        assert_ne!(now, id);
        let tracks = stage.hub.ring(now).expect("a lane").tracks();
        assert!(tracks.iter().any(|track| track.id == frame.descriptor().track && track.live));
    }
}

#[test]
fn a_slow_consumer_costs_frames_that_are_counted() {
    let Some(mut stage) = Stage::new() else { return };
    stage.begin("await open({ bytes: 1 << 20 }); flood('fast', 320, 180, 10);");
    let (id, first) = stage.frame();
    let mut held = vec![first];
    std::thread::sleep(Duration::from_secs(1));
    while let Some(HubItem::Frame(_, frame)) = stage.hub.try_recv().expect("a hub") {
        held.push(frame);
    }
    // 86 KB each, and pictures may use 7/8 of a MiB.
    assert!((5..=10).contains(&held.len()), "{}", held.len());
    std::thread::sleep(Duration::from_millis(300));
    held.clear();
    let mut dropped = 0;
    for _ in 0..30 {
        let (_, frame) = stage.frame();
        dropped += frame.descriptor().dropped_before;
    }
    assert!(dropped > 10, "{dropped}");
    // The page's own count comes once a second.
    std::thread::sleep(Duration::from_millis(1200));
    while stage.hub.try_recv().expect("a hub").is_some() {}
    let track = stage.hub.ring(id).expect("a lane").tracks()[0];
    assert!(track.dropped >= u64::from(dropped), "{track:?}");
}

#[test]
fn twenty_five_people_share_one_lane() {
    let Some(mut stage) = Stage::new() else { return };
    stage.begin("await open(); for (let i = 0; i < 25; i++) flood(`person ${i}`, 160, 90, 100);");
    stage.begin(
        "while (!window.ring) await sleep(10);
         for (let i = 0; i < 25; i++) (async () => {
           const { writer } = made('audio', { label: `voice ${i}` });
           for (let n = 0; ; n++) { await sound(writer, n, 1, 480); await sleep(50); }
         })();",
    );
    let frames = stage.frames(|frames| frames.len() == 50 && frames.values().all(|count| *count >= 5));
    assert_eq!((frames.len(), stage.hub.ids().count()), (50, 1));
}

/// A page that makes a lane by hand, and takes its file away while frames are held.
#[test]
fn a_page_that_truncates_its_file_ends_its_lane_alone() {
    let Some(mut stage) = Stage::new() else { return };
    stage.begin("await open({ name: 'honest' }); flood('honest');");
    let honest = stage.joined();
    stage.begin(
        "const work = async () => {
           const root = await navigator.storage.getDirectory();
           const file = await root.getFileHandle('attack', { create: true });
           const handle = await file.createSyncAccessHandle();
           handle.truncate(12288 + 65536);
           const header = new DataView(new ArrayBuffer(4096));
           header.setUint32(8, 1, true); header.setUint32(12, 16, true); header.setUint32(24, 65536, true); header.setUint32(32, 1, true);
           handle.write(header, { at: 0 });
           handle.write(new TextEncoder().encode('FRAMLANE'), { at: 0 });
           const byte = new Uint8Array(1);
           while (!byte[0]) { handle.read(byte, { at: 8192 }); await new Promise((done) => setTimeout(done, 5)); }
           handle.write(byte, { at: 4096 });
           const entry = new DataView(new ArrayBuffer(256 + 40000));
           entry.setUint32(0, 256 + 40000, true);
           entry.setUint16(64, 64, true); entry.setUint8(66, 1); entry.setUint8(67, 5); entry.setUint32(64 + 44, 40000, true);
           for (let i = 0; i < 40000; i++) entry.setUint8(256 + i, 7);
           handle.write(entry, { at: 12288 });
           handle.write(Uint8Array.of(1), { at: 5120 });
           onmessage = () => { handle.truncate(0); postMessage('done'); };
         };
         window.attacker = new Worker(URL.createObjectURL(new Blob([`(${work})()`])));",
    );
    let (id, held) = loop {
        let (id, frame) = stage.frame();
        if id != honest {
            break (id, frame);
        }
    };
    assert_eq!(held.payload().to_vec(), [7; 40000]);
    stage.run("await new Promise((done) => { attacker.onmessage = done; attacker.postMessage(0); })");
    assert_eq!(held.payload().to_vec(), [0; 40000]);
    let mut after = 0;
    let mut ended = false;
    while !ended || after < 5 {
        match stage.next() {
            HubItem::Frame(from, _) if from == honest => after += 1,
            HubItem::Error(from, RecvError::Lane(LaneFault::Shortened), Some(_)) if from == id => {
                ended = true
            }
            other => panic!("{other:?}"),
        }
    }
}

/// As an ordinary user Chromium keeps its sandbox; as root it can have none.
#[test]
fn a_sandboxed_browser_of_an_ordinary_user_has_lanes() {
    if web::launch(web::FULL).is_none() {
        return;
    }
    let Some(sandboxed) = Sandboxed::new() else { return };
    let Some(mut stage) = Stage::with(sandboxed.launch()) else { return };
    stage.begin("await open(); flood('inside');");
    stage.frame();
    assert!(sandbox::renderers_with_filter() > 0, "no renderer has a system call filter");
}
