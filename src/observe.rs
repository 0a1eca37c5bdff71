//! Looking at a ring without taking part in it: what `frame-ring top` and `inspect` show.
//!
//! Everything here is read from shared memory as it is at one moment, word by word. It is what the processes say of
//! themselves, consistent only as far as nothing moves.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::Ordering;

use frame_ring_core::arena::Arena;
use frame_ring_core::layout::Header;
use frame_ring_core::producers::ProducerStats;
use frame_ring_core::tracks::TrackStats;
use frame_ring_core::word::{Cursor, State, UNIT};

use crate::handover::client::{self, ConnectError};
use crate::memory::{Memory, MemoryError};
use crate::sys::clock;

/// A ring that is looked at. It is mapped for reading only.
#[derive(Debug)]
pub struct Observer {
    memory: Memory,
}

impl Observer {
    /// Asks the consumer that listens at `path`.
    pub fn connect(path: impl AsRef<Path>) -> Result<Self, ConnectError> {
        Ok(Self { memory: client::watch(&client::dial(path.as_ref())?)? })
    }

    /// Looks at a memfd that was found elsewhere, such as `/proc/PID/fd/N`.
    pub fn from_memfd(fd: impl Into<OwnedFd>) -> Result<Self, MemoryError> {
        Memory::attach_read_only(fd.into()).map(|memory| Self { memory })
    }

    /// The state of the ring at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.memory)
    }
}

/// The state of a ring at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When, on `CLOCK_MONOTONIC`.
    pub mono_ns: u64,
    /// The ring's header: sizes, name, id.
    pub header: Header,
    /// How many bytes each side has mapped.
    pub mapped_bytes: u64,
    /// Where the next claim begins.
    pub tail: Cursor,
    /// Where the oldest claim in use begins.
    pub head: Cursor,
    /// Bytes between the two.
    pub used_bytes: u64,
    /// Claims between the two.
    pub used_slots: u64,
    /// How the consumer sleeps: 0 it does not, 1 on the futex, 2 on the eventfd.
    pub wake: u32,
    /// Whether a producer sleeps until there is space.
    pub space: u32,
    /// Whether the consumer has left.
    pub closed: bool,
    /// Every slot in use, the oldest first.
    pub slots: Vec<SlotStats>,
    /// Every producer that was ever connected, with its id.
    pub producers: Vec<(u8, ProducerStats)>,
    /// Every track.
    pub tracks: Vec<TrackStats>,
}

/// A slot in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotStats {
    /// The claim's number.
    pub index: u64,
    /// What became of it.
    pub state: State,
    /// Who made it.
    pub owner: u8,
    /// Bytes claimed.
    pub bytes: u64,
    /// For how long the consumer has had it, if it has, and the frame carried a time and belongs to a track.
    pub held_ns: Option<u64>,
}

impl Snapshot {
    pub(crate) fn of(memory: &Memory) -> Self {
        let region = memory.region();
        let (geometry, control) = (region.geometry(), region.control());
        let mono_ns = clock::mono_ns();
        // `head` first: what is in use can only look larger than it is.
        let head = Cursor(control.head.0.load(Ordering::Acquire));
        let tail = Cursor(control.tail.0.load(Ordering::Acquire));
        let used_slots = tail.claims_since(head).min(u64::from(geometry.slots()));
        let slot_stats = |step| {
            let index = Cursor::new(0, head.index() + step).index();
            let slot = region.slot(geometry.slot(index));
            let word = frame_ring_core::word::SlotWord(slot.word.load(Ordering::Acquire));
            let taken = slot.taken_ns.load(Ordering::Relaxed);
            SlotStats {
                index,
                state: word.state(),
                owner: word.owner(),
                bytes: u64::from(word.len()) * UNIT,
                held_ns: (taken != 0).then(|| mono_ns.saturating_sub(taken)),
            }
        };
        Self {
            mono_ns,
            header: *memory.header(),
            mapped_bytes: memory.mapped_bytes() as u64,
            tail,
            head,
            used_bytes: u64::from(geometry.used(tail, head).min(geometry.capacity())) * UNIT,
            used_slots,
            wake: control.wake.0.load(Ordering::Relaxed),
            space: control.space.0.load(Ordering::Relaxed),
            closed: control.closed.0.load(Ordering::Relaxed) != 0,
            slots: (0..used_slots).map(slot_stats).collect(),
            producers: (1..=255).filter_map(|id| Some((id, region.producer(id).read()?))).collect(),
            tracks: (0..region.layout().tracks).filter_map(|i| region.track(i)?.read()).collect(),
        }
    }

    /// The ring's name.
    pub fn name(&self) -> String {
        let name = self.header.name.split(|b| *b == 0).next().unwrap_or_default();
        String::from_utf8_lossy(name).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }

    /// Claims that were being written when `earlier` was taken and still are: their producers are stopped, starved or
    /// stuck, or it is their first copy into fresh memory. Nothing else of the ring waits for them, but the bytes behind
    /// them come back only after theirs.
    pub fn unfinished_since(&self, earlier: &Snapshot) -> impl Iterator<Item = &SlotStats> {
        let before: HashSet<_> = earlier.unfinished().map(|slot| (slot.index, slot.owner)).collect();
        self.unfinished().filter(move |slot| before.contains(&(slot.index, slot.owner)))
    }

    fn unfinished(&self) -> impl Iterator<Item = &SlotStats> {
        self.slots.iter().filter(|slot| slot.state == State::Claimed)
    }

    /// For how long the consumer has had the frame that it took first of those it still has.
    pub fn oldest_held_ns(&self) -> Option<u64> {
        self.slots.iter().filter_map(|slot| slot.held_ns).max()
    }
}
