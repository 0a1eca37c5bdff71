//! What each test has: a patched browser with one page, and a ring's consumer where the browser was told. One browser at
//! a time.

use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use frame_ring::{Consumer, Frame, RingBuilder, TrackStats};
use frame_ring_pipeline::browser::cdp::Session;
use frame_ring_pipeline::browser::process::Browser;
use serde_json::Value;

use crate::binary;
use crate::web::sandbox::Tenant;
use crate::web::{media, turn, Site, DEVICES};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser that runs. Nobody listens where it was told to ask for rings, until somebody serves one there.
pub struct Stage {
    pub page: Session,
    pub browser: Browser,
    pub site: Site,
    pub socket: PathBuf,
    pub tenant: Tenant,
    _turn: MutexGuard<'static, ()>,
}

/// `/` has the helpers, `/live` also writes to a ring as soon as it is loaded, `/bare` knows nothing of rings.
fn site() -> Site {
    let page = |scripts: &str| {
        ("", format!("<!DOCTYPE html><title>patched</title><script src=/media.js></script>{scripts}"))
    };
    let helpers = "<script src=/writes.js></script><script src=/page.js></script>";
    let script = |text: &str| ("", text.to_owned());
    Site::serve(&[
        ("/", page(helpers)),
        ("/live", page(&format!("{helpers}<script>task.begin(() => patched.live())</script>"))),
        ("/bare", page("")),
        ("/media.js", script(media::SCRIPT)),
        ("/page.js", script(include_str!("page.js"))),
        ("/writes.js", script(include_str!("writes.js"))),
    ])
}

impl Stage {
    /// A browser that has rings for the site, on its first page.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same with other switches.
    pub fn start_with(adapt: impl FnOnce(&mut Vec<String>)) -> Self {
        let browser = binary();
        let turn = turn();
        let tenant =
            Tenant::new().unwrap_or_else(|why| panic!("no browser with its sandbox on, because {why}"));
        let (site, socket) = (site(), tenant.dir().join("ring"));
        let mut switches = vec![
            "--enable-features=FrameRing".into(),
            format!("--frame-ring-socket={}", socket.display()),
            format!("--frame-ring-allowed-origins=http://localhost:{}", site.port()),
        ];
        switches.extend(DEVICES.map(String::from));
        adapt(&mut switches);
        let browser = tenant.start(&browser, &switches).unwrap_or_else(|why| panic!("{why}"));
        let page = browser.new_page().unwrap();
        let stage = Self { page, browser, site, socket, tenant, _turn: turn };
        stage.go("/");
        stage
    }

    /// Goes to a page of the site.
    pub fn go(&self, path: &str) {
        self.go_to("localhost", path);
    }

    /// The same under another name of this machine.
    pub fn go_to(&self, host: &str, path: &str) {
        self.browser.navigate(&self.page, &self.site.url_at(host, path)).unwrap();
    }

    /// Serves a ring to the browser.
    pub fn serve(&self, ring: RingBuilder) -> Receiver {
        Receiver { ring: serve(ring, &self.socket, self.tenant.user.uid.as_raw()), page: self.page.clone() }
    }

    /// The same with the usual ring, which the page has opened.
    pub fn opened(&self) -> Receiver {
        let receiver = self.serve(RingBuilder::new());
        self.evaluate("patched.open()");
        receiver
    }

    pub fn evaluate(&self, expression: &str) -> Value {
        self.page.evaluate(expression).unwrap_or_else(|why| panic!("{expression}: {why}"))
    }

    /// A number of the page.
    pub fn number(&self, expression: &str) -> u64 {
        let value = self.evaluate(expression);
        let number = value.as_u64().or_else(|| value.as_f64().map(|number| number as u64));
        number.unwrap_or_else(|| panic!("{expression} is {value}"))
    }

    /// Begins something in the page that goes on while this side receives.
    pub fn begin(&self, expression: &str) {
        self.evaluate(&format!("task.begin(async () => {expression}), undefined"));
    }

    /// Waits for what was begun last, and returns what came of it.
    pub fn finish(&self) -> Value {
        self.evaluate("task.begun")
    }

    /// How opening a ring ends: with `opened`, or with the name of an error.
    pub fn outcome(&self) -> String {
        self.evaluate("patched.outcome()").as_str().unwrap().into()
    }

    /// Lets the page and this side do something else for a moment.
    pub fn pause(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}

/// A ring at a path that a user's browser may open.
pub fn serve(ring: RingBuilder, path: &Path, user: u32) -> Consumer {
    let mut ring = ring.admit_user(user).name("patched").build().unwrap();
    ring.listen(path).unwrap();
    std::os::unix::fs::chown(path, Some(user), None).unwrap();
    ring
}

/// The consumer of a ring that the page writes to.
pub struct Receiver {
    pub ring: Consumer,
    page: Session,
}

impl Receiver {
    /// Receives until `look` has seen what it waits for.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Consumer, Frame) -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let received = self
                .ring
                .recv_timeout(Duration::from_millis(200))
                .unwrap_or_else(|why| panic!("{what}: {why}"));
            if let Some(seen) = received.and_then(|frame| look(&mut self.ring, frame)) {
                return seen;
            }
        }
        self.in_vain(what)
    }

    /// Receives and drops until something is so.
    pub fn wait(&mut self, what: &str, mut is_so: impl FnMut(&Consumer) -> bool) {
        let start = Instant::now();
        while !is_so(&self.ring) {
            if start.elapsed() > PATIENCE {
                self.in_vain(what)
            }
            drop(
                self.ring
                    .recv_timeout(Duration::from_millis(20))
                    .unwrap_or_else(|why| panic!("{what}: {why}")),
            );
        }
    }

    fn in_vain(&self, what: &str) -> ! {
        let state = "typeof patched === 'undefined' ? { failed: task.failed } : patched.state()";
        let page = self.page.evaluate_within(state, Duration::from_secs(2));
        panic!("waited in vain for {what}; the page says {page:?}");
    }

    /// Receives the next frame with content.
    pub fn frame(&mut self, what: &str) -> Frame {
        self.until(what, |_, frame| (frame.descriptor().payload_len > 0).then_some(frame))
    }
}

/// What is known of the track of a frame.
pub fn track(ring: &Consumer, frame: &Frame) -> TrackStats {
    entry(ring, frame.descriptor().track)
}

pub fn entry(ring: &Consumer, track: u32) -> TrackStats {
    ring.tracks().into_iter().find(|entry| entry.id == track).unwrap()
}

/// Its label.
pub fn label(ring: &Consumer, frame: &Frame) -> String {
    track(ring, frame).info.unwrap().label.to_string()
}
