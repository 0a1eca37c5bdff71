//! The consumer's private books: what it has walked past, what it has handed out, what has come back.
//!
//! The books decide where a frame lies and when its bytes may be claimed again; nothing that another process can write
//! takes part in that. They are shared by the consumer's own threads behind a *gate*: whoever holds it walks, sweeps
//! or buries. A thread that drops a frame never waits for the gate: it notes the release in the frame's entry, and if
//! the gate is taken, its holder sweeps once more before it leaves.

use core::fmt;

use crate::sync::{AtomicU32, Ordering, UnsafeCell};
use crate::word::{Cursor, SlotWord};

/// No slot: the end of the list of frames that were walked past.
pub(crate) const NONE: u32 = u32::MAX;

/// What the books say of one slot; allocate as many as the ring has slots.
#[derive(Debug, Default)]
pub struct Entry {
    /// 1 once nobody will read the slot's bytes any more.
    released: AtomicU32,
    record: UnsafeCell<Record>,
}

/// The private copy of a claim.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Record {
    /// The claim as it was first seen.
    pub(crate) word: SlotWord,
    /// Where it begins.
    pub(crate) at: Cursor,
    /// The next slot in the list of those that were walked past.
    pub(crate) next: u32,
}

impl Entry {
    /// An entry of an empty ring.
    pub fn new() -> Self {
        Self::default()
    }

    #[inline]
    pub(crate) fn release(&self) {
        // Release pairs with the Acquire in `is_released`: the reader is done with the bytes before they are reused.
        self.released.store(1, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire) == 1
    }
}

/// How a chain of claims broke its own rules: some process that can write to the ring wrote garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// A slot speaks for another round than the one that the consumer freed it for.
    Lap {
        /// The claim's number.
        index: u64,
        /// The round expected.
        expected: u32,
        /// The round found.
        found: u32,
    },
    /// A claim does not fit into what is left before the end of the data area, or of the ring.
    Length {
        /// The claim's number.
        index: u64,
        /// Units claimed.
        claimed: u32,
        /// Units that were left.
        room: u32,
    },
    /// A claim changed after the consumer had seen it.
    Changed {
        /// The claim's number.
        index: u64,
        /// The word first seen.
        expected: u64,
        /// The word found.
        found: u64,
    },
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Poison::Lap { index, expected, found } => {
                write!(
                    f,
                    "claim {index}: its slot must speak for round {expected} and speaks for round {found}"
                )
            }
            Poison::Length { index, claimed, room } => {
                write!(f, "claim {index}: {claimed} units were claimed where {room} were left")
            }
            Poison::Changed { index, expected, found } => {
                write!(f, "claim {index}: its word was {expected:#018x} and is now {found:#018x}")
            }
        }
    }
}

impl core::error::Error for Poison {}

/// What only the holder of the gate touches.
#[derive(Debug)]
pub(crate) struct Books {
    /// The oldest claim that is not free again; the shared `head` is a copy of it.
    pub(crate) head: Cursor,
    /// The first claim that was not walked to yet.
    pub(crate) frontier: Cursor,
    /// The oldest claim that was walked past before it could be delivered, and the youngest.
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// Set for good by the first broken rule.
    pub(crate) poison: Option<Poison>,
}

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and something was released meanwhile.
const DIRTY: u32 = 3;

/// The consumer's side of one ring. `E` holds one [`Entry`] for each slot.
pub struct Ledger<E> {
    gate: AtomicU32,
    entries: E,
    books: UnsafeCell<Books>,
}

// SAFETY: `books` and the records in `entries` are touched only through `Held`, which only one thread can have: it is
// made by the compare-and-swap on `gate` from FREE, Acquire, and given back by one with Release.
unsafe impl<E: Send> Send for Ledger<E> {}
// SAFETY: as above; the other fields are atomics.
unsafe impl<E: Sync + Send> Sync for Ledger<E> {}
// SAFETY: `record` is touched only by the holder of the gate of the ledger that the entry belongs to; `Ledger` never
// hands its entries out.
unsafe impl Sync for Entry {}

impl<E> fmt::Debug for Ledger<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

impl<E: AsRef<[Entry]>> Ledger<E> {
    /// The books of a ring whose next claim is at `start`; there must be one entry for each slot.
    ///
    /// A new ring starts at `Cursor::new(0, 0)`.
    pub fn new(entries: E, start: Cursor) -> Self {
        let books = Books { head: start, frontier: start, first: NONE, last: NONE, poison: None };
        Self { gate: AtomicU32::new(FREE), entries, books: UnsafeCell::new(books) }
    }

    pub(crate) fn entry(&self, slot: u32) -> &Entry {
        &self.entries.as_ref()[slot as usize]
    }

    /// Takes the gate if nobody has it.
    pub(crate) fn try_enter(&self) -> Option<Held<'_, E>> {
        // Acquire pairs with the Release of whoever left: its books are ours now.
        self.gate.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).ok()?;
        Some(Held { ledger: self })
    }

    /// Takes the gate, or tells its holder to look at the entries once more.
    pub(crate) fn enter_or_leave_word(&self) -> Option<Held<'_, E>> {
        if let Some(held) = self.try_enter() {
            return Some(held);
        }
        // A read-modify-write even if the word is there already: only then is the holder sure to see what this thread
        // released before. Release pairs with the Acquire in `try_leave`.
        if self.gate.fetch_or(DIRTY, Ordering::AcqRel) != FREE {
            return None;
        }
        Some(Held { ledger: self })
    }
}

/// The gate, held.
pub(crate) struct Held<'a, E> {
    pub(crate) ledger: &'a Ledger<E>,
}

impl<E: AsRef<[Entry]>> Held<'_, E> {
    pub(crate) fn books<R>(&mut self, f: impl FnOnce(&mut Books) -> R) -> R {
        self.ledger.books.with_mut(|books| {
            // SAFETY: the gate is held, so no other thread is in here, and `&mut self` keeps this one from nesting.
            f(unsafe { &mut *books })
        })
    }

    pub(crate) fn record<R>(&mut self, slot: u32, f: impl FnOnce(&mut Record) -> R) -> R {
        self.ledger.entry(slot).record.with_mut(|record| {
            // SAFETY: the gate is held, so no other thread is in here, and `&mut self` keeps this one from nesting.
            f(unsafe { &mut *record })
        })
    }

    pub(crate) fn forget_release(&mut self, slot: u32) {
        // Relaxed: the slot is not handed out again before the gate has been left.
        self.ledger.entry(slot).released.store(0, Ordering::Relaxed);
    }

    /// Gives the gate back, or refuses because something was released meanwhile: then sweep and try again.
    pub(crate) fn try_leave(&mut self) -> bool {
        // Release pairs with the Acquire of the next holder.
        if self.ledger.gate.compare_exchange(HELD, FREE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return true;
        }
        // Acquire pairs with the fetch_or in `enter_or_leave_word`: what was released is visible to the next sweep.
        self.ledger.gate.swap(HELD, Ordering::AcqRel);
        false
    }
}
