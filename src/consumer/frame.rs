//! A received frame: the guard that keeps its bytes from being reused, and its views.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use frame_ring_core::walk::Taken;

use super::payload::Payload;
use super::shared::Shared;
use crate::view::{AudioView, VideoView};
use crate::Descriptor;

/// A frame in the ring, read in place. Dropping it gives its bytes back to the producers.
///
/// `Send` and `Sync`: hold as many as the ring has room for, on any threads, and drop them in any order. It keeps the
/// mapping alive, also beyond its consumer.
#[derive(Debug)]
pub struct Frame {
    shared: Arc<Shared>,
    taken: Taken,
    descriptor: Descriptor,
    skipped: u32,
}

impl Frame {
    pub(super) fn new(shared: Arc<Shared>, taken: Taken, descriptor: Descriptor) -> Self {
        Self { shared, taken, descriptor, skipped: 0 }
    }

    /// What the producer says of the frame; checked against the ring, so its formats lie inside the payload.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The producer that sent it (1..=255).
    pub fn producer(&self) -> u8 {
        self.taken.owner
    }

    /// Its place in the order of claims, modulo 2^36.
    pub fn claim_index(&self) -> u64 {
        self.taken.index
    }

    /// How many frames of its track the consumer dropped in favour of this one; see
    /// [`Consumer::keep_latest`](crate::Consumer::keep_latest).
    pub fn skipped_before(&self) -> u32 {
        self.skipped
    }

    pub(super) fn note_skipped(&mut self, frames: u32) {
        self.skipped = self.skipped.saturating_add(frames);
    }

    /// Its bytes.
    pub fn payload(&self) -> Payload<'_> {
        let (start, room) = self.shared.region().payload(self.taken.offset, self.taken.len);
        let len = (self.descriptor.payload_len as usize).min(room);
        let trusted = self.shared.trusted.load(Ordering::Relaxed);
        // SAFETY: the books keep the claim's bytes from being claimed again until this guard is dropped, and the
        // mapping lives as long as `shared`. Trust is the promise of `trust_producers`.
        unsafe { Payload::new(start, len, trusted) }
    }

    /// Its planes, if it is an uncompressed picture of a known format.
    pub fn video(&self) -> Option<VideoView<'_>> {
        VideoView::new(&self.descriptor, self.payload())
    }

    /// Its channels, if it is uncompressed sound.
    pub fn audio(&self) -> Option<AudioView<'_>> {
        AudioView::new(&self.descriptor, self.payload())
    }

    /// Copies the frame out and gives its bytes back: for whoever holds frames longer than the ring has room.
    pub fn detach(self) -> OwnedFrame {
        OwnedFrame { descriptor: self.descriptor, producer: self.taken.owner, bytes: self.payload().to_vec() }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.shared.release(self.taken.slot);
    }
}

/// A frame that was copied out of the ring.
#[derive(Debug, Clone)]
pub struct OwnedFrame {
    descriptor: Descriptor,
    producer: u8,
    bytes: Vec<u8>,
}

impl OwnedFrame {
    /// What the producer said of the frame.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The producer that sent it (1..=255).
    pub fn producer(&self) -> u8 {
        self.producer
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same as a view.
    pub fn payload(&self) -> Payload<'_> {
        // SAFETY: the vector's own bytes, borrowed for as long as the view; nobody can write to them.
        unsafe { Payload::new(std::ptr::NonNull::from(self.bytes.as_slice()).cast(), self.bytes.len(), true) }
    }

    /// Its planes, if it is an uncompressed picture of a known format.
    pub fn video(&self) -> Option<VideoView<'_>> {
        VideoView::new(&self.descriptor, self.payload())
    }

    /// Its channels, if it is uncompressed sound.
    pub fn audio(&self) -> Option<AudioView<'_>> {
        AudioView::new(&self.descriptor, self.payload())
    }
}
