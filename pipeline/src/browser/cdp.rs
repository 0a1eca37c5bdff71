//! A client of the Chrome DevTools Protocol over the two pipes of `--remote-debugging-pipe`.
//!
//! Owns the connection: commands and their answers, events for those who subscribe. Knows nothing of pages and scripts,
//! and starts no browser. A browser that was started with such pipes ends when they are closed: when the last [`Cdp`]
//! and [`Session`] is dropped.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use frame_ring_pipeline::browser::process::{Browser, Launch};
//!
//! let browser = Browser::start(Launch::new("chromium-headless-shell").arg("--no-sandbox"))?;
//! let page = browser.open("https://example.com/")?;
//! assert_eq!(page.evaluate("1 + 1")?, 2);
//! # Ok(())
//! # }
//! ```

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::fcntl::{fcntl, FcntlArg, OFlag};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use serde_json::{json, Value};

/// How long a command may take, unless said otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What ends a message.
const END: u8 = 0;

/// A connection to a browser. `Send + Sync`, cheap to clone.
#[derive(Debug, Clone)]
pub struct Cdp {
    link: Arc<Link>,
}

#[derive(Debug)]
struct Link {
    /// `None` after a message that was written in part.
    to_browser: Mutex<Option<File>>,
    next_id: AtomicU64,
    inbox: Arc<Inbox>,
}

/// What the reading thread hands out. It does not keep the connection open.
#[derive(Debug, Default)]
struct Inbox {
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    waiting: HashMap<u64, SyncSender<Answer>>,
    subscribers: Vec<Subscriber>,
    /// Why nothing comes any more.
    closed: Option<String>,
}

/// A result, or the code and the words of a refusal.
type Answer = Result<Value, (i64, String)>;

#[derive(Debug)]
struct Subscriber {
    /// All events if it is empty.
    methods: Vec<String>,
    events: mpsc::Sender<Event>,
}

impl Inbox {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cdp {
    /// A connection over the ends of two pipes whose others the browser has as descriptors 3 and 4.
    pub fn new(to_browser: OwnedFd, from_browser: OwnedFd) -> io::Result<Self> {
        // A browser that hangs must not make its writer hang: see `write`.
        let flags = OFlag::from_bits_retain(fcntl(&to_browser, FcntlArg::F_GETFL)?);
        fcntl(&to_browser, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let inbox = Arc::new(Inbox::default());
        std::thread::Builder::new().name("cdp".into()).spawn({
            let inbox = inbox.clone();
            move || read(File::from(from_browser), &inbox)
        })?;
        let to_browser = Mutex::new(Some(to_browser.into()));
        Ok(Self { link: Arc::new(Link { to_browser, next_id: AtomicU64::new(1), inbox }) })
    }

    /// The session of the browser itself: `Target`, `Browser`, `SystemInfo`.
    pub fn browser(&self) -> Session {
        Session { cdp: self.clone(), id: None }
    }

    /// A session of a target that was attached to with `flatten`.
    pub fn session(&self, id: &str) -> Session {
        Session { cdp: self.clone(), id: Some(id.into()) }
    }

    /// From now on collects the events of these names, all of them if none is given, of all sessions. They wait in
    /// memory until they are taken.
    pub fn subscribe(&self, methods: &[&str]) -> Events {
        let (events, inbox) = mpsc::channel();
        let mut desk = self.link.inbox.desk();
        // Of a closed connection it is told by the sender's end.
        if desk.closed.is_none() {
            let methods = methods.iter().map(|method| (*method).into()).collect();
            desk.subscribers.push(Subscriber { methods, events });
        }
        Events { inbox }
    }

    /// Whether the browser has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.link.inbox.desk().closed.is_some()
    }

    /// Asks the browser to end itself, tabs and all.
    pub fn close_browser(&self) -> Result<(), CdpError> {
        match self.browser().command("Browser.close", json!({})) {
            // It may be faster than its answer.
            Ok(_) | Err(CdpError::Closed { .. }) => Ok(()),
            Err(why) => Err(why),
        }
    }

    fn send(&self, session: Option<&str>, method: &str, params: Value) -> Result<Pending, CdpError> {
        let id = self.link.next_id.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (answer, inbox) = mpsc::sync_channel(1);
        {
            let mut desk = self.link.inbox.desk();
            if let Some(why) = &desk.closed {
                return Err(CdpError::Closed { why: why.clone() });
            }
            desk.waiting.insert(id, answer);
        }
        let pending = Pending { method: method.into(), id, inbox, desk: self.link.inbox.clone() };
        let mut bytes = message.to_string().into_bytes();
        bytes.push(END);
        self.write(method, &bytes).map(|()| pending)
    }

    /// Writes a whole message, or ends the connection.
    fn write(&self, method: &str, mut bytes: &[u8]) -> Result<(), CdpError> {
        let deadline = Instant::now() + PATIENCE;
        let mut open = self.link.to_browser.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = open.as_mut() else {
            return Err(CdpError::Closed { why: "a message could not be written before".into() });
        };
        let failed = loop {
            match pipe.write(bytes) {
                Ok(written) if written == bytes.len() => return Ok(()),
                Ok(written) => bytes = &bytes[written..],
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break CdpError::Timeout { method: method.into(), after: PATIENCE };
                    }
                    let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
                    // Whether it may go on, the next write tells.
                    let _ = poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)], left);
                }
                Err(why) => break CdpError::Closed { why: why.to_string() },
            }
        };
        *open = None;
        Err(failed)
    }
}

/// Reads messages until the browser closes its end.
fn read(pipe: File, inbox: &Inbox) {
    let mut pipe = BufReader::with_capacity(1 << 16, pipe);
    let mut bytes = Vec::new();
    let why = loop {
        bytes.clear();
        match pipe.read_until(END, &mut bytes) {
            Err(why) => break why.to_string(),
            Ok(_) if bytes.last() != Some(&END) => break "the browser has ended".into(),
            Ok(_) => {}
        }
        match serde_json::from_slice(&bytes[..bytes.len() - 1]) {
            Ok(message) => deliver(message, &mut inbox.desk()),
            Err(why) => break format!("the browser sent what is no JSON: {why}"),
        }
    };
    let mut desk = inbox.desk();
    desk.closed = Some(why);
    desk.waiting.clear();
    desk.subscribers.clear();
}

fn deliver(mut message: Value, desk: &mut Desk) {
    if let Some(id) = message["id"].as_u64() {
        let error = &message["error"];
        let answer = match error.is_null() {
            true => Ok(message["result"].take()),
            false => {
                let text = error["message"].as_str().unwrap_or("no reason given");
                Err((error["code"].as_i64().unwrap_or(0), text.to_owned()))
            }
        };
        // Nobody may wait for it any more.
        if let Some(waiting) = desk.waiting.remove(&id) {
            let _ = waiting.try_send(answer);
        }
        return;
    }
    let Some(method) = message["method"].as_str().map(str::to_owned) else { return };
    let session = message["sessionId"].as_str().map(str::to_owned);
    let event = Event { session, method, params: message["params"].take() };
    desk.subscribers.retain(|subscriber| {
        let is_for = subscriber.methods.is_empty() || subscriber.methods.contains(&event.method);
        !is_for || subscriber.events.send(event.clone()).is_ok()
    });
}

/// Where a command goes: to the browser, or to one target of it. `Send + Sync`, cheap to clone.
#[derive(Debug, Clone)]
pub struct Session {
    cdp: Cdp,
    id: Option<Arc<str>>,
}

impl Session {
    /// Its id; `None` for the browser's own.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The connection.
    pub fn cdp(&self) -> &Cdp {
        &self.cdp
    }

    /// Sends a command without waiting for its answer. Commands of one session are done in their order.
    pub fn send(&self, method: &str, params: Value) -> Result<Pending, CdpError> {
        self.cdp.send(self.id(), method, params)
    }

    /// Sends a command and waits for its answer, at most for [`PATIENCE`].
    pub fn command(&self, method: &str, params: Value) -> Result<Value, CdpError> {
        self.send(method, params)?.wait(PATIENCE)
    }

    /// The value of a JavaScript expression in the page, as JSON; of a promise, what it comes to.
    pub fn evaluate(&self, expression: &str) -> Result<Value, CdpError> {
        self.evaluate_within(expression, PATIENCE)
    }

    /// Like [`evaluate`](Self::evaluate), for an expression that may take its time.
    pub fn evaluate_within(&self, expression: &str, patience: Duration) -> Result<Value, CdpError> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let mut answer = self.send("Runtime.evaluate", params)?.wait(patience)?;
        let thrown = &answer["exceptionDetails"];
        if thrown.is_null() {
            return Ok(answer["result"]["value"].take());
        }
        let text = thrown["exception"]["description"].as_str().or(thrown["text"].as_str());
        Err(CdpError::Exception { text: text.unwrap_or("something was thrown").into() })
    }
}

/// An answer that is still to come. Dropping it forgets the answer, not the command.
#[derive(Debug)]
pub struct Pending {
    method: String,
    id: u64,
    inbox: Receiver<Answer>,
    desk: Arc<Inbox>,
}

impl Pending {
    /// Waits for the answer, at most for `patience`.
    pub fn wait(self, patience: Duration) -> Result<Value, CdpError> {
        match self.inbox.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => {
                Err(CdpError::Timeout { method: self.method.clone(), after: patience })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.closed()),
            Ok(answer) => self.judge(answer),
        }
    }

    /// The answer if it has come.
    pub fn try_wait(&self) -> Option<Result<Value, CdpError>> {
        match self.inbox.try_recv() {
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Err(self.closed())),
            Ok(answer) => Some(self.judge(answer)),
        }
    }

    fn judge(&self, answer: Answer) -> Result<Value, CdpError> {
        answer.map_err(|(code, message)| CdpError::Refused { method: self.method.clone(), code, message })
    }

    fn closed(&self) -> CdpError {
        let why = self.desk.desk().closed.clone();
        CdpError::Closed { why: why.unwrap_or_else(|| "the answer was taken already".into()) }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.desk.desk().waiting.remove(&self.id);
    }
}

/// What the browser told without being asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The session that it is about; `None` for the browser's own.
    pub session: Option<String>,
    /// Its name, such as `Target.attachedToTarget`.
    pub method: String,
    /// What goes with it.
    pub params: Value,
}

/// Events, in their order.
#[derive(Debug)]
pub struct Events {
    inbox: Receiver<Event>,
}

impl Events {
    /// The next event; waits for it at most for `patience`, and returns `None` then.
    pub fn next(&self, patience: Duration) -> Result<Option<Event>, CdpError> {
        match self.inbox.recv_timeout(patience) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(CdpError::Closed { why: "no more events come".into() })
            }
        }
    }

    /// Waits for an event that `is_it`, and drops all before it.
    pub fn wait_for(
        &self,
        patience: Duration,
        mut is_it: impl FnMut(&Event) -> bool,
    ) -> Result<Event, CdpError> {
        let deadline = Instant::now() + patience;
        loop {
            match self.next(deadline.saturating_duration_since(Instant::now()))? {
                Some(event) if is_it(&event) => return Ok(event),
                Some(_) => {}
                None => return Err(CdpError::Timeout { method: "an event".into(), after: patience }),
            }
        }
    }
}

/// Why a browser did not do what it was told to.
#[derive(Debug)]
pub enum CdpError {
    /// The browser has ended, or its connection is broken.
    Closed {
        /// What is known of it.
        why: String,
    },
    /// No answer came in time.
    Timeout {
        /// What was asked for.
        method: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The browser refused.
    Refused {
        /// What was asked for.
        method: String,
        /// The protocol's error code.
        code: i64,
        /// In the browser's words.
        message: String,
    },
    /// The evaluated script threw.
    Exception {
        /// In the script's words.
        text: String,
    },
}

impl fmt::Display for CdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { why } => write!(f, "the connection to the browser is closed: {why}"),
            Self::Timeout { method, after } => {
                write!(f, "the browser did not answer {method} within {after:?}; does it hang?")
            }
            Self::Refused { method, code, message } => {
                write!(f, "the browser refused {method}: {message} ({code})")
            }
            Self::Exception { text } => write!(f, "the script threw: {text}"),
        }
    }
}

impl std::error::Error for CdpError {}
