//! Many rings and lanes, one wait.
//!
//! One ring per renderer keeps a hostile one from harming the others; a hub merges their frames again.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use frame_ring_core::arena::Arena;
use frame_ring_core::wake::{announce_awake, announce_sleep, Sleep};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::consumer::LOOK_AGAIN;
use crate::lane::find::Finder;
use crate::{Consumer, Frame, LaneError, LaneOptions, RecvError};

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
    /// A lane has appeared below a profile that is watched, and is in the hub now.
    Joined(RingId),
    /// A lane has appeared that cannot be received.
    Refused(PathBuf, LaneError),
}

/// Receives from many rings with one wait. `Send`; on one thread at a time (`&mut self`).
///
/// A ring that is silent costs next to nothing: it stays announced as asleep, and its bells say when to look at it again.
/// Rings that have frames take turns: one that floods the hub does not keep the others waiting.
#[derive(Debug)]
pub struct Hub {
    rings: BTreeMap<u64, Consumer>,
    epoll: Epoll,
    /// Rings that may have frames, in the order of their turns.
    ready: VecDeque<u64>,
    /// Turns since the bells were last looked at.
    turns: u32,
    /// When all rings were last given a turn, whether a bell had rung or not.
    looked_at_all: Instant,
    /// Rings whose turn comes only because all were looked at: no producer has seen them asleep.
    untold: HashSet<u64>,
    next_id: u64,
    /// Profiles that are watched, and how their lanes are received. The number of one is `PROFILES` and its place.
    profiles: Vec<(Finder, LaneOptions)>,
    /// What became of lanes that were found.
    found: VecDeque<HubItem>,
}

/// Numbers from here on are those of profiles, below those of rings.
const PROFILES: u64 = 1 << 63;

/// After so many turns of rings that have frames, it is time to look for others.
const LOOK_EVERY: u32 = 32;

impl Hub {
    /// A hub without rings.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let (rings, ready) = (BTreeMap::new(), VecDeque::new());
        Ok(Self {
            rings,
            epoll,
            ready,
            turns: 0,
            looked_at_all: Instant::now(),
            untold: HashSet::new(),
            next_id: 0,
            profiles: Vec::new(),
            found: VecDeque::new(),
        })
    }

    /// Adds a ring.
    pub fn add(&mut self, ring: Consumer) -> io::Result<RingId> {
        let id = self.next_id;
        self.epoll.add(ring.shared().bells.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, id))?;
        self.next_id += 1;
        self.rings.insert(id, ring);
        self.ready.push_back(id);
        Ok(RingId(id))
    }

    /// Adds every lane below a browser's profile (its `--user-data-dir`), those that are there and those that appear, and
    /// says so with [`HubItem::Joined`] and [`HubItem::Refused`].
    ///
    /// # Errors
    /// If the directory cannot be read or watched.
    pub fn watch_profile(&mut self, profile: impl AsRef<Path>, options: LaneOptions) -> io::Result<()> {
        let finder = Finder::new(profile.as_ref())?;
        let number = PROFILES + self.profiles.len() as u64;
        self.epoll.add(&finder, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
        self.profiles.push((finder, options));
        self.find(number);
        Ok(())
    }

    /// Opens the lanes that have appeared below a profile.
    fn find(&mut self, number: u64) {
        let Some((finder, options)) = self.profiles.get_mut((number - PROFILES) as usize) else { return };
        let (paths, options) = (finder.look().collect::<Vec<_>>(), *options);
        for path in paths {
            let opened = Consumer::open_lane(&path, options);
            let added = opened.and_then(|lane| self.add(lane).map_err(LaneError::Os));
            self.found.push_back(match added {
                Ok(id) => HubItem::Joined(id),
                Err(why) => HubItem::Refused(path, why),
            });
        }
    }

    /// Takes a ring out.
    pub fn remove(&mut self, id: RingId) -> Option<Consumer> {
        let ring = self.rings.remove(&id.0)?;
        self.ready.retain(|ready| *ready != id.0);
        // It cannot fail for a descriptor that is open and was added.
        let _ = self.epoll.delete(ring.shared().bells.as_fd());
        Some(ring)
    }

    /// A ring in the hub, to ask it things.
    pub fn ring(&mut self, id: RingId) -> Option<&mut Consumer> {
        let ring = self.rings.get_mut(&id.0)?;
        // Whoever receives from it directly also wakes it: it must be looked at again.
        if !self.ready.contains(&id.0) {
            self.ready.push_back(id.0);
        }
        Some(ring)
    }

    /// All rings in the hub.
    pub fn ids(&self) -> impl Iterator<Item = RingId> + '_ {
        self.rings.keys().map(|id| RingId(*id))
    }

    /// The next frame of any ring, if one is there.
    pub fn try_recv(&mut self) -> io::Result<Option<HubItem>> {
        self.turns += 1;
        if self.ready.is_empty() || self.turns >= LOOK_EVERY {
            self.look(Some(Duration::ZERO))?;
        }
        if let Some(item) = self.found.pop_front() {
            return Ok(Some(item));
        }
        while let Some(id) = self.ready.pop_front() {
            if let Some(item) = self.serve(id) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Waits for the next frame of any ring, at most for `timeout`; `None` when the time is up.
    pub fn recv_timeout(&mut self, timeout: Duration) -> io::Result<Option<HubItem>> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if let Some(item) = self.try_recv()? {
                return Ok(Some(item));
            }
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            self.look(left)?;
        }
    }

    /// The next item of a ring whose turn it is. A ring that has none is announced as asleep and loses its turn.
    fn serve(&mut self, id: u64) -> Option<HubItem> {
        let ring = self.rings.get_mut(&id)?;
        let mut next = ring.try_recv();
        if self.untold.remove(&id) && matches!(next, Ok(Some(_))) {
            ring.shared().count_found_late();
        }
        if matches!(next, Ok(None)) {
            announce_sleep(ring.shared().region().control(), Sleep::EventFd);
            next = ring.try_recv();
            if !matches!(next, Ok(None)) {
                announce_awake(ring.shared().region().control());
            }
        }
        let item = match next {
            Ok(None) => return None,
            Ok(Some(frame)) => HubItem::Frame(RingId(id), frame),
            Err(why @ RecvError::BadFrame { .. }) => HubItem::Error(RingId(id), why, None),
            Err(why) => return Some(HubItem::Error(RingId(id), why, self.remove(RingId(id)).map(Box::new))),
        };
        self.ready.push_back(id);
        Some(item)
    }

    /// Waits for bells, and gives turns to the rings whose bells have rung.
    fn look(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.turns = 0;
        let timeout = timeout.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN)).as_nanos().div_ceil(1_000_000);
        let mut events = [EpollEvent::empty(); 64];
        let count = match self.epoll.wait(&mut events, u16::try_from(timeout).unwrap_or(u16::MAX)) {
            Err(nix::Error::EINTR) => 0,
            waited => waited?,
        };
        for id in events[..count].iter().map(EpollEvent::data) {
            if id >= PROFILES {
                self.find(id);
            } else if let Some(ring) = self.rings.get(&id) {
                ring.shared().bells.clear();
                announce_awake(ring.shared().region().control());
                self.untold.remove(&id);
                if !self.ready.contains(&id) {
                    self.ready.push_back(id);
                }
            }
        }
        if self.looked_at_all.elapsed() >= LOOK_AGAIN {
            self.looked_at_all = Instant::now();
            let waiting: HashSet<u64> = self.ready.iter().copied().collect();
            for (id, ring) in self.rings.iter().filter(|(id, _)| !waiting.contains(id)) {
                self.ready.push_back(*id);
                if !announce_awake(ring.shared().region().control()) {
                    self.untold.insert(*id);
                }
            }
        }
        Ok(())
    }
}
