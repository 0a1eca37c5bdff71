//! A region that the caller has mapped, as the arena of the protocol.
//!
//! Owns the way from a base address to typed, shared words. Does not own the mapping. Everything that several
//! processes write is an atomic word here, so no bit pattern and no schedule of theirs is undefined behaviour;
//! payloads are handed out as raw pointers, because another process can write to them at any time.

use core::ptr::NonNull;

use crate::arena::{Arena, Control};
use crate::descriptor::{word_count, WORDS};
use crate::layout::{
    Header, HeaderError, Layout, ProducerEntry, Slot, TrackEntry, CONTROL_OFFSET, PAGE, PRODUCERS,
    PRODUCERS_OFFSET, TRACKS_OFFSET,
};
use crate::sync::{AtomicU64, Ordering};
use crate::word::{Geometry, UNIT};

/// A ring in mapped memory.
#[derive(Debug, Clone, Copy)]
pub struct Region {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a `Region` gives out only references to atomics and raw pointers; the mapping outlives it (`attach`, `create`).
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Makes a ring of a zeroed region: writes the header.
    ///
    /// # Safety
    /// `base` is page-aligned and points to at least `header`'s `total_bytes` zeroed bytes that are mapped readable and
    /// writable for as long as the result or a copy of it is used, and that nobody else accesses yet.
    pub unsafe fn create(base: NonNull<u8>, header: &Header) -> Result<Self, HeaderError> {
        let layout = Layout::check(header, header.total_bytes)?;
        // SAFETY: the caller promises room for the header, its alignment and that nobody else accesses it.
        unsafe { base.cast::<Header>().write(*header) };
        Ok(Self { base, layout })
    }

    /// Checks a region that somebody else has made, and returns it with a private copy of its header.
    ///
    /// # Safety
    /// `base` is page-aligned and points to `bytes` bytes that are mapped readable and writable for as long as the
    /// result or a copy of it is used, and whose file cannot shrink in that time. For looking only, readable is enough.
    /// What the bytes hold does not matter.
    pub unsafe fn attach(base: NonNull<u8>, bytes: u64) -> Result<(Self, Header), HeaderError> {
        if bytes < PAGE {
            return Err(HeaderError::TooSmall { expected: PAGE, found: bytes });
        }
        // SAFETY: the caller promises `bytes` >= a page of readable memory; every bit pattern is a `Header`. Volatile,
        // so that the copy is made once even if somebody writes to it meanwhile.
        let header = unsafe { base.cast::<Header>().read_volatile() };
        let layout = Layout::check(&header, bytes)?;
        Ok((Self { base, layout }, header))
    }

    /// The region's layout.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    #[inline]
    fn at<T>(&self, offset: u64) -> &T {
        // SAFETY: private, and called only with offsets of `T`s that `Layout` has placed inside the mapped region at
        // their alignment; every `T` consists of atomics, for which all bit patterns are valid.
        unsafe { self.base.byte_add(offset as usize).cast::<T>().as_ref() }
    }

    /// Slot `slot`.
    ///
    /// # Panics
    /// If there is no such slot.
    #[inline]
    pub fn slot(&self, slot: u32) -> &Slot {
        assert!(slot < self.layout.geometry.slots(), "slot {slot} of {}", self.layout.geometry.slots());
        self.at(self.layout.slots_offset + u64::from(slot) * size_of::<Slot>() as u64)
    }

    /// Entry `owner` of the producer table.
    #[inline]
    pub fn producer(&self, owner: u8) -> &ProducerEntry {
        const { assert!(PRODUCERS == 256) };
        self.at(PRODUCERS_OFFSET + u64::from(owner) * size_of::<ProducerEntry>() as u64)
    }

    /// Entry `entry` of the track table, if there is one.
    #[inline]
    pub fn track(&self, entry: u32) -> Option<&TrackEntry> {
        (entry < self.layout.tracks)
            .then(|| self.at(TRACKS_OFFSET + u64::from(entry) * size_of::<TrackEntry>() as u64))
    }

    /// The bytes of `len` units from `offset`, in units: address and length.
    ///
    /// # Panics
    /// If they don't lie in the data area.
    #[inline]
    pub fn payload(&self, offset: u32, len: u32) -> (NonNull<u8>, usize) {
        let end = u64::from(offset) + u64::from(len);
        assert!(end <= u64::from(self.layout.geometry.capacity()), "payload {offset}+{len} leaves the ring");
        let start = self.layout.data_offset + u64::from(offset) * UNIT;
        // SAFETY: `Layout` has placed the data area inside the region, and the range lies in the data area.
        (unsafe { self.base.byte_add(start as usize) }, (u64::from(len) * UNIT) as usize)
    }

    /// Writes the descriptor of a claimed slot; words behind the given ones keep what they hold.
    #[inline]
    pub fn write_descriptor(&self, slot: u32, words: &[u64]) {
        for (to, from) in self.slot(slot).descriptor.iter().zip(words) {
            // Relaxed: the commit publishes it.
            to.store(*from, Ordering::Relaxed);
        }
    }

    /// A private copy of a slot's descriptor; words behind its end are zero.
    #[inline]
    pub fn read_descriptor(&self, slot: u32) -> [u64; WORDS] {
        let shared = &self.slot(slot).descriptor;
        // Relaxed: the Acquire of the commit orders it.
        let first = shared[0].load(Ordering::Relaxed);
        let used = word_count(first);
        let mut words = [0; WORDS];
        words[0] = first;
        for (to, from) in words[1..used].iter_mut().zip(&shared[1..used]) {
            *to = from.load(Ordering::Relaxed);
        }
        words
    }
}

impl Arena for Region {
    #[inline]
    fn geometry(&self) -> Geometry {
        self.layout.geometry
    }
    #[inline]
    fn control(&self) -> &Control {
        self.at(CONTROL_OFFSET)
    }
    #[inline]
    fn word(&self, slot: u32) -> &AtomicU64 {
        &self.slot(slot).word
    }
}
