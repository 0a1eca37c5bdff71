//! Where the protocol's shared words live: a trait, so that one implementation of the protocol runs over a mapped
//! file, over the heap and over the model checker's atomics.

use crate::sync::{AtomicU32, AtomicU64};
use crate::word::{Cursor, Geometry};

/// One shared word on a line of its own, so that writers of different words don't slow each other down.
/// 128 bytes, because common processors fetch cache lines of 64 bytes in pairs.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct Line<T>(pub T);

/// The words that all sides share.
///
/// All of them start at zero: an empty, open ring with its consumer awake.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Control {
    /// Where the next claim begins ([`Cursor`]); moved by producers.
    pub tail: Line<AtomicU64>,
    /// Where the oldest bytes in use begin; moved by the consumer alone.
    pub head: Line<AtomicU64>,
    /// How the consumer sleeps, see [`wake`](crate::wake).
    pub wake: Line<AtomicU32>,
    /// Odd while a producer sleeps until there is space; also the word of its futex, see [`wake`](crate::wake).
    pub space: Line<AtomicU32>,
    /// 0 while the ring is open; set by the consumer when it leaves.
    pub closed: Line<AtomicU32>,
}

/// The shared words of one ring.
///
/// An implementation returns the same words for the same arguments for as long as it lives. What the words hold may
/// be anything at any time: the protocol does not trust them.
pub trait Arena {
    /// The ring's size; a private copy that nobody else can change.
    fn geometry(&self) -> Geometry;
    /// The control words.
    fn control(&self) -> &Control;
    /// The word of slot `slot`, which is below `geometry().slots()`.
    fn word(&self, slot: u32) -> &AtomicU64;
    /// Whether the consumer may go on at offset 0 when the ring is drained. Not where somebody else decides where the next
    /// claim begins.
    fn rewinds(&self) -> bool {
        true
    }
    /// The claims from `from` to `to` are free again. Called by one thread at a time, for one run of claims behind the other.
    fn freed(&self, _from: Cursor, _to: Cursor) {}
}

impl<A: Arena + ?Sized> Arena for &A {
    fn geometry(&self) -> Geometry {
        (**self).geometry()
    }
    fn control(&self) -> &Control {
        (**self).control()
    }
    fn word(&self, slot: u32) -> &AtomicU64 {
        (**self).word(slot)
    }
    fn rewinds(&self) -> bool {
        (**self).rewinds()
    }
    fn freed(&self, from: Cursor, to: Cursor) {
        (**self).freed(from, to);
    }
}
