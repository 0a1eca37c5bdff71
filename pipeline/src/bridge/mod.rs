//! Frames of pages over a WebSocket, into a ring: for pages that can use no lane.
//!
//! A page connects to `ws://127.0.0.1:PORT/`, with the subprotocol `frame-ring.v1` of `docs/abi.md`, and becomes a producer
//! of the ring that [`Bridge::bind`] was given. Its consumer receives it as it receives every other producer.
//!
//! **Back-pressure** reaches the page: credit is given for an entry when it lies in the ring, and a frame that finds no room
//! there is waited for, not dropped. So what the consumer does not release in time is dropped by the page, before it is
//! copied, and counted in the frames that follow. A page that sends without credit is held up by its socket.
//!
//! **Nothing is trusted.** What breaks the protocol ends its connection, with a reason that page and consumer are told;
//! other connections and the ring do not notice. A page takes a thread, a buffer of 256 KiB and the room of its frames in
//! the ring, whatever it sends.
//!
//! | module | owns |
//! |---|---|
//! | `handshake` | who may connect, and what the page is called |
//! | `connection` | the thread of a page: what comes in, credit and demand that go out |
//! | `intake` | entries into the ring, piece by piece |
//! | `tracks` | the page's tracks in the ring |
//! | `error` | why a connection ends |
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use frame_ring::{Producer, RingBuilder};
//! use frame_ring_pipeline::bridge::{Bridge, BridgeOptions};
//!
//! let mut ring = RingBuilder::new().build()?;
//! ring.listen("/tmp/meeting.sock")?;
//! let bridge = Bridge::bind(BridgeOptions::default(), |label| Producer::connect("/tmp/meeting.sock", label))?;
//! println!("pages connect to {}", bridge.url());
//! let frame = ring.recv()?;
//! # Ok(())
//! # }
//! ```

mod connection;
mod error;
mod handshake;
mod intake;
mod tracks;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use frame_ring::{ConnectError, Producer};
use nix::sys::socket::{shutdown, Shutdown};

pub use self::error::BridgeError;
pub use self::handshake::{Page, SUBPROTOCOL};

/// More pages than this at once are not a browser.
const MOST_PAGES: usize = 512;
/// What waits to be told; more is left out.
const MOST_EVENTS: usize = 1024;

/// How a bridge is to be.
#[derive(Debug, Clone)]
pub struct BridgeOptions {
    /// Where to listen. Port 0, as by default, is a free one. Others than this machine should not be let in.
    pub address: SocketAddr,
    /// The path in the URL, beginning with `/`: one that nobody guesses keeps strangers' pages out.
    pub path: String,
    /// Origins whose pages may connect, such as `https://meet.example`; all if it is empty.
    pub origins: Vec<String>,
    /// Bytes of a page that may be on their way: at least two or three of its largest pictures.
    pub window: u32,
}

impl BridgeOptions {
    /// The default ones, with a path that nobody guesses.
    pub fn secret() -> io::Result<Self> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let path = bytes.iter().fold(String::from("/"), |path, byte| format!("{path}{byte:02x}"));
        Ok(Self { path, ..Self::default() })
    }
}

impl Default for BridgeOptions {
    /// A free port of this machine, any page, 16 MiB.
    fn default() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { address, path: "/".into(), origins: Vec::new(), window: 16 << 20 }
    }
}

/// What happened on a bridge.
#[derive(Debug)]
pub enum BridgeEvent {
    /// A page has connected.
    Opened(Page),
    /// A page has something to say to whoever runs this.
    Note(Page, String),
    /// A frame was left out, because no frame of this ring can be so long.
    TooLong(Page, frame_ring::ClaimError),
    /// A page's connection has ended: properly, or for this reason.
    Closed(Page, Option<BridgeError>),
    /// Somebody could not connect.
    Refused(SocketAddr, BridgeError),
}

impl fmt::Display for BridgeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(page) => write!(f, "websocket {page}: connected"),
            Self::Note(page, note) => write!(f, "websocket {page}: the page says: {note}"),
            Self::TooLong(page, why) => write!(f, "websocket {page}: {why}"),
            Self::Closed(page, None) => write!(f, "websocket {page}: closed"),
            Self::Closed(page, Some(why)) => write!(f, "websocket {page}: ended: {why}"),
            Self::Refused(peer, why) => write!(f, "websocket: {peer} was refused: {why}"),
        }
    }
}

/// Makes a producer of the ring, with a label.
type Connect = dyn Fn(&str) -> Result<Producer, ConnectError> + Send + Sync;

/// What the bridge and all its connections share.
struct Hall {
    options: BridgeOptions,
    connect: Box<Connect>,
    stop: AtomicBool,
    pages: AtomicUsize,
    events: SyncSender<BridgeEvent>,
}

impl Hall {
    fn tell(&self, event: BridgeEvent) {
        // Whoever does not listen, or is flooded with the notes of a page, misses some.
        let _ = self.events.try_send(event);
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Waits for pages. Dropping it ends all connections.
pub struct Bridge {
    listener: Arc<TcpListener>,
    address: SocketAddr,
    hall: Arc<Hall>,
    events: Receiver<BridgeEvent>,
    accepting: Option<JoinHandle<()>>,
    serving: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Bridge {
    /// Listens. `connect` makes a producer of the ring for each page; it is called on other threads.
    pub fn bind(
        options: BridgeOptions,
        connect: impl Fn(&str) -> Result<Producer, ConnectError> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = Arc::new(TcpListener::bind(options.address)?);
        let address = listener.local_addr()?;
        let (told, events) = sync_channel(MOST_EVENTS);
        let hall = Arc::new(Hall {
            options,
            connect: Box::new(connect),
            stop: AtomicBool::new(false),
            pages: AtomicUsize::new(0),
            events: told,
        });
        let serving: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let accepting = std::thread::Builder::new().name("bridge".into()).spawn({
            let (listener, hall, serving) = (listener.clone(), hall.clone(), serving.clone());
            move || accept(&listener, &hall, &serving)
        })?;
        Ok(Self { listener, address, hall, events, accepting: Some(accepting), serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What pages connect to.
    pub fn url(&self) -> String {
        format!("ws://{}{}", self.address, self.hall.options.path)
    }

    /// What has happened since the last call.
    pub fn take_events(&self) -> Vec<BridgeEvent> {
        self.events.try_iter().collect()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.hall.stop.store(true, Ordering::Relaxed);
        // On Linux this wakes who waits in `accept`. It cannot fail for a socket that listens.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        let threads = std::mem::take(&mut *self.serving.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in self.accepting.take().into_iter().chain(threads) {
            // A thread that panicked has nothing left to end.
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, hall: &Arc<Hall>, serving: &Mutex<Vec<JoinHandle<()>>>) {
    while !hall.stopping() {
        match listener.accept() {
            Ok((stream, peer)) => admit(stream, peer, hall, serving),
            Err(_) if hall.stopping() => {}
            // Too many open files, above all: it may get better.
            Err(_) => std::thread::sleep(connection::TICK),
        }
    }
}

fn admit(stream: TcpStream, peer: SocketAddr, hall: &Arc<Hall>, serving: &Mutex<Vec<JoinHandle<()>>>) {
    if hall.pages.fetch_add(1, Ordering::Relaxed) >= MOST_PAGES {
        hall.pages.fetch_sub(1, Ordering::Relaxed);
        return hall.tell(BridgeEvent::Refused(peer, BridgeError::Crowded { most: MOST_PAGES }));
    }
    let thread = std::thread::Builder::new().name("bridge-page".into()).spawn({
        let hall = hall.clone();
        move || {
            connection::serve(stream, peer, &hall);
            hall.pages.fetch_sub(1, Ordering::Relaxed);
        }
    });
    match thread {
        Ok(thread) => {
            let mut serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
            serving.retain(|thread| !thread.is_finished());
            serving.push(thread);
        }
        Err(why) => {
            hall.pages.fetch_sub(1, Ordering::Relaxed);
            hall.tell(BridgeEvent::Refused(peer, BridgeError::Thread(why)));
        }
    }
}
