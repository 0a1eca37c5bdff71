//! A browser on a page with the capture library, and a hub that receives what it sends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use frame_ring::{Frame, Hub, HubItem, LaneOptions, RecvError, RingId};
use frame_ring_pipeline::browser::cdp::Session;
use frame_ring_pipeline::browser::library;
use frame_ring_pipeline::browser::process::{Browser, Launch};
use serde_json::Value;

use crate::web::{self, Site};

/// Nothing here takes that long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the pages of these tests have besides the library.
const HELPERS: &str = r"
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const byteOf = (n, i) => (n * 31 + i * 7 + (i >> 8)) & 255;
async function open(options = {}) { return (window.ring = await FrameRing.open({ transport: 'lane', ...options })); }
/** A track whose frames the page makes, and its capture. */
function made(kind, options) {
  const track = new MediaStreamTrackGenerator({ kind });
  return { track, writer: track.writable.getWriter(), capture: ring.captureTrack(track, options) };
}
async function picture(writer, n, format, width, height, size) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => byteOf(n, i));
  await writer.write(new VideoFrame(bytes, { format, codedWidth: width, codedHeight: height, timestamp: n * 40000 }));
}
async function sound(writer, n, channels, frames) {
  const data = Float32Array.from({ length: channels * frames }, (_, i) => byteOf(n, i) / 256 - 0.5);
  await writer.write(new AudioData({ format: 'f32-planar', sampleRate: 48000, numberOfChannels: channels,
    numberOfFrames: frames, timestamp: n * 10000, data }));
}
/** Pictures until the page goes away. */
async function flood(label, width = 64, height = 36, ms = 20) {
  const { writer } = made('video', { label });
  for (let n = 0; ; n++) {
    await picture(writer, n, 'I420', width, height, width * height * 1.5);
    await sleep(ms);
  }
}
";

/// One browser at a time: there are few processors.
static TURN: Mutex<()> = Mutex::new(());

pub struct Stage {
    pub browser: Browser,
    pub page: Session,
    pub hub: Hub,
    pub site: Site,
    _turn: MutexGuard<'static, ()>,
}

/// What the byte at `i` of frame `n` is.
pub fn byte_of(n: u64, i: usize) -> u8 {
    (n as usize * 31 + i * 7 + (i >> 8)) as u8
}

impl Stage {
    /// `None` where there is no browser.
    pub fn new() -> Option<Self> {
        Self::with(web::launch(web::FULL)?)
    }

    pub fn with(launch: Launch) -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format!("<!doctype html><script>{}</script><script>{HELPERS}</script>", library::SCRIPT);
        let site = Site::serve(&[("/", ("", text.clone())), ("/elsewhere", ("", text))]);
        let browser = web::start(launch);
        let mut hub = Hub::new().expect("a hub");
        hub.watch_profile(browser.profile(), LaneOptions::default()).expect("watched");
        let page = browser.open(&site.url_at("localhost", "/")).expect("a page");
        Some(Self { browser, page, hub, site, _turn: turn })
    }

    /// Runs a script in the page that need not end.
    pub fn begin(&self, script: &str) {
        let script = format!("void (async () => {{ {script} }})()");
        self.page.evaluate(&script).expect("a script");
    }

    /// Runs a script in the page to its end.
    pub fn run(&self, script: &str) -> Value {
        self.page.evaluate_within(&format!("(async () => {{ {script} }})()"), PATIENCE).expect("a script")
    }

    pub fn next(&mut self) -> HubItem {
        self.hub.recv_timeout(PATIENCE).expect("a hub").expect("something in time")
    }

    pub fn joined(&mut self) -> RingId {
        loop {
            match self.next() {
                HubItem::Joined(id) => return id,
                HubItem::Frame(..) | HubItem::Error(_, RecvError::Disconnected, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn frame(&mut self) -> (RingId, Frame) {
        loop {
            match self.next() {
                HubItem::Frame(id, frame) => return (id, frame),
                HubItem::Joined(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Receives until this lane has ended, as it should when its page is gone.
    pub fn end_of(&mut self, id: RingId) {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "the lane does not end");
            match self.next() {
                HubItem::Error(ended, RecvError::Disconnected, Some(_)) if ended == id => return,
                HubItem::Frame(..) | HubItem::Joined(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Frames of each track until `is_enough`.
    pub fn frames(&mut self, is_enough: impl Fn(&BTreeMap<u32, u64>) -> bool) -> BTreeMap<u32, u64> {
        let mut frames = BTreeMap::new();
        let start = Instant::now();
        while !is_enough(&frames) {
            assert!(start.elapsed() < PATIENCE, "{frames:?}");
            *frames.entry(self.frame().1.descriptor().track).or_insert(0) += 1;
        }
        frames
    }
}
