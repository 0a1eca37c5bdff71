//! Claim, commit, abort.

use super::descriptor::frame_ring_descriptor;
use super::handle::{class_of, frame_ring_core, Attached};
use super::status::*;
use super::{exclusive, shared};
use crate::claim::{Claim, Class};
use crate::descriptor::Descriptor;
use crate::port::Port;
use crate::wake::Sleep;

/// Bytes in the ring that are the caller's to write until they are committed or aborted.
#[allow(non_camel_case_types)]
#[derive(Debug)]
#[repr(C)]
pub struct frame_ring_grant {
    /// The first byte, a multiple of 64. They hold what an earlier frame left there. Null once the grant is done with.
    pub data: *mut u8,
    /// How many bytes were claimed.
    pub len: u64,
    claim: [u64; 3],
}

/// Whom the caller must wake, once it has committed or aborted.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum frame_ring_wake {
    /// Nobody: the consumer is awake.
    FRAME_RING_WAKE_NOBODY = 0,
    /// One waiter of `frame_ring_core_wake_word`, by `FUTEX_WAKE`.
    FRAME_RING_WAKE_FUTEX = 1,
    /// The ring's eventfd: write the 64-bit number 1 to it.
    FRAME_RING_WAKE_EVENTFD = 2,
}

impl frame_ring_grant {
    /// No claim.
    pub const DONE: Self = Self { data: core::ptr::null_mut(), len: 0, claim: [0; 3] };

    /// The grant of a claim of `len` bytes.
    pub fn of(port: &Port, claim: &Claim, len: u64) -> Self {
        Self { data: port.payload(claim).as_ptr(), len, claim: claim.to_words() }
    }

    /// The claim, once.
    fn take(&mut self) -> Result<Claim, frame_ring_status> {
        if self.data.is_null() {
            return Err(FRAME_RING_STALE_GRANT);
        }
        Ok(Claim::from_words(core::mem::replace(self, Self::DONE).claim))
    }
}

impl Attached {
    /// Claims; a refusal counts as a drop of its kind.
    #[inline]
    fn claim(&self, len: u64, class: Class) -> Result<frame_ring_grant, frame_ring_status> {
        let claim = self.port.claim(len, class).inspect_err(|why| self.port.count_drop(*why))?;
        Ok(frame_ring_grant::of(&self.port, &claim, len))
    }

    /// Commits the first `len` bytes of a grant.
    #[inline]
    pub(super) fn commit(
        &self,
        grant: &mut frame_ring_grant,
        len: u64,
        descriptor: &mut Descriptor,
    ) -> Result<frame_ring_wake, frame_ring_status> {
        if grant.data.is_null() {
            return Err(FRAME_RING_STALE_GRANT);
        }
        let payload_len = u32::try_from(len).map_err(|_| FRAME_RING_BEYOND_GRANT)?;
        if len > grant.len {
            return Err(FRAME_RING_BEYOND_GRANT);
        }
        descriptor.payload_len = payload_len;
        let encoded = descriptor.encode()?;
        Ok(self.port.commit(grant.take()?, &encoded, payload_len)?.into())
    }
}

impl From<Option<Sleep>> for frame_ring_wake {
    fn from(sleep: Option<Sleep>) -> Self {
        match sleep {
            None => Self::FRAME_RING_WAKE_NOBODY,
            Some(Sleep::Futex) => Self::FRAME_RING_WAKE_FUTEX,
            Some(Sleep::EventFd) => Self::FRAME_RING_WAKE_EVENTFD,
        }
    }
}

/// Claims `len` bytes to be written in place, of a `frame_ring_class`. Never waits; from any thread.
///
/// # Safety
/// `core` is null or points to a live handle; `grant` is null or points to memory for a grant that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_claim(
    core: *const frame_ring_core,
    len: u64,
    class: u32,
    grant: *mut frame_ring_grant,
) -> frame_ring_status {
    // SAFETY: the caller's promise. The grant may be uninitialised: it is plain numbers, written before it is read.
    let (core, grant) = unsafe { (Attached::of(core), exclusive(grant)) };
    let Some(grant) = grant else { return FRAME_RING_BAD_ARGUMENT };
    *grant = frame_ring_grant::DONE;
    status(core.and_then(|core| {
        *grant = core.claim(len, class_of(class)?)?;
        Ok(())
    }))
}

/// Publishes the first `len` bytes of a grant as a frame. What the descriptor says of the payload's length does not matter.
/// After any answer but a wrong argument or descriptor the grant is done with. `wake` says whom to wake then.
///
/// # Safety
/// Every pointer is null or points to what its type says; nobody else uses the grant and `wake`. The grant is one of this
/// handle's, or was zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_commit(
    core: *const frame_ring_core,
    grant: *mut frame_ring_grant,
    len: u64,
    descriptor: *const frame_ring_descriptor,
    wake: *mut frame_ring_wake,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, grant, descriptor, wake) =
        unsafe { (Attached::of(core), exclusive(grant), shared(descriptor), exclusive(wake)) };
    let (Some(grant), Some(descriptor), Some(wake)) = (grant, descriptor, wake) else {
        return FRAME_RING_BAD_ARGUMENT;
    };
    *wake = frame_ring_wake::FRAME_RING_WAKE_NOBODY;
    status(core.and_then(|core| {
        *wake = core.commit(grant, len, &mut descriptor.read()?)?;
        Ok(())
    }))
}

/// Gives a grant up. `wake` says whom to wake: frames behind it may wait for it.
///
/// # Safety
/// As for `frame_ring_core_commit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_core_abort(
    core: *const frame_ring_core,
    grant: *mut frame_ring_grant,
    wake: *mut frame_ring_wake,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (core, grant, wake) = unsafe { (Attached::of(core), exclusive(grant), exclusive(wake)) };
    let (Some(grant), Some(wake)) = (grant, wake) else { return FRAME_RING_BAD_ARGUMENT };
    *wake = frame_ring_wake::FRAME_RING_WAKE_NOBODY;
    status(core.and_then(|core| {
        *wake = core.port.abort(grant.take()?)?.into();
        Ok(())
    }))
}
