//! A claim in hand: bytes in the ring that this producer alone writes.

use frame_ring_core::claim::Claim;

use super::error::CommitError;
use super::Producer;
use crate::Descriptor;

/// Claimed bytes. Write them in place, then [`commit`](Self::commit); dropping the grant gives them up.
///
/// `Send`: it may be filled and committed on another thread. Commit soon: later frames of the same producer wait for it.
#[derive(Debug)]
pub struct Grant<'p> {
    producer: &'p Producer,
    /// Taken by commit or abort.
    claim: Option<Claim>,
    len: usize,
    start: *mut u8,
}

// SAFETY: the pointer is to bytes that only the grant's holder writes, in a mapping that `producer` keeps alive.
unsafe impl Send for Grant<'_> {}

impl<'p> Grant<'p> {
    pub(super) fn new(producer: &'p Producer, claim: Claim, len: usize) -> Self {
        let start = producer.port().payload(&claim).as_ptr();
        Self { producer, claim: Some(claim), len, start }
    }

    /// Number of bytes claimed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no bytes were asked for.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first byte, for foreign code that writes in place; a multiple of 64.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.start
    }

    /// The bytes as a slice, to be written in place. They hold whatever an earlier frame left there.
    ///
    /// # Safety
    /// No other process that has this ring writes to bytes that it has not claimed, for as long as the slice lives.
    /// Well-behaved producers never do.
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the claim's bytes are mapped and, by the protocol, nobody else's until it is committed; that all
        // processes keep to the protocol is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Panics
    /// If they reach beyond the grant.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset.checked_add(bytes.len());
        assert!(end.is_some_and(|end| end <= self.len), "{} bytes at {offset} of {}", bytes.len(), self.len);
        // SAFETY: the range was just checked to lie in the claim, and `bytes`, being a slice, is not shared memory.
        // The C library's memcpy is opaque to the compiler: should another process write there, too, it is bytes.
        unsafe { libc::memcpy(self.start.add(offset).cast(), bytes.as_ptr().cast(), bytes.len()) };
    }

    /// The claim itself, for front ends in other languages: whoever has it commits or aborts it over the producer's port.
    #[doc(hidden)]
    pub fn into_claim(mut self) -> Option<Claim> {
        self.claim.take()
    }

    /// Publishes all claimed bytes as a frame and wakes the consumer if it sleeps. The descriptor's payload length is
    /// set to the claim's.
    pub fn commit(self, descriptor: &Descriptor) -> Result<(), CommitError> {
        let len = self.len;
        self.commit_len(len, descriptor)
    }

    /// Publishes the first `len` bytes, when the frame turned out shorter than the claim.
    pub fn commit_len(mut self, len: usize, descriptor: &Descriptor) -> Result<(), CommitError> {
        if len > self.len {
            return Err(CommitError::TooLong { len, claimed: self.len });
        }
        // A claim has less than 2^33 bytes; one of more than u32::MAX cannot be described.
        let payload_len =
            u32::try_from(len).map_err(|_| CommitError::TooLong { len, claimed: u32::MAX as usize })?;
        let encoded = Descriptor { payload_len, ..*descriptor }.encode().map_err(CommitError::Descriptor)?;
        let Some(claim) = self.claim.take() else { return Err(CommitError::Revoked) };
        let committed = self.producer.port().commit(claim, &encoded, payload_len);
        self.producer.wake(committed.map_err(|_| CommitError::Revoked)?);
        Ok(())
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            // Revoked: the consumer was faster, and there is nothing left to give up.
            if let Ok(whom) = self.producer.port().abort(claim) {
                self.producer.wake(whom);
            }
        }
    }
}
