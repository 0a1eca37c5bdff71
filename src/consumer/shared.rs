//! What all threads of a consumer share: the mapping, the books, the way to wake it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use frame_ring_core::arena::{Arena, Control};
use frame_ring_core::lane::RECORD_UNITS;
use frame_ring_core::ledger::{Entry, Ledger};
use frame_ring_core::region::Region;
use frame_ring_core::wake::{self, Sleep};
use frame_ring_core::walk::{Freed, NextError, Order, Taken};
use frame_ring_core::word::{Cursor, Geometry};
use frame_ring_core::{layout, tracks};

use crate::lane::file::LaneFile;
use crate::lane::pump;
use crate::memory::Memory;
use crate::sys::event::{Bells, EventFd};
use crate::sys::futex;

/// Lives as long as the consumer or any of its frames.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) memory: Memory,
    ledger: Ledger<Box<[Entry]>>,
    pub(crate) bells: Bells,
    /// Listeners, invitations and producers: while there are any, more frames may come.
    pub(crate) sources: AtomicUsize,
    pub(crate) producers: AtomicUsize,
    /// Frames that nobody has told of.
    pub(crate) found_late: AtomicU64,
    pub(crate) trusted: AtomicBool,
    /// The file of the one producer that cannot enter its frames itself.
    pub(crate) lane: Option<LaneFile>,
}

/// The words of the ring, and who else hears what is freed.
struct Words<'a>(&'a Shared);

impl Arena for Words<'_> {
    #[inline]
    fn geometry(&self) -> Geometry {
        self.0.region().geometry()
    }
    #[inline]
    fn control(&self) -> &Control {
        self.0.region().control()
    }
    #[inline]
    fn word(&self, slot: u32) -> &AtomicU64 {
        self.0.region().word(slot)
    }
    #[inline]
    fn rewinds(&self) -> bool {
        self.0.lane.is_none()
    }
    #[inline]
    fn freed(&self, from: Cursor, to: Cursor) {
        if let Some(lane) = &self.0.lane {
            lane.release(from, to);
        }
    }
}

/// A producer that was admitted.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) owner: u8,
    pub(crate) generation: u32,
    pub(crate) bell: EventFd,
}

impl Shared {
    pub(crate) fn new(memory: Memory, bells: Bells) -> Self {
        let slots = memory.region().layout().geometry.slots();
        let entries = (0..slots).map(|_| Entry::new()).collect();
        Self {
            memory,
            ledger: Ledger::new(entries, Default::default()),
            bells,
            sources: AtomicUsize::new(0),
            producers: AtomicUsize::new(0),
            found_late: AtomicU64::new(0),
            trusted: AtomicBool::new(false),
            lane: None,
        }
    }

    /// What is shared of a lane's consumer: its page is the one producer, which is there already.
    pub(crate) fn of_lane(memory: Memory, bells: Bells, lane: LaneFile) -> Self {
        let shared = Self::new(memory, bells);
        shared.region().producer(pump::OWNER).connect(0, &lane.header().name.to_string());
        shared.sources.store(1, Ordering::Release);
        shared.producers.store(1, Ordering::Relaxed);
        // What was copied out of the file, no page can write to.
        shared.trusted.store(lane.is_copied(), Ordering::Relaxed);
        Self { lane: Some(lane), ..shared }
    }

    /// The page of a lane is gone. What it has posted is still there.
    pub(crate) fn leave(&self, owner: u8) {
        if self.sources.swap(0, Ordering::AcqRel) > 0 {
            self.producers.store(0, Ordering::Relaxed);
            tracks::end_all_of(self.region(), owner);
            self.region().producer(owner).disconnect();
        }
    }

    pub(crate) fn region(&self) -> &Region {
        self.memory.region()
    }

    /// The next frame, if there is one.
    pub(crate) fn next(&self, order: Order) -> Result<Option<Taken>, frame_ring_core::ledger::Poison> {
        let mut spins = 0;
        loop {
            let (next, freed) = self.ledger.next(&Words(self), order);
            self.wake_producers(freed);
            match next {
                Ok(taken) => return Ok(taken.map(|taken| self.payload_of(taken))),
                Err(NextError::Poisoned(why)) => return Err(why),
                Err(NextError::Busy) => pause(&mut spins),
            }
        }
    }

    /// In a lane the page's record comes before the payload.
    fn payload_of(&self, taken: Taken) -> Taken {
        match self.lane {
            None => taken,
            Some(_) => Taken { offset: taken.offset + RECORD_UNITS, len: taken.len - RECORD_UNITS, ..taken },
        }
    }

    /// Gives a frame back.
    pub(crate) fn release(&self, slot: u32) {
        self.region().slot(slot).taken_ns.store(0, std::sync::atomic::Ordering::Relaxed);
        self.wake_producers(self.ledger.release(&Words(self), slot));
    }

    /// Registers a producer, or returns `None` if all ids, or all of this process's descriptors, are taken.
    pub(crate) fn admit(&self, ids: &mut Ids, pid: u32, label: &str) -> Option<Admitted> {
        let bell = self.bells.add().ok()?;
        let Some(owner) = ids.take() else {
            self.bells.remove(bell);
            return None;
        };
        let generation = self.region().producer(owner).connect(pid, label);
        self.producers.fetch_add(1, Ordering::Relaxed);
        Some(Admitted { owner, generation, bell })
    }

    /// Clears up after a producer whose lifeline has hung up.
    pub(crate) fn dismiss(&self, ids: &mut Ids, owner: u8, bell: EventFd) {
        self.bells.remove(bell);
        let mut spins = 0;
        while self.ledger.bury(&Words(self), owner).is_none() {
            pause(&mut spins);
        }
        tracks::end_all_of(self.region(), owner);
        self.region().producer(owner).disconnect();
        ids.give_back(owner);
        self.producers.fetch_sub(1, Ordering::Relaxed);
        // Whether it has freed anything or not: the dead may have been woken for room, and have taken that wake along.
        futex::wake(&self.region().control().space.0, 1);
    }

    /// Wakes the consumer if it sleeps, however many producers are about to.
    pub(crate) fn wake_consumer(&self) {
        match wake::asleep(self.region().control()) {
            None => {}
            Some(Sleep::Futex) => futex::wake(&self.region().control().wake.0, 1),
            Some(Sleep::EventFd) => self.bells.ring(),
        }
    }

    /// Counts a frame that was there though no producer had seen the consumer asleep.
    pub(crate) fn count_found_late(&self) {
        self.found_late.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells producers that nobody will read any more.
    pub(crate) fn close(&self) {
        let control = self.region().control();
        control.closed.0.store(1, Ordering::Release);
        let _ = wake::after_release(control);
        // Whatever the word says: it is even while a wake goes from one waiter to the next.
        futex::wake(&control.space.0, i32::MAX);
    }

    /// Wakes one producer of those who wait; it wakes the next one if it found room, and waits again if not.
    fn wake_producers(&self, freed: Freed) {
        if freed.wake_producers {
            futex::wake(&self.region().control().space.0, 1);
        }
    }
}

/// Waits for another thread of this process that has the gate for some tens of nanoseconds, unless it was preempted.
fn pause(spins: &mut u32) {
    *spins += 1;
    match *spins {
        0..64 => std::hint::spin_loop(),
        64..128 => std::thread::yield_now(),
        // A holder of lower priority never runs while we only yield.
        _ => std::thread::sleep(std::time::Duration::from_micros(50)),
    }
}

/// The producer ids in use. An id is given out again as late as possible, so that what is still known of its last
/// holder stays readable.
#[derive(Debug)]
pub(crate) struct Ids {
    used: [bool; layout::PRODUCERS as usize],
    last: u8,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { used: [false; layout::PRODUCERS as usize], last: 0 }
    }

    fn take(&mut self) -> Option<u8> {
        let start = u32::from(self.last);
        let free = (0..255u32)
            .map(|step| ((start + step) % 255 + 1) as u8)
            .find(|id| !self.used[usize::from(*id)])?;
        self.used[usize::from(free)] = true;
        self.last = free;
        Some(free)
    }

    fn give_back(&mut self, id: u8) {
        self.used[usize::from(id)] = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_round_and_end_at_255() {
        let mut ids = Ids::new();
        assert_eq!((0..255).map(|_| ids.take().unwrap()).collect::<Vec<_>>(), (1..=255).collect::<Vec<u8>>());
        assert_eq!(ids.take(), None);
        ids.give_back(9);
        ids.give_back(7);
        assert_eq!((ids.take(), ids.take(), ids.take()), (Some(7), Some(9), None));
    }
}
