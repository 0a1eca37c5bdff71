//! Many rings, one wait.
//!
//! One ring per renderer keeps a hostile one from harming the others; a hub merges their frames again.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use frame_ring_core::arena::Arena;
use frame_ring_core::wake::{announce_awake, announce_sleep, Sleep};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::{Consumer, Frame, RecvError};

/// A ring in a [`Hub`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId(u64);

impl fmt::Display for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ring {}", self.0)
    }
}

/// What a hub receives.
#[derive(Debug)]
pub enum HubItem {
    /// A frame.
    Frame(RingId, Frame),
    /// A ring has nothing more to give, or a frame of it was bad. After [`RecvError::Disconnected`] and
    /// [`RecvError::Poisoned`] the ring is out of the hub, and returned here.
    Error(RingId, RecvError, Option<Box<Consumer>>),
}

/// Receives from many rings with one wait. `Send`; on one thread at a time (`&mut self`).
///
/// Rings take turns: one that floods the hub does not keep the others waiting.
#[derive(Debug)]
pub struct Hub {
    rings: BTreeMap<u64, Consumer>,
    epoll: Epoll,
    /// Where the next turn begins.
    turn: u64,
    next_id: u64,
}

impl Hub {
    /// A hub without rings.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { rings: BTreeMap::new(), epoll, turn: 0, next_id: 0 })
    }

    /// Adds a ring.
    pub fn add(&mut self, ring: Consumer) -> io::Result<RingId> {
        let id = self.next_id;
        self.epoll.add(ring.shared().event.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, id))?;
        self.next_id += 1;
        self.rings.insert(id, ring);
        Ok(RingId(id))
    }

    /// Takes a ring out.
    pub fn remove(&mut self, id: RingId) -> Option<Consumer> {
        let ring = self.rings.remove(&id.0)?;
        // It cannot fail for a descriptor that is open and was added.
        let _ = self.epoll.delete(ring.shared().event.as_fd());
        Some(ring)
    }

    /// A ring in the hub, to ask it things.
    pub fn ring(&mut self, id: RingId) -> Option<&mut Consumer> {
        self.rings.get_mut(&id.0)
    }

    /// All rings in the hub.
    pub fn ids(&self) -> impl Iterator<Item = RingId> + '_ {
        self.rings.keys().map(|id| RingId(*id))
    }

    /// The next frame of any ring, if one is there.
    pub fn try_recv(&mut self) -> Option<HubItem> {
        let from_turn = self.rings.range(self.turn..).map(|(id, _)| *id);
        let ids: Vec<u64> = from_turn.chain(self.rings.range(..self.turn).map(|(id, _)| *id)).collect();
        for id in ids {
            let Some(ring) = self.rings.get_mut(&id) else { continue };
            self.turn = id + 1;
            match ring.try_recv() {
                Ok(None) => {}
                Ok(Some(frame)) => return Some(HubItem::Frame(RingId(id), frame)),
                Err(why @ RecvError::BadFrame { .. }) => return Some(HubItem::Error(RingId(id), why, None)),
                Err(why) => {
                    let ring = self.remove(RingId(id)).map(Box::new);
                    return Some(HubItem::Error(RingId(id), why, ring));
                }
            }
        }
        None
    }

    /// Waits for the next frame of any ring, at most for `timeout`; `None` when the time is up.
    pub fn recv_timeout(&mut self, timeout: Duration) -> io::Result<Option<HubItem>> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if let Some(item) = self.try_recv() {
                return Ok(Some(item));
            }
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            self.announce(true);
            let item = self.try_recv();
            let slept = if item.is_none() { self.sleep(left) } else { Ok(()) };
            self.announce(false);
            if item.is_some() {
                return Ok(item);
            }
            slept?;
        }
    }

    fn announce(&self, asleep: bool) {
        for ring in self.rings.values() {
            let shared = ring.shared();
            let control = shared.region().control();
            if asleep {
                announce_sleep(control, Sleep::EventFd);
            } else if announce_awake(control) {
                shared.event.clear();
            }
        }
    }

    fn sleep(&self, left: Option<Duration>) -> io::Result<()> {
        let timeout = left
            .and_then(|left| u16::try_from(left.as_millis() + 1).ok())
            .map_or(EpollTimeout::from(u16::MAX), EpollTimeout::from);
        match self.epoll.wait(&mut [EpollEvent::empty(); 8], timeout) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }
}
