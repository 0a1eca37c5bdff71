//! The producer's half: claim, commit, abort.
//!
//! A claim is made by ONE compare-and-swap, that of the slot's word from `Free` to `Claimed(owner, len)`: from that
//! instant owner and length are on record. Moving `tail` past it comes second, and anybody may do it: a producer that
//! finds the slot of `tail` taken helps first. So there is no instruction at which a producer can die or be stopped and
//! thereby keep another one from claiming.

use core::fmt;

use crate::arena::Arena;
use crate::sync::Ordering;
use crate::wake::{self, Sleep};
use crate::word::{Cursor, Geometry, SlotWord, State};

/// What a frame is, for the limits that keep audio and events alive when video floods the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// May fill 7/8 of bytes and slots.
    Video,
    /// May fill 31/32 of bytes and slots.
    Audio,
    /// May fill everything.
    Event,
}

impl Class {
    /// The class of a kind of frame. Bytes without a format count as pictures: they may be as long.
    #[cfg(not(loom))]
    #[inline]
    pub const fn of(kind: crate::descriptor::Kind) -> Self {
        use crate::descriptor::Kind;
        match kind {
            Kind::Event => Class::Event,
            Kind::Audio | Kind::EncodedAudio => Class::Audio,
            Kind::Video | Kind::EncodedVideo | Kind::Opaque => Class::Video,
        }
    }

    /// How much of `whole` (units or slots) this class may have in use.
    #[inline]
    pub const fn limit(self, whole: u32) -> u32 {
        match self {
            Class::Video => whole - whole / 8,
            Class::Audio => whole - whole / 32,
            Class::Event => whole,
        }
    }

    /// The longest claim of this class that a drained ring takes, in units.
    #[inline]
    pub const fn longest(self, geometry: &Geometry) -> u32 {
        let (limit, longest) = (self.limit(geometry.capacity()), geometry.longest());
        if limit < longest {
            limit
        } else {
            longest
        }
    }
}

/// Why there is no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The bytes that this class may use are in use.
    FullBytes,
    /// The slots that this class may use are in use.
    FullSlots,
    /// Longer than this class may ever be in this ring; `longest` is in units.
    TooLong {
        /// The longest claim of this class, in units.
        longest: u32,
    },
    /// The consumer has left; nobody will read this ring again.
    Closed,
    /// The shared words contradict each other: some process with access to the ring wrote garbage over them.
    Corrupt,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::FullBytes => {
                write!(f, "the ring has no bytes left for this class of frame; drop it or wait")
            }
            Refusal::FullSlots => {
                write!(f, "the ring has no slots left for this class of frame; drop it or wait")
            }
            Refusal::TooLong { longest } => write!(
                f,
                "the frame is longer than this ring takes ({} bytes); make the ring larger",
                u64::from(*longest) * crate::word::UNIT
            ),
            Refusal::Closed => write!(f, "the consumer has left; connect again to its successor"),
            Refusal::Corrupt => write!(f, "the ring's shared words contradict each other; connect again"),
        }
    }
}

impl core::error::Error for Refusal {}

/// A claim that was made: the bytes `offset .. offset + len` belong to the claimant until it commits or aborts.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    index: u64,
    offset: u32,
    word: SlotWord,
}

impl Claim {
    /// Offset of its payload in the data area, in units.
    #[inline]
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// Its length in units.
    #[inline]
    pub fn len(&self) -> u32 {
        self.word.len()
    }

    /// Whether it holds no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.word.is_empty()
    }

    /// Its number among all claims, modulo 2^36.
    #[inline]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The claim as plain numbers, for a caller in another language to keep.
    #[cfg(feature = "c-abi")]
    pub(crate) fn to_words(&self) -> [u64; 3] {
        [self.index, self.offset.into(), self.word.0]
    }

    /// The claim back. Numbers that are no claim's are refused by the commit: its slot does not hold that word.
    #[cfg(feature = "c-abi")]
    pub(crate) fn from_words([index, offset, word]: [u64; 3]) -> Self {
        Self { index, offset: offset as u32, word: SlotWord(word) }
    }
}

/// Retries before a claim gives up. An honest ring needs one for each other producer's step that came in between; only
/// a ring that somebody keeps scribbling over ever needs more than a few.
const RETRIES: u32 = 1 << 16;

/// Claims `len` units for producer `owner` (1..=255; 0 is the consumer).
///
/// Lock-free: it repeats only when another producer's claim has succeeded in between, or the consumer has given space
/// back.
pub fn claim<A: Arena>(arena: &A, owner: u8, class: Class, len: u32) -> Result<Claim, Refusal> {
    let geometry = arena.geometry();
    let longest = class.longest(&geometry);
    if len > longest {
        return Err(Refusal::TooLong { longest });
    }
    // Acquire pairs with the consumer's Release of `closed`.
    if arena.control().closed.0.load(Ordering::Acquire) != 0 {
        return Err(Refusal::Closed);
    }
    for _ in 0..RETRIES {
        match attempt(arena, &geometry, owner, class, len) {
            Attempt::Made(claim) => return Ok(claim),
            Attempt::Again => {}
            Attempt::Refused { tail, why } => {
                // The verdict was reached from several words. It holds if `tail` has not moved meanwhile.
                if arena.control().tail.0.load(Ordering::Acquire) == tail.0 {
                    return Err(why);
                }
            }
        }
    }
    Err(Refusal::Corrupt)
}

enum Attempt {
    Made(Claim),
    Again,
    Refused { tail: Cursor, why: Refusal },
}

fn attempt<A: Arena>(arena: &A, geometry: &Geometry, owner: u8, class: Class, len: u32) -> Attempt {
    // Acquire pairs with the AcqRel of whoever moved `tail`: the slot words before it are visible.
    let tail = Cursor(arena.control().tail.0.load(Ordering::Acquire));
    if !geometry.contains(tail) {
        return Attempt::Refused { tail, why: Refusal::Corrupt };
    }
    let slot = arena.word(geometry.slot(tail.index()));
    // Acquire pairs with the consumer's Release of a freed slot: what it read from the bytes is read.
    let word = SlotWord(slot.load(Ordering::Acquire));
    match geometry.laps_ahead(word.lap(), tail.index()) {
        0 => {}
        ahead if ahead < 0 => return Attempt::Refused { tail, why: Refusal::FullSlots },
        _ => return Attempt::Again,
    }
    if word.state() != State::Free {
        if word.len() > geometry.room(tail) {
            return Attempt::Refused { tail, why: Refusal::Corrupt };
        }
        move_tail(arena, tail, geometry.advance(tail, word.len()));
        return Attempt::Again;
    }

    // Acquire pairs with the consumer's Release of `head`: bytes in front of it are no longer read.
    let head = Cursor(arena.control().head.0.load(Ordering::Acquire));
    let room = geometry.room(tail);
    // A pad and the claim behind it are checked together, or a pad could use up the room that it was made for.
    let (first, needed, slots) = if len <= room { (len, len, 1) } else { (room, room + len, 2) };
    let fits = |head| {
        if tail.claims_since(head) + slots > u64::from(class.limit(geometry.slots())) {
            return Err(Refusal::FullSlots);
        }
        let used = u64::from(geometry.used(tail, head));
        if used + u64::from(needed) > u64::from(class.limit(geometry.capacity())) {
            return Err(Refusal::FullBytes);
        }
        Ok(())
    };
    if let Err(why) = fits(head) {
        match behind_rewind(arena, geometry, head) {
            // A ring that is being rewound is drained, whatever `head` says.
            Some(rewound) if fits(rewound).is_ok() => {}
            // Acquire: as above. The consumer may have released, or have ended a rewind, in between.
            _ if arena.control().head.0.load(Ordering::Acquire) != head.0 => return Attempt::Again,
            _ => return Attempt::Refused { tail, why },
        }
    }
    let is_pad = len > room;
    let state = if is_pad { State::Aborted } else { State::Claimed };
    let claimed = SlotWord::new(word.lap(), state, owner, first);
    // AcqRel: the claim comes after everything that was seen, and whoever helps or walks sees it whole.
    if slot.compare_exchange(word.0, claimed.0, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return Attempt::Again;
    }
    move_tail(arena, tail, geometry.advance(tail, first));
    if is_pad {
        return Attempt::Again;
    }
    Attempt::Made(Claim { index: tail.index(), offset: geometry.offset(tail), word: claimed })
}

/// What `head` is about to become, if the consumer is at this moment rewinding the ring.
fn behind_rewind<A: Arena>(arena: &A, geometry: &Geometry, head: Cursor) -> Option<Cursor> {
    // Acquire pairs with the AcqRel of the rewind: the bytes in front of the pad, and the pad's own, are no longer read.
    let word = SlotWord(arena.word(geometry.slot(head.index())).load(Ordering::Acquire));
    let pad = SlotWord::new(geometry.lap(head.index()), State::Aborted, 0, word.len());
    (word == pad).then(|| geometry.advance(head, word.len()))
}

/// Moves `tail` past the claim at it; failure means that somebody else did.
pub(crate) fn move_tail<A: Arena>(arena: &A, from: Cursor, to: Cursor) {
    // Release pairs with the Acquire loads of `tail`: its readers see the claim that it was moved past.
    let _ = arena.control().tail.0.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed);
}

/// The claim was taken away: the consumer holds its owner for dead. The bytes are no longer the claimant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked;

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the consumer took the claim away because this producer's connection ended; connect again")
    }
}

impl core::error::Error for Revoked {}

/// Publishes a claim whose payload and descriptor are written; says whom to wake.
pub fn commit<A: Arena>(arena: &A, claim: Claim) -> Result<Option<Sleep>, Revoked> {
    finish(arena, claim, State::Committed)
}

/// Gives a claim up; says whom to wake: frames behind it may wait for it.
pub fn abort<A: Arena>(arena: &A, claim: Claim) -> Result<Option<Sleep>, Revoked> {
    finish(arena, claim, State::Aborted)
}

#[inline]
fn finish<A: Arena>(arena: &A, claim: Claim, state: State) -> Result<Option<Sleep>, Revoked> {
    let slot = arena.word(arena.geometry().slot(claim.index));
    // Release pairs with the consumer's Acquire of the word: it sees every byte written before. A plain store would
    // bring a claim back to life that the consumer has aborted.
    slot.compare_exchange(claim.word.0, claim.word.with_state(state).0, Ordering::AcqRel, Ordering::Relaxed)
        .map_err(|_| Revoked)?;
    Ok(wake::after_publish(arena.control()))
}
