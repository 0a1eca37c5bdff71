//! What each test has: a browser with one page, and a hub that receives its lanes. One browser at a time.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use frame_ring::{Frame, Hub, HubItem, LaneOptions, RingId, TrackStats};
use frame_ring_pipeline::browser::cdp::Session;
use frame_ring_pipeline::browser::process::{Browser, Launch, StartError};
use serde_json::Value;

use crate::web::{media, turn, Site};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub const LIBRARY: &str = include_str!("../../../js/dist/frame-ring.js");
const HELPERS: &str = include_str!("page.js");
const HOSTILE: &str = include_str!("hostile.js");

/// A browser that runs, and the consumer of its lanes.
pub struct Stage {
    pub hub: Hub,
    pub page: Session,
    pub site: Site,
    pub browser: Browser,
    _turn: MutexGuard<'static, ()>,
}

/// `/` has the library and the helpers, `/live` also captures as soon as it is loaded, `/bare` lacks the library.
fn site() -> Site {
    let page = |scripts: &str| ("", format!("<!DOCTYPE html><title>stock</title>{scripts}"));
    let (library, helpers) = (
        "<script src=/frame-ring.js></script>",
        "<script src=/media.js></script><script src=/page.js></script>",
    );
    Site::serve(&[
        ("/", page(&format!("{library}{helpers}"))),
        ("/live", page(&format!("{library}{helpers}<script>task.begin(() => stock.live())</script>"))),
        ("/bare", page(helpers)),
        ("/frame-ring.js", ("", LIBRARY.into())),
        ("/media.js", ("", media::SCRIPT.into())),
        ("/page.js", ("", HELPERS.into())),
        ("/hostile.js", ("", HOSTILE.into())),
    ])
}

impl Stage {
    /// A browser on an empty page.
    pub fn new(launch: Launch, options: LaneOptions) -> Self {
        Self::with(options, || Browser::start(launch))
    }

    /// The same with a browser that is started in another way.
    pub fn with(options: LaneOptions, start: impl FnOnce() -> Result<Browser, StartError>) -> Self {
        let turn = turn();
        let browser = start().unwrap_or_else(|why| panic!("{why}"));
        let mut hub = Hub::new().unwrap();
        hub.watch_profile(browser.profile(), options).unwrap();
        let page = browser.new_page().unwrap();
        Self { hub, page, site: site(), browser, _turn: turn }
    }

    /// A browser on a page of the site.
    pub fn at(launch: Launch, path: &str) -> Self {
        let stage = Self::new(launch, LaneOptions::default());
        stage.go(path);
        stage
    }

    pub fn go(&self, path: &str) {
        self.browser.navigate(&self.page, &self.site.url(path)).unwrap();
    }

    pub fn evaluate(&self, expression: &str) -> Value {
        self.page.evaluate(expression).unwrap_or_else(|why| panic!("{expression}: {why}"))
    }

    /// Begins something in the page that goes on while this side receives.
    pub fn begin(&self, expression: &str) {
        self.evaluate(&format!("task.begin(() => {expression}), undefined"));
    }

    /// Waits for what was begun last, and returns what came of it.
    pub fn finish(&self) -> Value {
        self.evaluate("task.begun")
    }

    /// Receives until `look` has seen what it waits for.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Hub, HubItem) -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.hub.recv_timeout(Duration::from_millis(200)).unwrap() {
                Some(HubItem::Refused(path, why)) => panic!("{}: {why}", path.display()),
                Some(item) => {
                    if let Some(seen) = look(&mut self.hub, item) {
                        return seen;
                    }
                }
                None => {}
            }
        }
        let page = self.page.evaluate_within("stock.state()", Duration::from_secs(2));
        panic!("waited in vain for {what}; the page says {page:?}");
    }

    /// Begins something in the page that opens a lane, and waits for both.
    pub fn open(&mut self, expression: &str) -> RingId {
        self.begin(expression);
        let id = self.joined();
        self.finish();
        id
    }

    /// Receives the next frame with content.
    pub fn frame(&mut self, what: &str) -> (RingId, Frame) {
        self.until(what, |_, item| match item {
            HubItem::Frame(id, frame) if frame.descriptor().payload_len > 0 => Some((id, frame)),
            item => fine(item),
        })
    }

    /// Waits for the next lane.
    pub fn joined(&mut self) -> RingId {
        self.until("a lane", |_, item| match item {
            HubItem::Joined(id) => Some(id),
            item => fine(item),
        })
    }
}

/// Nothing, unless the item tells of an error.
pub fn fine<T>(item: HubItem) -> Option<T> {
    match item {
        HubItem::Error(id, why, _) => panic!("{id}: {why}"),
        _ => None,
    }
}

/// What is known of the track of a frame.
pub fn track(hub: &mut Hub, id: RingId, frame: &Frame) -> TrackStats {
    let tracks = hub.ring(id).unwrap().tracks();
    tracks.into_iter().find(|track| track.id == frame.descriptor().track).unwrap()
}

/// Its label.
pub fn label(hub: &mut Hub, id: RingId, frame: &Frame) -> String {
    track(hub, id, frame).info.unwrap().label.to_string()
}
