//! A browser that runs: started, controlled over pipes, ended and cleared up with its owner.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{killpg, Signal};
use nix::unistd::Pid;
use serde_json::json;

use super::cdp::{Cdp, CdpError, Event, Session, PATIENCE};
pub use super::launch::Launch;
use super::launch::{LaunchError, Prepared};

/// How long a browser may take to end itself.
const FAREWELL: Duration = Duration::from_secs(5);

/// A running browser. Dropping it ends the browser and removes what was prepared for it.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    cdp: Cdp,
    prepared: Prepared,
}

impl Browser {
    /// Starts a browser, with its output thrown away, and waits until it answers.
    pub fn start(launch: Launch) -> Result<Self, StartError> {
        Self::start_with(launch, |_| {})
    }

    /// Like [`start`](Self::start); `adapt` may set the environment and the output of the command.
    pub fn start_with(
        launch: Launch,
        adapt: impl FnOnce(&mut std::process::Command),
    ) -> Result<Self, StartError> {
        let (mut command, mut prepared) = launch.prepare().map_err(StartError::Launch)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // All its processes end with it, also those of a script that starts the browser.
        command.process_group(0);
        adapt(&mut command);
        let child = command.spawn().map_err(StartError::Spawn)?;
        drop(command);
        let cdp = prepared.connect().map_err(StartError::Spawn)?;
        let browser = Self { child, cdp, prepared };
        browser.cdp.browser().command("Browser.getVersion", json!({})).map_err(StartError::Silent)?;
        Ok(browser)
    }

    /// The connection to it.
    pub fn cdp(&self) -> &Cdp {
        &self.cdp
    }

    /// The process that was started: the browser, or the script that started it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its profile.
    pub fn profile(&self) -> &Path {
        self.prepared.home().profile()
    }

    /// Opens a page in a new tab and waits until it has loaded.
    pub fn open(&self, url: &str) -> Result<Session, CdpError> {
        let page = self.new_page()?;
        self.navigate(&page, url)?;
        Ok(page)
    }

    /// Opens an empty page in a new tab.
    pub fn new_page(&self) -> Result<Session, CdpError> {
        let created = self.cdp.browser().command("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attached = json!({ "targetId": created["targetId"], "flatten": true });
        let attached = self.cdp.browser().command("Target.attachToTarget", attached)?;
        let page = self.cdp.session(attached["sessionId"].as_str().unwrap_or_default());
        page.command("Page.enable", json!({}))?;
        Ok(page)
    }

    /// Goes to another address and waits until that has loaded.
    pub fn navigate(&self, page: &Session, url: &str) -> Result<(), CdpError> {
        self.wait_for_load(page, || {
            let answer = page.command("Page.navigate", json!({ "url": url }))?;
            match answer["errorText"].as_str() {
                None => Ok(()),
                Some(text) => {
                    Err(CdpError::Refused { method: format!("to load {url}"), code: 0, message: text.into() })
                }
            }
        })
    }

    /// Loads a page again, and waits until it has.
    pub fn reload(&self, page: &Session) -> Result<(), CdpError> {
        self.wait_for_load(page, || page.command("Page.reload", json!({})).map(drop))
    }

    fn wait_for_load(
        &self,
        page: &Session,
        begin: impl FnOnce() -> Result<(), CdpError>,
    ) -> Result<(), CdpError> {
        let loads = self.cdp.subscribe(&["Page.loadEventFired"]);
        begin()?;
        let is_it = |event: &Event| event.session.as_deref() == page.id();
        loads.wait_for(PATIENCE, is_it).map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its answer is not waited for: a browser that hangs is ended below.
        let _ = self.cdp.browser().send("Browser.close", json!({}));
        let start = Instant::now();
        while start.elapsed() < FAREWELL && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Whoever is left of the group; nobody, mostly. The number is not another's while the child is not waited for,
        // or anybody of the group is left.
        let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Why a browser did not start.
#[derive(Debug)]
pub enum StartError {
    /// It could not be prepared.
    Launch(LaunchError),
    /// Its process could not be started.
    Spawn(io::Error),
    /// It does not answer.
    Silent(CdpError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launch(why) => why.fmt(f),
            Self::Spawn(why) => write!(f, "cannot start the browser: {why}"),
            Self::Silent(why) => write!(
                f,
                "the browser does not answer: {why}. As root it needs --no-sandbox, without a display --headless"
            ),
        }
    }
}

impl std::error::Error for StartError {}
