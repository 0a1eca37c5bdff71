//! The capture library in every document of every page, before the page's own scripts.
//!
//! Owns a thread that attaches to each page and to each frame that has a process of its own, new ones held back by the
//! browser until they have the script. Workers, which have no documents, are let go at once. What happens to pages is
//! told as [`PageEvent`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::cdp::{Cdp, CdpError, Event, Events, Pending, Session, PATIENCE};

/// How often the thread looks whether it is to end, and what became of its commands.
const TICK: Duration = Duration::from_millis(20);
/// The browser's word for a session whose target is gone.
const NO_SESSION: i64 = -32001;

/// What is to be injected.
#[derive(Debug, Clone)]
pub struct Injection {
    /// The script, see [`script`].
    pub script: String,
    /// Makes pages go without their content security policies, which may forbid the capture's worker.
    pub bypass_csp: bool,
    /// Lets pages of public sites connect to a WebSocket on this machine, which Chromium would ask the user about.
    pub allow_loopback: bool,
}

/// The capture library with its configuration in front: what `window.__FRAME_RING__` is to be.
///
/// It does nothing in a window that has it already: the first document of a new tab often hands its window on to the second.
pub fn script(config: &Value, library: &str) -> String {
    format!("if (!window.__FRAME_RING__) {{\nwindow.__FRAME_RING__ = {config};\n{library}\n}}\n")
}

/// What happened to a page or its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEvent {
    /// A page is there, and has the script.
    Opened {
        /// Its target id.
        page: String,
        /// Its address.
        url: String,
    },
    /// Its document was replaced by another one.
    Navigated {
        /// Its target id.
        page: String,
        /// From where.
        from: String,
        /// To where; the same for a reload.
        to: String,
    },
    /// Its process crashed.
    Crashed {
        /// Its target id.
        page: String,
        /// Its address.
        url: String,
    },
    /// It was closed.
    Closed {
        /// Its target id.
        page: String,
        /// Its address.
        url: String,
    },
    /// It does not have the script.
    Failed {
        /// Its address.
        url: String,
        /// Why not.
        why: String,
    },
}

impl PageEvent {
    /// Whether it is worth a line to a user: every page begins with an empty document, which is not.
    pub fn is_news(&self) -> bool {
        match self {
            Self::Opened { .. } => false,
            Self::Closed { url, .. } => !is_empty(url),
            _ => true,
        }
    }
}

impl fmt::Display for PageEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { url, .. } => write!(f, "page {url}: opened"),
            Self::Navigated { from, to, .. } if is_empty(from) => write!(f, "page {to}: opened"),
            Self::Navigated { from, to, .. } if from == to => write!(f, "page {to}: reloaded"),
            Self::Navigated { from, to, .. } => write!(f, "page {from}: navigated to {to}"),
            Self::Crashed { url, .. } => write!(f, "page {url}: crashed"),
            Self::Closed { url, .. } => write!(f, "page {url}: closed"),
            Self::Failed { url, why } => write!(f, "page {url}: cannot be captured: {why}"),
        }
    }
}

/// Whether an address is that of the document that every page begins with.
fn is_empty(url: &str) -> bool {
    url.is_empty() || url == "about:blank"
}

/// The thread, seen from outside. Dropping it ends the injection; pages that have the script keep it.
#[derive(Debug)]
pub struct Injector {
    stop: Arc<AtomicBool>,
    events: Receiver<PageEvent>,
    thread: Option<JoinHandle<()>>,
    cdp: Cdp,
}

impl Injector {
    /// Begins: with all pages that are there, and all that will come.
    ///
    /// A page that is there already gets the script at once, which is behind its own.
    pub fn start(cdp: &Cdp, injection: Injection) -> Result<Self, CdpError> {
        let events = cdp.subscribe(&[
            "Target.attachedToTarget",
            "Target.detachedFromTarget",
            "Target.targetCrashed",
            "Page.frameNavigated",
        ]);
        let browser = cdp.browser();
        browser.command("Target.setDiscoverTargets", json!({ "discover": true }))?;
        browser.command("Target.setAutoAttach", auto_attach())?;
        let (told, inbox) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            cdp: cdp.clone(),
            injection,
            told,
            sessions: BTreeMap::new(),
            contexts: BTreeSet::new(),
            open: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("inject".into()).spawn({
            let stop = stop.clone();
            move || work.run(&events, &stop)
        });
        let thread = thread.map_err(|why: io::Error| CdpError::Closed { why: why.to_string() })?;
        Ok(Self { stop, events: inbox, thread: Some(thread), cdp: cdp.clone() })
    }

    /// Opens a page in a new tab that has the script before anything of its own. Returns its target id.
    pub fn open(&self, url: &str) -> Result<String, CdpError> {
        let created = self.cdp.browser().command("Target.createTarget", json!({ "url": url }))?;
        Ok(created["targetId"].as_str().unwrap_or_default().into())
    }

    /// Opens pages in the place of the empty one that the browser was started on; those behind the first in tabs beside it.
    pub fn open_in_place(&self, urls: &[String]) -> Result<(), CdpError> {
        let Some((first, others)) = urls.split_first() else { return Ok(()) };
        let late =
            || CdpError::Timeout { method: "the injection into its first page".into(), after: PATIENCE };
        let deadline = Instant::now() + PATIENCE;
        let page = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.next_event(left).ok_or_else(late)? {
                PageEvent::Opened { page, url } if is_empty(&url) => break page,
                _ => {}
            }
        };
        let browser = self.cdp.browser();
        let attached = json!({ "targetId": page, "flatten": true });
        let attached = browser.command("Target.attachToTarget", attached)?;
        let session = self.cdp.session(attached["sessionId"].as_str().unwrap_or_default());
        // Its answer comes when the site answers. What goes wrong shows in the page.
        session.send("Page.navigate", json!({ "url": first }))?;
        for url in others {
            let script = format!("void window.open({}, '_blank', 'noopener')", Value::from(url.as_str()));
            session.evaluate(&script)?;
        }
        Ok(())
    }

    /// Asks the browser to end itself, and does not wait.
    pub fn close_browser(&self) {
        // One that has ended needs no word.
        let _ = self.cdp.browser().send("Browser.close", json!({}));
    }

    /// What has happened since the last call.
    pub fn take_events(&self) -> Vec<PageEvent> {
        self.events.try_iter().collect()
    }

    /// The next event; `None` if none comes in time.
    pub fn next_event(&self, patience: Duration) -> Option<PageEvent> {
        self.events.recv_timeout(patience).ok()
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell any more.
            let _ = thread.join();
        }
    }
}

/// All targets, held back until they are let go. (Chromium holds back workers that a filter leaves out, too, and for
/// good: nobody is told of them.)
fn auto_attach() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true })
}

/// What lets pages connect to this machine, which Chromium 142 and later ask the user about. The second is what it was called
/// at first. Older browsers know neither, and need none.
const LOOPBACK: [&str; 2] = ["loopback-network", "local-network-access"];

/// What was attached to.
#[derive(Debug)]
struct Target {
    id: String,
    url: String,
    is_page: bool,
}

#[derive(Debug)]
struct Work {
    cdp: Cdp,
    injection: Injection,
    told: Sender<PageEvent>,
    sessions: BTreeMap<String, Target>,
    /// Browser contexts whose pages may connect to this machine.
    contexts: BTreeSet<String>,
    /// Commands whose answers are still to come.
    open: Vec<Open>,
}

/// A command to a page or frame.
#[derive(Debug)]
struct Open {
    answer: Pending,
    url: String,
    /// The page that has the script when the answer comes.
    opens: Option<String>,
}

impl Work {
    fn run(mut self, events: &Events, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            match events.next(TICK) {
                Ok(Some(event)) => self.take(&event),
                Ok(None) => {}
                Err(_) => return,
            }
            self.look_at_answers();
        }
    }

    fn take(&mut self, event: &Event) {
        let params = &event.params;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match event.method.as_str() {
            "Target.attachedToTarget" => {
                let info = &params["targetInfo"];
                let session = self.cdp.session(&text(&params["sessionId"]));
                let is_page = info["type"] == "page";
                let target = Target { id: text(&info["targetId"]), url: text(&info["url"]), is_page };
                // Somebody else's session of a target that has one of ours.
                if self.sessions.values().any(|known| known.id == target.id) {
                    return;
                }
                if is_page || info["type"] == "iframe" {
                    self.allow_loopback(text(&info["browserContextId"]));
                    self.inject(&session, &target);
                    self.sessions.insert(session.id().unwrap_or_default().into(), target);
                } else {
                    self.let_go(&session, &target.url);
                }
            }
            "Target.detachedFromTarget" => {
                let Some(target) = self.sessions.remove(&text(&params["sessionId"])) else { return };
                if target.is_page {
                    self.tell(PageEvent::Closed { page: target.id, url: target.url });
                }
            }
            "Target.targetCrashed" => {
                let crashed = self.sessions.values().find(|target| params["targetId"] == target.id);
                let told = crashed.map(|target| (target.id.clone(), target.url.clone()));
                told.into_iter().for_each(|(page, url)| self.tell(PageEvent::Crashed { page, url }));
            }
            _ => {
                let frame = &params["frame"];
                let session = event.session.as_deref().unwrap_or_default();
                let Some(target) = self.sessions.get_mut(session) else { return };
                if target.is_page && frame["parentId"].is_null() {
                    let to = text(&frame["url"]);
                    let (page, from) = (target.id.clone(), std::mem::replace(&mut target.url, to.clone()));
                    self.tell(PageEvent::Navigated { page, from, to });
                }
            }
        }
    }

    /// Gives the script to a new target, and lets it go.
    fn inject(&mut self, session: &Session, target: &Target) {
        let url = &target.url;
        let script = json!({ "source": self.injection.script, "runImmediately": true });
        self.send(session, url, "Page.enable", json!({}));
        if self.injection.bypass_csp {
            self.send(session, url, "Page.setBypassCSP", json!({ "enabled": true }));
        }
        self.send(session, url, "Page.addScriptToEvaluateOnNewDocument", script);
        if let Some(sent) = self.open.last_mut().filter(|_| target.is_page) {
            sent.opens = Some(target.id.clone());
        }
        self.send(session, url, "Target.setAutoAttach", auto_attach());
        self.let_go(session, url);
    }

    fn let_go(&mut self, session: &Session, url: &str) {
        self.send(session, url, "Runtime.runIfWaitingForDebugger", json!({}));
    }

    /// Sends a command without waiting: whoever is slow or hangs holds up itself alone. The browser does the commands of
    /// a session in their order.
    fn send(&mut self, session: &Session, url: &str, method: &str, params: Value) {
        // That the connection has ended, the events tell.
        let sent = session.send(method, params).ok();
        self.open.extend(sent.map(|answer| Open { answer, url: url.to_owned(), opens: None }));
    }

    /// Once for each context of pages. That a browser knows no such permission is no failure: it asks nobody, then.
    fn allow_loopback(&mut self, context: String) {
        if !self.injection.allow_loopback || !self.contexts.insert(context.clone()) {
            return;
        }
        for name in LOOPBACK {
            let mut params = json!({ "permission": { "name": name }, "setting": "granted" });
            // The default context has no name to be called by, though its pages tell one.
            let _ = self.cdp.browser().send("Browser.setPermission", params.clone());
            params["browserContextId"] = context.as_str().into();
            let _ = self.cdp.browser().send("Browser.setPermission", params);
        }
    }

    fn look_at_answers(&mut self) {
        let mut events = Vec::new();
        self.open.retain(|Open { answer, url, opens }| {
            let Some(answer) = answer.try_wait() else { return true };
            events.extend(match answer {
                Ok(_) => opens.clone().map(|page| PageEvent::Opened { page, url: url.clone() }),
                Err(why @ CdpError::Refused { code, .. }) if code != NO_SESSION => {
                    Some(PageEvent::Failed { url: url.clone(), why: why.to_string() })
                }
                Err(_) => None,
            });
            false
        });
        events.into_iter().for_each(|event| self.tell(event));
    }

    fn tell(&self, event: PageEvent) {
        // Nobody may want to know.
        let _ = self.told.send(event);
    }
}
