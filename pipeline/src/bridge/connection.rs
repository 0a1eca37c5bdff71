//! The thread of a page: what comes in, and credit and demand that go out.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use frame_ring::Producer;

use super::intake::Intake;
use super::{handshake, BridgeError, BridgeEvent, Hall, Page};
use crate::websocket::{Masks, Piece, Receiver, WebSocketError};

/// How often the thread looks at demand and at whether it is to end.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// What is read at once: twice what Chromium puts into a frame, and less than a core's cache.
const BUFFER: usize = 256 << 10;
/// The longest message: what a record can say.
const LONGEST: u64 = u32::MAX as u64;
/// An entry of at least this is credited at once, so that the next picture finds it.
const LARGE: u64 = 64 << 10;
/// A page that does not read for so long is cut off.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a page may take to hear why its connection ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// Serves a page until it or the bridge ends, and tells of it.
pub(super) fn serve(stream: TcpStream, peer: SocketAddr, hall: &Hall) {
    let (stream, visitor) = match handshake::receive(stream, &hall.options) {
        Ok(opened) => opened,
        Err(why) => return hall.tell(BridgeEvent::Refused(peer, why)),
    };
    let timed = stream.set_read_timeout(Some(TICK)).and(stream.set_write_timeout(Some(WRITE_PATIENCE)));
    let mut receiver = Receiver::with_stash(stream, Masks::Required, BUFFER);
    receiver.set_limit(LONGEST);
    let connected = timed.map_err(|why| BridgeError::WebSocket(WebSocketError::Io(why)));
    let connected = connected.and_then(|()| (hall.connect)(&visitor.name).map_err(BridgeError::Connect));
    let producer = match connected {
        Ok(producer) => producer,
        Err(why) => {
            bid_farewell(&mut receiver, &why);
            return hall.tell(BridgeEvent::Refused(peer, why));
        }
    };
    let page = Page { name: visitor.name, origin: visitor.origin, producer: producer.id() };
    hall.tell(BridgeEvent::Opened(page.clone()));
    let done = take_all(&mut receiver, &producer, hall, &page);
    if let Err(why) = &done {
        bid_farewell(&mut receiver, why);
    }
    hall.tell(BridgeEvent::Closed(page, done.err()));
}

fn take_all(
    receiver: &mut Receiver<TcpStream>,
    producer: &Producer,
    hall: &Hall,
    page: &Page,
) -> Result<(), BridgeError> {
    let mut intake = Intake::new(producer);
    let mut credit = Credit::new(hall.options.window);
    receiver.reply(&credit.message())?;
    let mut looked = Instant::now();
    loop {
        let now = Instant::now();
        if now - looked >= TICK {
            looked = now;
            if hall.stopping() {
                return Err(BridgeError::Stopped);
            }
            if !producer.is_connected() {
                return Err(BridgeError::Ring(frame_ring::ClaimError::Closed));
            }
            for message in intake.tracks().demands() {
                receiver.reply(&message)?;
            }
        }
        if credit.is_due(now) {
            receiver.reply(&credit.message())?;
        }
        let (used, complete) = match receiver.fill()? {
            Piece::Closed => return Ok(()),
            Piece::Nothing => {
                if credit.is_open() {
                    receiver.reply(&credit.message())?;
                }
                continue;
            }
            Piece::Content { bytes, last } => {
                let used = intake.take(bytes)?;
                (used, last && used == bytes.len())
            }
        };
        receiver.consume(used);
        if complete {
            let taken = intake.end()?;
            credit.add(taken.bytes, now);
            taken.note.into_iter().for_each(|note| hall.tell(BridgeEvent::Note(page.clone(), note)));
            taken.too_long.into_iter().for_each(|why| hall.tell(BridgeEvent::TooLong(page.clone(), why)));
        }
    }
}

/// What the page may send.
#[derive(Debug)]
struct Credit {
    window: u32,
    /// Bytes of entries taken.
    taken: u64,
    /// The same as the page knows it.
    told: u64,
    /// When the first of those that the page does not know of was taken.
    since: Option<Instant>,
    /// A large entry is among them.
    large: bool,
}

impl Credit {
    fn new(window: u32) -> Self {
        Self { window, taken: 0, told: 0, since: None, large: false }
    }

    fn add(&mut self, bytes: u64, now: Instant) {
        self.taken += bytes;
        self.large |= bytes >= LARGE;
        self.since.get_or_insert(now);
    }

    /// Whether the page should know of what was taken: sound, which comes in small entries, may wait for its like.
    fn is_due(&self, now: Instant) -> bool {
        let much = u64::from(self.window) / 16;
        self.large
            || self.taken - self.told >= much.max(1)
            || self.since.is_some_and(|since| now - since >= TICK / 2)
    }

    fn is_open(&self) -> bool {
        self.taken != self.told
    }

    fn message(&mut self) -> [u8; 16] {
        (self.told, self.since, self.large) = (self.taken, None, false);
        let mut message = [0; 16];
        message[..4].copy_from_slice(&1u32.to_le_bytes());
        message[4..8].copy_from_slice(&self.window.to_le_bytes());
        message[8..].copy_from_slice(&self.taken.to_le_bytes());
        message
    }
}

/// Says why, and reads over what the page had sent before it can hear that: whoever closes a socket with something
/// unread in it takes back what it has written.
fn bid_farewell(receiver: &mut Receiver<TcpStream>, why: &BridgeError) {
    let Some(code) = why.code() else { return };
    if receiver.close(code, &why.to_string()).is_err() {
        return;
    }
    let _ = receiver.stream().shutdown(std::net::Shutdown::Write);
    let (start, mut scrap) = (Instant::now(), vec![0; BUFFER]);
    while start.elapsed() < FAREWELL {
        match std::io::Read::read(&mut receiver.stream(), &mut scrap) {
            Ok(1..) => {}
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}
