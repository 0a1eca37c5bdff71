//! The other side of each transport: a thread, or a process, that receives until the page is done.

use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use frame_ring::{Consumer as Ring, Hub, HubItem, LaneOptions, LaneRead, RingBuilder};
use serde::Deserialize;

use super::tree;
use crate::browser::place::Place;
use crate::commands::bench::histogram::Histogram;
use crate::error::CliError;

/// Two for each of a meeting of 25, and then some.
const TRACKS: u32 = 64;

/// What has come.
#[derive(Debug)]
pub struct Received {
    pub frames: u64,
    pub latencies: Histogram,
}

impl Received {
    fn new() -> Self {
        Self { frames: 0, latencies: Histogram::new() }
    }

    fn count(&mut self, now_ns: u64, captured_ns: u64) {
        self.frames += 1;
        self.latencies.add(now_ns.saturating_sub(captured_ns));
    }
}

/// A running consumer.
#[derive(Debug)]
pub enum Consumer {
    /// A thread of this process, by its id.
    Thread { handle: JoinHandle<Result<Received, String>>, thread: u32, stop: Arc<AtomicBool>, url: String },
    /// A program that prints what it has received when it ends.
    Program { child: Child, output: BufReader<std::process::ChildStdout>, url: String },
}

impl Consumer {
    /// Receives every lane below a profile.
    pub fn lane(profile: &Path, read: LaneRead) -> Result<Self, CliError> {
        let mut hub = Hub::new().map_err(|why| CliError::failed("make a hub", why))?;
        hub.watch_profile(profile, LaneOptions { read })
            .map_err(|why| CliError::failed("watch the profile", why))?;
        Self::thread(String::new(), move |stop| receive_lane(hub, stop))
    }

    /// Receives a ring that it serves; also where.
    pub fn ring() -> Result<(Self, PathBuf), CliError> {
        let place = Place::new().map_err(|why| CliError::failed("make a directory", why))?;
        let socket = place.path().join("ring");
        let mut ring = RingBuilder::new()
            .tracks(TRACKS)
            .name("bench")
            .build()
            .map_err(|why| CliError::failed("make the ring", why))?;
        ring.listen(&socket)
            .map_err(|why| CliError::failed(format!("serve the ring at {}", socket.display()), why))?;
        let consumer = Self::thread(String::new(), move |stop| {
            let received = receive_ring(&mut ring, stop);
            drop((ring, place));
            received
        })?;
        Ok((consumer, socket))
    }

    /// Receives one WebSocket as [`tungstenite`] does.
    pub fn websocket() -> Result<Self, CliError> {
        let listen = || -> io::Result<_> {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            let url = format!("ws://{}/", listener.local_addr()?);
            Ok((listener, url))
        };
        let (listener, url) = listen().map_err(|why| CliError::failed("listen for the page", why))?;
        Self::thread(url, move |_| receive_websocket(&listener))
    }

    /// The same in Python.
    pub fn python(program: &str) -> Result<Self, CliError> {
        let script = include_str!("../../../../../benches/browser/receive.py");
        let mut command = Command::new(program);
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|why| CliError::failed(format!("start {program}"), why))?;
        let Some(output) = child.stdout.take() else { return Err(CliError::Failed("no output".into())) };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let read = output.read_line(&mut line).map_err(|why| CliError::failed("read from Python", why))?;
        let port: u16 = match line.trim().parse() {
            Ok(port) if read > 0 => port,
            _ => {
                return Err(CliError::Failed(format!(
                    "{program} cannot receive; it needs the package websockets: {program} -m pip install websockets"
                )))
            }
        };
        Ok(Self::Program { child, output, url: format!("ws://127.0.0.1:{port}/") })
    }

    fn thread(
        url: String,
        receive: impl FnOnce(&AtomicBool) -> Result<Received, String> + Send + 'static,
    ) -> Result<Self, CliError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, hears) = std::sync::mpsc::channel();
        let started = std::thread::Builder::new().name("consumer".into()).spawn({
            let stop = stop.clone();
            move || {
                // Nobody may wait for it any more.
                let _ = told.send(nix::unistd::gettid().as_raw());
                receive(&stop)
            }
        });
        let handle = started.map_err(|why| CliError::failed("start a thread", why))?;
        let thread = hears.recv().map_err(|why| CliError::failed("start a thread", why))?;
        Ok(Self::Thread { handle, thread: thread as u32, stop, url })
    }

    /// Where the page is to connect to; empty for a lane or a ring.
    pub fn url(&self) -> &str {
        let (Self::Thread { url, .. } | Self::Program { url, .. }) = self;
        url
    }

    /// CPU time so far, in seconds.
    pub fn cpu_s(&self) -> f64 {
        match self {
            Self::Thread { thread, .. } => tree::thread_s(std::process::id(), *thread),
            Self::Program { child, .. } => tree::thread_s(child.id(), child.id()),
        }
    }

    /// What has come, now that the page is done.
    pub fn finish(self) -> Result<Received, CliError> {
        match self {
            Self::Thread { handle, stop, .. } => {
                stop.store(true, Ordering::Relaxed);
                let received = handle.join().map_err(|_| CliError::Failed("the consumer panicked".into()))?;
                received.map_err(|why| CliError::failed("receive", why))
            }
            Self::Program { mut child, mut output, .. } => {
                let mut text = String::new();
                let read = output.read_to_string(&mut text);
                let _ = child.kill();
                let _ = child.wait();
                read.map_err(|why| CliError::failed("read from Python", why))?;
                let told: Told = serde_json::from_str(&text)
                    .map_err(|why| CliError::failed("understand what Python has received", why))?;
                let mut received = Received { frames: told.frames, latencies: Histogram::new() };
                told.latencies.into_iter().for_each(|ns| received.latencies.add(ns));
                Ok(received)
            }
        }
    }
}

#[derive(Debug, Deserialize)]
struct Told {
    frames: u64,
    latencies: Vec<u64>,
}

/// Until it is told to stop, and nothing is left.
fn receive_lane(mut hub: Hub, stop: &AtomicBool) -> Result<Received, String> {
    let mut received = Received::new();
    loop {
        match hub.recv_timeout(Duration::from_millis(200)).map_err(|why| why.to_string())? {
            Some(HubItem::Frame(_, frame)) => {
                let now = frame_ring::mono_ns();
                let about = frame.descriptor();
                if about.payload_len > 0 {
                    received.count(now, about.mono_ns);
                }
            }
            Some(HubItem::Refused(path, why)) => return Err(format!("{}: {why}", path.display())),
            Some(HubItem::Error(_, frame_ring::RecvError::Disconnected, _)) => return Ok(received),
            Some(HubItem::Error(_, why, _)) => return Err(why.to_string()),
            Some(HubItem::Joined(_)) => {}
            None if stop.load(Ordering::Relaxed) => return Ok(received),
            None => {}
        }
    }
}

/// Until it is told to stop, and nothing is left.
fn receive_ring(ring: &mut Ring, stop: &AtomicBool) -> Result<Received, String> {
    let mut received = Received::new();
    loop {
        match ring.recv_timeout(Duration::from_millis(200)).map_err(|why| why.to_string())? {
            Some(frame) => {
                let now = frame_ring::mono_ns();
                let about = frame.descriptor();
                if about.payload_len > 0 {
                    received.count(now, about.mono_ns);
                }
            }
            None if stop.load(Ordering::Relaxed) => return Ok(received),
            None => {}
        }
    }
}

/// Until the page closes the connection.
fn receive_websocket(listener: &TcpListener) -> Result<Received, String> {
    let (stream, _) = listener.accept().map_err(|why| why.to_string())?;
    stream.set_nodelay(true).map_err(|why| why.to_string())?;
    let mut socket = tungstenite::accept(stream).map_err(|why| why.to_string())?;
    let mut received = Received::new();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Binary(message)) => {
                let now = wall_ns();
                let word = |at: usize| message.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
                let captured_ms = word(8).map_or(0.0, f64::from_le_bytes);
                received.count(now, (captured_ms * 1e6) as u64);
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => {
                return Ok(received)
            }
            Err(why) => return Err(why.to_string()),
        }
    }
}

/// Nanoseconds since 1970: the page's clock is the wall's.
fn wall_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}
