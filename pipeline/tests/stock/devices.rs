//! Camera and microphone: Chromium's fake ones, and a file with burnt-in frame numbers as the camera.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use frame_ring::{mono_ns, Body, HubItem};
use frame_ring_pipeline::convert;
use frame_ring_pipeline::media::pattern::Pattern;
use frame_ring_pipeline::media::FrameRate;

use crate::stage::{fine, label, Stage};
use crate::web::media::{median_ms, write_numbers, Series};
use crate::web::{launch, DEVICES, HEADLESS};

const SIZE: (u32, u32) = (320, 180);
/// Of the file: longer than the test, which sees each number once.
const NUMBERS: u32 = 240;

/// Written by the page to measure the skew.
const PAIRS: usize = 60;

#[test]
fn camera_and_microphone_arrive_on_one_clock() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::at(launch.args(DEVICES), "/");
    stage.begin("stock.devices({ width: 320, height: 180 }, true)");
    let mut series: BTreeMap<String, Series> = BTreeMap::new();
    stage.until("two seconds of pictures and sound", |hub, item| match item {
        HubItem::Frame(id, frame) => {
            let (about, name) = (*frame.descriptor(), label(hub, id, &frame));
            match about.body {
                Body::Video(format) => {
                    assert_eq!((name.as_str(), format.coded_width, format.coded_height), ("video", 320, 180));
                }
                Body::Audio(format) => assert_eq!((name.as_str(), format.frames > 0), ("audio", true)),
                body => panic!("{body:?}"),
            }
            about.pts_ns.expect("a time of the media's own");
            series.entry(name).or_default().add(&about);
            assert!(about.mono_ns <= mono_ns(), "captured some time from now");
            let enough = |name, frames| series.get(name).is_some_and(|series| series.frames() >= frames);
            (enough("video", 60) && enough("audio", 200)).then_some(())
        }
        item => fine(item),
    });
    for (name, series) in &series {
        println!(
            "{name}: {} frames, {:.2} ms from mono_ns to here (median); mono_ns follows the media's time within {:.2} ms",
            series.frames(),
            median_ms(&series.delays),
            series.spread_ms()
        );
    }
    let skew = median_ms(&series["video"].delays) - median_ms(&series["audio"].delays);
    println!("the picture is received {skew:+.2} ms later than the sound of the same mono_ns");
    // Half a second would be a mistake of clocks, not the load of a machine.
    assert!(skew.abs() < 500.0, "{skew} ms");
}

/// Picture and sound that were made at the same moment have the same `mono_ns`, as far as the page can know it.
#[test]
fn picture_and_sound_of_one_moment_have_one_time() {
    let Some(launch) = launch(HEADLESS) else { return };
    let mut stage = Stage::at(launch, "/");
    stage.begin(&format!("stock.open().then(() => stock.pairs({PAIRS}))"));
    let mut halves: BTreeMap<i64, [Option<u64>; 2]> = BTreeMap::new();
    stage.until("pairs of picture and sound", |_, item| match item {
        HubItem::Frame(_, frame) if frame.descriptor().payload_len > 0 => {
            let about = frame.descriptor();
            let (half, number) = match frame.audio() {
                None => (0, about.pts_ns.unwrap() / 40_000_000),
                // The browser rounds time stamps of sound, down to tenths of a millisecond.
                Some(view) => {
                    let mut sample = [0; 4];
                    view.plane(0).unwrap().copy_to_slice(&mut sample);
                    (1, (f32::from_le_bytes(sample) * 1024.0) as i64)
                }
            };
            halves.entry(number).or_default()[half] = Some(about.mono_ns);
            let pairs = halves.values().filter(|pair| pair.iter().all(Option::is_some)).count();
            (pairs >= PAIRS / 2).then_some(())
        }
        item => fine(item),
    });
    let pairs = halves.values().filter_map(|pair| Some(pair[0]? as i64 - pair[1]? as i64));
    let skews: Vec<i64> = pairs.collect();
    let ms = |ns: &i64| *ns as f64 / 1e6;
    println!(
        "A/V skew of {} pairs: picture {:+.2} ms to sound (median), {:+.2} to {:+.2} ms",
        skews.len(),
        median_ms(&skews),
        ms(skews.iter().min().unwrap()),
        ms(skews.iter().max().unwrap())
    );
    assert!(median_ms(&skews).abs() < 100.0, "more than two frames apart: {skews:?}");
}

#[test]
fn a_file_as_camera_arrives_in_order_and_whole() {
    let Some(launch) = launch(HEADLESS) else { return };
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("numbers-{}.y4m", std::process::id()));
    write_numbers(&file, SIZE, NUMBERS);
    let launch = launch.args(DEVICES).arg(format!("--use-file-for-fake-video-capture={}", file.display()));
    let mut stage = Stage::at(launch, "/");
    stage.begin("stock.devices({ width: 320, height: 180, frameRate: 30 }, false)");
    let mut pattern = Pattern::new(SIZE.0, SIZE.1, 0, FrameRate::whole(30)).unwrap();
    let mut numbers = Vec::new();
    let (mut scratch, mut copy) = (Vec::new(), Vec::new());
    while numbers.len() < 60 {
        let (_, frame) = stage.frame("a picture of the file");
        let Body::Video(format) = frame.descriptor().body else { panic!("{:?}", frame.descriptor()) };
        let picture =
            convert::picture(&format, convert::bytes(&frame.payload(), &mut copy), &mut scratch).unwrap();
        // Every pixel is that of the number that is burnt in.
        numbers.push(pattern.check(&picture).unwrap());
    }
    fs::remove_file(file).unwrap();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    println!("numbers {} to {}, {} pictures", numbers[0], numbers[59], numbers.len());
}
