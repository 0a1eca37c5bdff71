//! Camera and microphone: Chromium's fake ones, and a file with burnt-in frame numbers as the camera.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use frame_ring::{mono_ns, Body, HubItem};
use frame_ring_pipeline::convert;
use frame_ring_pipeline::media::pattern::Pattern;
use frame_ring_pipeline::media::y4m::{Format, Writer};
use frame_ring_pipeline::media::{FrameRate, Layout, Range};

use crate::stage::{fine, label, Stage, DEVICES};
use crate::web::{launch, HEADLESS};

const SIZE: (u32, u32) = (320, 180);
/// Of the file: longer than the test, which sees each number once.
const NUMBERS: u32 = 240;

/// Written by the page to measure the skew.
const PAIRS: usize = 60;

/// What has come of one track.
#[derive(Default)]
struct Series {
    frames: usize,
    last_mono: u64,
    last_pts: i64,
    /// From `mono_ns` to the reception, ns.
    delays: Vec<i64>,
    /// Of `mono_ns` less the media's own time, ns.
    offsets: Vec<i64>,
}

impl Series {
    fn add(&mut self, mono: u64, pts: i64) {
        let now = mono_ns();
        assert!(mono >= self.last_mono, "{mono} after {}", self.last_mono);
        assert!(pts > self.last_pts || self.frames == 0, "{pts} after {}", self.last_pts);
        assert!(mono <= now, "captured {} ns from now", mono - now);
        self.delays.push((now - mono) as i64);
        self.offsets.push(mono as i64 - pts);
        (self.frames, self.last_mono, self.last_pts) = (self.frames + 1, mono, pts);
    }
}

fn median(values: &[i64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2] as f64 / 1e6
}

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
            series.entry(name).or_default().add(about.mono_ns, about.pts_ns.unwrap());
            let enough = |name, frames| series.get(name).is_some_and(|series| series.frames >= frames);
            (enough("video", 60) && enough("audio", 200)).then_some(())
        }
        item => fine(item),
    });
    for (name, series) in &series {
        let spread = series.offsets.iter().max().unwrap() - series.offsets.iter().min().unwrap();
        println!(
            "{name}: {} frames, {:.2} ms from mono_ns to here (median); mono_ns follows the media's time within {:.2} ms",
            series.frames,
            median(&series.delays),
            spread as f64 / 1e6
        );
    }
    let skew = median(&series["video"].delays) - median(&series["audio"].delays);
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
        median(&skews),
        ms(skews.iter().min().unwrap()),
        ms(skews.iter().max().unwrap())
    );
    assert!(median(&skews).abs() < 100.0, "more than two frames apart: {skews:?}");
}

/// A file with each number once.
fn write_numbers() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("numbers-{}.y4m", std::process::id()));
    let rate = FrameRate::whole(30);
    let (width, height) = SIZE;
    let format = Format { width, height, layout: Layout::I420, rate, range: Range::Limited };
    let mut writer = Writer::new(BufWriter::new(File::create(&path).unwrap()), format).unwrap();
    let mut pattern = Pattern::new(width, height, 0, rate).unwrap();
    (0..NUMBERS).for_each(|number| writer.write(&pattern.draw(number)).unwrap());
    writer.finish().unwrap();
    path
}

#[test]
fn a_file_as_camera_arrives_in_order_and_whole() {
    let Some(launch) = launch(HEADLESS) else { return };
    let file = write_numbers();
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
