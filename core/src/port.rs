//! One producer of a mapped ring: its claims, commits and aborts, counted in the producer table.
//!
//! Owns no mapping, waits for nothing and wakes nobody: it says whom to wake. The `frame-ring` crate and the C functions
//! both send through it.

use core::ptr::NonNull;

use crate::arena::Arena;
use crate::claim::{self, Claim, Class, Refusal, Revoked};
use crate::descriptor::EncodedDescriptor;
use crate::layout::ProducerEntry;
use crate::region::Region;
use crate::sync::Ordering;
use crate::wake::Sleep;
use crate::word::UNIT;

/// A ring as producer `owner` sees it. Any number of threads may use copies of it at once.
#[derive(Debug, Clone, Copy)]
pub struct Port {
    region: Region,
    owner: u8,
}

impl Port {
    /// The port of the producer that the consumer knows as `owner`, 1 to 255.
    pub const fn new(region: Region, owner: u8) -> Self {
        Self { region, owner }
    }

    /// The ring.
    #[inline]
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// The producer's id.
    #[inline]
    pub const fn owner(&self) -> u8 {
        self.owner
    }

    /// The producer's entry in the table.
    #[inline]
    pub fn entry(&self) -> &ProducerEntry {
        self.region.producer(self.owner)
    }

    /// The longest frame of a class that this ring takes, in bytes.
    pub fn longest(&self, class: Class) -> u64 {
        u64::from(class.longest(&self.region.geometry())) * UNIT
    }

    /// Claims `len` bytes. A refusal is not counted: see [`count_drop`](Self::count_drop).
    #[inline]
    pub fn claim(&self, len: u64, class: Class) -> Result<Claim, Refusal> {
        let units = u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX);
        claim::claim(&self.region, self.owner, class, units)
    }

    /// Where the bytes of a claim begin.
    ///
    /// # Panics
    /// If the claim is none of this ring.
    #[inline]
    pub fn payload(&self, claim: &Claim) -> NonNull<u8> {
        self.region.payload(claim.offset(), claim.len()).0
    }

    /// Counts a frame that was dropped because its claim was refused.
    pub fn count_drop(&self, why: Refusal) {
        let entry = self.entry();
        let counter = match why {
            Refusal::FullBytes => &entry.full_bytes,
            Refusal::FullSlots => &entry.full_slots,
            Refusal::TooLong { .. } => &entry.too_long,
            Refusal::Closed | Refusal::Corrupt => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Publishes a claim whose first `payload_len` bytes are written, with its descriptor; says whom to wake.
    #[inline]
    pub fn commit(
        &self,
        claim: Claim,
        descriptor: &EncodedDescriptor,
        payload_len: u32,
    ) -> Result<Option<Sleep>, Revoked> {
        self.region.write_descriptor(self.region.geometry().slot(claim.index()), descriptor.used());
        let whom = claim::commit(&self.region, claim)?;
        let entry = self.entry();
        entry.frames.fetch_add(1, Ordering::Relaxed);
        entry.bytes.fetch_add(payload_len.into(), Ordering::Relaxed);
        Ok(whom)
    }

    /// Gives a claim up; says whom to wake.
    pub fn abort(&self, claim: Claim) -> Result<Option<Sleep>, Revoked> {
        self.entry().aborted.fetch_add(1, Ordering::Relaxed);
        claim::abort(&self.region, claim)
    }
}
