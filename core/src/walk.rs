//! The consumer's half: deliver, release, bury, and the sweep that gives bytes back.
//!
//! The consumer walks the slots from its own cursor. It never reads `tail` to learn where a frame lies: the chain of
//! claimed lengths from its own cursor says so exactly. It walks past claims that are still being written, so that a
//! short frame does not wait behind a long copy, but never delivers a producer's frame past an older one of the same
//! producer that is not done.

use core::fmt;

use crate::arena::Arena;
use crate::claim::move_tail;
use crate::ledger::{Books, Entry, Held, Ledger, Poison, NONE};
use crate::sync::Ordering;
use crate::wake;
use crate::word::{Cursor, SlotWord, State};

/// In which order frames are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// In claim order for each producer; a frame that is still being written holds up no other producer's.
    #[default]
    PerProducer,
    /// In the order of the claims of all producers; a frame that is still being written holds up all behind it.
    Claims,
}

/// A frame that was delivered: its bytes stay as they are until [`Ledger::release`] is called for its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its slot, which holds its descriptor.
    pub slot: u32,
    /// Its number among all claims, modulo 2^36.
    pub index: u64,
    /// Offset of its payload in the data area, in units.
    pub offset: u32,
    /// Length of its claim in units; the payload may be shorter.
    pub len: u32,
    /// The producer that sent it.
    pub owner: u8,
}

/// Why nothing was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextError {
    /// Another thread is sweeping: ask again at once.
    Busy,
    /// The chain of claims is broken for good.
    Poisoned(Poison),
}

impl fmt::Display for NextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextError::Busy => write!(f, "another thread is giving space back; ask again"),
            NextError::Poisoned(why) => write!(f, "the ring is poisoned: {why}; close it"),
        }
    }
}

impl core::error::Error for NextError {}

/// What the caller must do after the consumer's half has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "producers that wait for space are not woken by anybody else"]
pub struct Freed {
    /// Producers sleep on the space futex: wake all of them.
    pub wake_producers: bool,
}

/// The producers that a walk must not deliver from: a set of 256.
#[derive(Default)]
struct Owners([u64; 4]);

impl Owners {
    fn insert(&mut self, owner: u8) {
        self.0[usize::from(owner >> 6)] |= 1 << (owner & 63);
    }
    fn contains(&self, owner: u8) -> bool {
        self.0[usize::from(owner >> 6)] & 1 << (owner & 63) != 0
    }
}

impl<E: AsRef<[Entry]>> Ledger<E> {
    /// Delivers the next frame, if there is one.
    ///
    /// Call it from any thread; two at once never get the same frame. Bounded: it looks at each slot once at most.
    pub fn next<A: Arena>(&self, arena: &A, order: Order) -> (Result<Option<Taken>, NextError>, Freed) {
        let Some(mut held) = self.try_enter() else { return (Err(NextError::Busy), Freed::default()) };
        let mut gave_up = false;
        let next = held.next(arena, order, &mut gave_up);
        let freed = if gave_up { held.sweep(arena) } else { Freed::default() };
        let next = next.map_err(|why| {
            held.books(|books| books.poison = Some(why));
            NextError::Poisoned(why)
        });
        (next, held.leave(arena, freed))
    }

    /// Gives a delivered frame back. Once for each [`Taken`]; from any thread, in any order; never waits.
    pub fn release<A: Arena>(&self, arena: &A, slot: u32) -> Freed {
        self.entry(slot).release();
        match self.enter_or_leave_word() {
            Some(mut held) => {
                let freed = held.sweep(arena);
                held.leave(arena, freed)
            }
            None => Freed::default(),
        }
    }

    /// Aborts what a dead producer has claimed and not committed.
    ///
    /// The caller knows that it is dead (its process is gone): a live one would go on writing into bytes that are
    /// claimed by another. A commit that came first stays, and its frame is delivered.
    /// `None` while another thread sweeps: ask again at once.
    pub fn bury<A: Arena>(&self, arena: &A, owner: u8) -> Option<Freed> {
        let mut held = self.try_enter()?;
        if let Err(why) = held.bury(arena, owner) {
            held.books(|books| books.poison = Some(why));
        }
        let freed = held.sweep(arena);
        Some(held.leave(arena, freed))
    }
}

impl<E: AsRef<[Entry]>> Held<'_, E> {
    fn leave<A: Arena>(mut self, arena: &A, mut freed: Freed) -> Freed {
        while !self.try_leave() {
            freed.wake_producers |= self.sweep(arena).wake_producers;
        }
        freed
    }

    fn next<A: Arena>(
        &mut self,
        arena: &A,
        order: Order,
        gave_up: &mut bool,
    ) -> Result<Option<Taken>, Poison> {
        if let Some(why) = self.books(|b| b.poison) {
            return Err(why);
        }
        let mut blocked = Owners::default();
        let (mut before, mut slot) = (NONE, self.books(|b| b.first));
        while slot != NONE {
            let next = self.record(slot, |r| r.next);
            let word = self.look_again(arena, slot)?;
            match word.state() {
                State::Aborted => {
                    self.unlink(before, slot);
                    self.ledger.entry(slot).release();
                    *gave_up = true;
                }
                State::Committed if !blocked.contains(word.owner()) => {
                    self.unlink(before, slot);
                    return Ok(Some(self.taken(arena, slot)));
                }
                _ if order == Order::Claims => return Ok(None),
                _ => {
                    blocked.insert(word.owner());
                    before = slot;
                }
            }
            slot = next;
        }
        while let Some((slot, word)) = self.step(arena)? {
            match word.state() {
                State::Aborted => {
                    self.ledger.entry(slot).release();
                    *gave_up = true;
                }
                State::Committed if !blocked.contains(word.owner()) => {
                    return Ok(Some(self.taken(arena, slot)))
                }
                _ => {
                    self.link(slot);
                    if order == Order::Claims {
                        return Ok(None);
                    }
                    blocked.insert(word.owner());
                }
            }
        }
        Ok(None)
    }

    fn taken<A: Arena>(&mut self, arena: &A, slot: u32) -> Taken {
        let geometry = arena.geometry();
        self.record(slot, |r| Taken {
            slot,
            index: r.at.index(),
            offset: geometry.offset(r.at),
            len: r.word.len(),
            owner: r.word.owner(),
        })
    }

    /// Walks to the next claim, checks it and enters it into the books; `None` at the end of the chain.
    fn step<A: Arena>(&mut self, arena: &A) -> Result<Option<(u32, SlotWord)>, Poison> {
        let geometry = arena.geometry();
        let (head, at) = self.books(|b| (b.head, b.frontier));
        if at.claims_since(head) == u64::from(geometry.slots()) {
            return Ok(None);
        }
        let (index, slot) = (at.index(), geometry.slot(at.index()));
        // Acquire pairs with the Release of a commit: payload and descriptor are visible.
        let word = SlotWord(arena.word(slot).load(Ordering::Acquire));
        if word.lap() != geometry.lap(index) {
            return Err(Poison::Lap { index, expected: geometry.lap(index), found: word.lap() });
        }
        if word.state() == State::Free {
            return Ok(None);
        }
        // Neither past the end of the data area nor over the oldest frame that somebody may still read.
        let left = geometry.capacity() - geometry.used(at, head);
        let room = geometry.room(at).min(left);
        if word.len() > room {
            return Err(Poison::Length { index, claimed: word.len(), room });
        }
        self.record(slot, |r| {
            r.word = word;
            r.at = at;
            r.next = NONE;
        });
        self.books(|b| b.frontier = geometry.advance(at, word.len()));
        Ok(Some((slot, word)))
    }

    /// The present word of a claim that was walked past; only its state may have changed, and only away from `Claimed`.
    fn look_again<A: Arena>(&mut self, arena: &A, slot: u32) -> Result<SlotWord, Poison> {
        // Acquire pairs with the Release of a commit: payload and descriptor are visible.
        let word = SlotWord(arena.word(slot).load(Ordering::Acquire));
        let (seen, index) = self.record(slot, |r| (r.word, r.at.index()));
        let legal =
            word.state() != State::Free && word.with_state(State::Claimed) == seen.with_state(State::Claimed);
        if !legal {
            return Err(Poison::Changed { index, expected: seen.0, found: word.0 });
        }
        Ok(word)
    }

    fn link(&mut self, slot: u32) {
        match self.books(|b| core::mem::replace(&mut b.last, slot)) {
            NONE => self.books(|b| b.first = slot),
            last => self.record(last, |r| r.next = slot),
        }
    }

    fn unlink(&mut self, before: u32, slot: u32) {
        let next = self.record(slot, |r| r.next);
        match before {
            NONE => self.books(|b| b.first = next),
            _ => self.record(before, |r| r.next = next),
        }
        self.books(|b| {
            if b.last == slot {
                b.last = before;
            }
        });
    }

    fn bury<A: Arena>(&mut self, arena: &A, owner: u8) -> Result<(), Poison> {
        if let Some(why) = self.books(|b| b.poison) {
            return Err(why);
        }
        // All that the dead has claimed lies before the first free slot. `step` ends after one round at the latest.
        while let Some((slot, _)) = self.step(arena)? {
            self.link(slot);
        }
        let (mut before, mut slot) = (NONE, self.books(|b| b.first));
        while slot != NONE {
            let next = self.record(slot, |r| r.next);
            let word = self.look_again(arena, slot)?;
            if word.owner() == owner && self.abort(arena, slot, word) {
                self.unlink(before, slot);
                self.ledger.entry(slot).release();
            } else {
                before = slot;
            }
            slot = next;
        }
        Ok(())
    }

    fn abort<A: Arena>(&mut self, arena: &A, slot: u32, word: SlotWord) -> bool {
        let aborted = word.with_state(State::Aborted);
        // The producer's last commit may race with this; the one that comes first counts.
        word.state() == State::Aborted
            || word.state() == State::Claimed
                && arena
                    .word(slot)
                    .compare_exchange(word.0, aborted.0, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
    }

    /// Frees the run of released claims at `head`, and rewinds the ring if that has drained it.
    fn sweep<A: Arena>(&mut self, arena: &A) -> Freed {
        let (start, end) = self.books(|b| (b.head, b.frontier));
        let mut head = start;
        // Acquire: as for producers.
        let mut tail = Cursor(arena.control().tail.0.load(Ordering::Acquire));
        while head != end {
            let slot = arena.geometry().slot(head.index());
            if !self.ledger.entry(slot).is_released() {
                break;
            }
            let next = arena.geometry().advance(head, self.record(slot, |r| r.word.len()));
            // A slot may only be freed once `tail` is beyond it: its claimant may have died before it moved `tail`.
            if tail == head {
                move_tail(arena, head, next);
                tail = next;
            }
            self.forget_release(slot);
            head = next;
        }
        if head == start {
            return Freed::default();
        }
        self.free(arena, start, head);
        self.rewind(arena);
        Freed { wake_producers: wake::after_release(arena.control()) }
    }

    /// Publishes `head` and then frees the slots from `start` to it.
    fn free<A: Arena>(&mut self, arena: &A, start: Cursor, head: Cursor) {
        let geometry = arena.geometry();
        self.books(|b| b.head = head);
        // Release pairs with the Acquire of a claim: all reads of the freed bytes are over. `head` goes first: whoever
        // finds a slot free also finds the bytes in front of it free.
        arena.control().head.0.store(head.0, Ordering::Release);
        for index in start.index()..start.index() + head.claims_since(start) {
            let index = Cursor::new(0, index).index();
            let free = SlotWord::free(geometry.next_lap(index));
            // Release pairs with the Acquire of a claim, for the descriptor.
            arena.word(geometry.slot(index)).store(free.0, Ordering::Release);
        }
        arena.freed(start, head);
    }

    /// Claims the rest of a drained ring as a pad and frees it at once, so that the next frame is written over the
    /// warmest bytes instead of the coldest.
    fn rewind<A: Arena>(&mut self, arena: &A) {
        let geometry = arena.geometry();
        let Books { head: at, frontier, .. } = self.books(|b| Books { ..*b });
        if at != frontier || !arena.rewinds() || geometry.offset(at) < geometry.rewind_from() {
            return;
        }
        let index = at.index();
        let free = SlotWord::free(geometry.lap(index));
        let mut pad = SlotWord::new(geometry.lap(index), State::Aborted, 0, geometry.room(at));
        let slot = arena.word(geometry.slot(index));
        // AcqRel: as a producer's claim. Failure: a producer was faster, so the ring is not drained.
        if slot.compare_exchange(free.0, pad.0, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            match self.step(arena) {
                // Its pad does as well. Its own claim may be far off, and until then nobody looks at the pad: the
                // consumer may be asleep.
                Ok(Some((_, word))) if word.state() == State::Aborted => pad = word,
                Ok(Some((slot, _))) => return self.link(slot),
                // What is wrong is found again, and told, by the next walk.
                Ok(None) | Err(_) => return,
            }
        }
        let next = geometry.advance(at, pad.len());
        move_tail(arena, at, next);
        self.books(|b| b.frontier = next);
        self.free(arena, at, next);
    }
}
