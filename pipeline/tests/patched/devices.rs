//! Camera and microphone: Chromium's fake ones, and a file with burnt-in frame numbers as the camera.

use std::collections::BTreeMap;
use std::path::Path;

use frame_ring::{mono_ns, Body};
use frame_ring_pipeline::convert;
use frame_ring_pipeline::media::pattern::Pattern;
use frame_ring_pipeline::media::FrameRate;

use crate::stage::{label, Stage};
use crate::web::media::{median_ms, write_numbers, Series};

const SIZE: (u32, u32) = (320, 180);
/// Of the file: longer than the test, which sees each number once.
const NUMBERS: u32 = 240;

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn camera_and_microphone_arrive_on_one_clock() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    stage.begin("patched.devices({ width: 320, height: 180, frameRate: 30 }, true)");
    let mut series: BTreeMap<String, Series> = BTreeMap::new();
    ring.until("three seconds of pictures and sound", |ring, frame| {
        let (about, name) = (*frame.descriptor(), label(ring, &frame));
        match about.body {
            Body::Video(format) => {
                assert_eq!((name.as_str(), format.coded_width, format.coded_height), ("video", 320, 180));
            }
            Body::Audio(format) => assert_eq!((name.as_str(), format.frames > 0), ("audio", true)),
            body => panic!("{body:?}"),
        }
        assert_eq!(about.dropped_before, 0);
        assert!(about.mono_ns <= mono_ns(), "captured some time from now");
        series.entry(name).or_default().add(&about);
        let enough = |name, frames| series.get(name).is_some_and(|series| series.frames() >= frames);
        (enough("video", 90) && enough("audio", 300)).then_some(())
    });
    for (name, series) in &series {
        println!(
            "{name}: {} frames, {:.2} ms from mono_ns to here (median)",
            series.frames(),
            median_ms(&series.delays)
        );
    }
    let step = median_ms(&series["video"].steps());
    assert!((30.0..37.0).contains(&step), "a picture each {step} ms");
    let skew = median_ms(&series["video"].delays) - median_ms(&series["audio"].delays);
    // Half a second would be a mistake of clocks, not the load of a machine.
    assert!(skew.abs() < 500.0, "{skew} ms");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_file_as_camera_arrives_in_order_and_whole() {
    let stage = Stage::start_with(|switches| {
        // Where the browser's user may read it: beside the socket.
        let socket = switches.iter().find_map(|switch| switch.strip_prefix("--frame-ring-socket=")).unwrap();
        let file = Path::new(socket).with_file_name("numbers.y4m");
        write_numbers(&file, SIZE, NUMBERS);
        switches.push(format!("--use-file-for-fake-video-capture={}", file.display()));
    });
    let mut ring = stage.opened();
    stage.begin("patched.devices({ width: 320, height: 180, frameRate: 30 }, false)");
    let mut pattern = Pattern::new(SIZE.0, SIZE.1, 0, FrameRate::whole(30)).unwrap();
    let mut numbers = Vec::new();
    let (mut scratch, mut copy) = (Vec::new(), Vec::new());
    while numbers.len() < 60 {
        let frame = ring.frame("a picture of the file");
        let Body::Video(format) = frame.descriptor().body else { panic!("{:?}", frame.descriptor()) };
        let bytes = frame.payload();
        let picture = convert::picture(&format, convert::bytes(&bytes, &mut copy), &mut scratch).unwrap();
        // Every pixel is that of the number that is burnt in.
        numbers.push(pattern.check(&picture).unwrap());
    }
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}
