//! Connections that send.

use std::ffi::{c_char, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use ::frame_ring_core::c_abi::descriptor::frame_ring_descriptor;
use ::frame_ring_core::c_abi::grant::{
    frame_ring_core_abort, frame_ring_core_claim, frame_ring_core_commit, frame_ring_grant, frame_ring_wake,
};
use ::frame_ring_core::c_abi::handle::{class_of, frame_ring_core};
use ::frame_ring_core::c_abi::status::*;
use ::frame_ring_core::c_abi::track::{frame_ring_core_track_commit, frame_ring_track};
use ::frame_ring_core::c_abi::{exclusive, shared};
use ::frame_ring_core::wake::Sleep;
use frame_ring::{ConnectError, Producer};

use crate::error::{bad_argument, claim_code, connect_code, fail, text};

/// A connection to a ring. Any number of threads may use it at once; one of them frees it, when no other does any more and all
/// grants are committed or aborted.
#[allow(non_camel_case_types)]
#[derive(Debug)]
pub struct frame_ring_producer {
    producer: Producer,
    core: frame_ring_core,
}

/// Waiting for as long as it takes, as a time-out.
pub const FRAME_RING_FOREVER: u64 = u64::MAX;

fn give(
    to: *mut *mut frame_ring_producer,
    connected: Result<Producer, ConnectError>,
) -> Result<(), frame_ring_status> {
    let producer = connected.map_err(|why| connect_code(&why))?;
    let core = frame_ring_core::of(*producer.port());
    // SAFETY: every caller of this has checked that `to` may be written.
    let to = unsafe { exclusive(to) }.ok_or_else(|| bad_argument("producer"))?;
    *to = Box::into_raw(Box::new(frame_ring_producer { producer, core }));
    Ok(())
}

/// Sets a result to null before anything can fail.
///
/// # Safety
/// `to` is null or may be written.
unsafe fn clear<T>(name: &str, to: *mut *mut T) -> Result<(), frame_ring_status> {
    // SAFETY: the caller's promise.
    *unsafe { exclusive(to) }.ok_or_else(|| bad_argument(name))? = std::ptr::null_mut();
    Ok(())
}

/// Connects to a consumer that listens at `path`. `label` names this producer to people, in at most 56 bytes. To be freed
/// with `frame_ring_producer_free`; null after a failure.
///
/// # Safety
/// The strings are null or end in NUL; `producer` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_connect(
    path: *const c_char,
    label: *const c_char,
    producer: *mut *mut frame_ring_producer,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let arguments = unsafe {
        clear("producer", producer).and(text("path", path)).and_then(|p| Ok((p, text("label", label)?)))
    };
    status(arguments.and_then(|(path, label)| give(producer, Producer::connect(path, label))))
}

/// Connects over a socket that was inherited or received. The descriptor is the library's from here on, also after a failure.
///
/// # Safety
/// `label` is null or ends in NUL; `producer` is null or may be written; nothing else in this program owns `fd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_from_fd(
    fd: c_int,
    label: *const c_char,
    producer: *mut *mut frame_ring_producer,
) -> frame_ring_status {
    if fd < 0 {
        return bad_argument("fd");
    }
    // SAFETY: the caller hands the descriptor over.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the caller's promise.
    let label = unsafe { clear("producer", producer).and(text("label", label)) };
    status(label.and_then(|label| give(producer, Producer::from_fd(fd, label))))
}

/// Connects as the process that started this one says: by `FRAME_RING_FD`, or else `FRAME_RING_SOCKET`. Once for each process.
///
/// # Safety
/// As for `frame_ring_producer_from_fd`; the descriptor in `FRAME_RING_FD` is nobody else's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_from_env(
    label: *const c_char,
    producer: *mut *mut frame_ring_producer,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let label = unsafe { clear("producer", producer).and(text("label", label)) };
    // SAFETY: the caller promises that nothing else owns the descriptor.
    status(label.and_then(|label| give(producer, unsafe { Producer::from_env(label) })))
}

/// Ends the connection. Null is fine.
///
/// # Safety
/// `producer` is null or came from one of the functions above, was not freed yet, and nobody uses it or its core any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_free(producer: *mut frame_ring_producer) {
    if !producer.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(producer) });
    }
}

/// The connection for the functions `frame_ring_core_...`: tracks, demand, claims. Valid as long as the producer; null if that
/// is null.
///
/// # Safety
/// `producer` is null or a live producer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_core(
    producer: *const frame_ring_producer,
) -> *const frame_ring_core {
    // SAFETY: the caller's promise.
    unsafe { shared(producer) }.map_or(std::ptr::null(), |producer| &producer.core)
}

/// Whether the consumer is still there: 1 yes, 0 no, or a negative status. One system call.
///
/// # Safety
/// `producer` is null or a live producer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_connected(producer: *const frame_ring_producer) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { shared(producer) } {
        Some(producer) => producer.producer.is_connected().into(),
        None => bad_argument("producer") as c_int,
    }
}

/// Wakes the consumer as a `frame_ring_core_...` function has said.
///
/// # Safety
/// `producer` is null or a live producer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_wake(
    producer: *const frame_ring_producer,
    wake: u32,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(producer) = (unsafe { shared(producer) }) else { return bad_argument("producer") };
    match wake {
        0 => {}
        1 => producer.producer.wake(Some(Sleep::Futex)),
        2 => producer.producer.wake(Some(Sleep::EventFd)),
        _ => return bad_argument("wake"),
    }
    FRAME_RING_OK
}

/// Claims `len` bytes of a `frame_ring_class`; waits for room at most for `timeout_ns`, 0 not at all.
///
/// # Safety
/// `producer` is null or a live producer; `grant` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_claim(
    producer: *const frame_ring_producer,
    len: u64,
    class: u32,
    timeout_ns: u64,
    grant: *mut frame_ring_grant,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let (Some(producer), Some(to)) = (unsafe { (shared(producer), exclusive(grant)) }) else {
        return bad_argument("producer or grant");
    };
    if timeout_ns == 0 {
        // SAFETY: as above.
        return noted(unsafe { frame_ring_core_claim(&producer.core, len, class, grant) });
    }
    *to = frame_ring_grant::DONE;
    status((|| {
        let class = class_of(class).map_err(|_| bad_argument("class"))?;
        let bytes = usize::try_from(len).map_err(|_| bad_argument("len"))?;
        let timeout = Duration::from_nanos(timeout_ns);
        let claimed = producer.producer.claim_timeout(bytes, class, timeout).map_err(claim_code)?;
        if let Some(claim) = claimed.into_claim() {
            *to = frame_ring_grant::of(producer.producer.port(), &claim, len);
        }
        Ok(())
    })())
}

/// Publishes the first `len` bytes of a grant as a frame, and wakes the consumer if it sleeps. After any answer but a wrong
/// argument or descriptor the grant is done with.
///
/// # Safety
/// Every pointer is null or points to what its type says; nobody else uses the grant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_commit(
    producer: *const frame_ring_producer,
    grant: *mut frame_ring_grant,
    len: u64,
    descriptor: *const frame_ring_descriptor,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(producer) = (unsafe { shared(producer) }) else { return bad_argument("producer") };
    // SAFETY: the caller's promise.
    producer.waking(|wake| unsafe { frame_ring_core_commit(&producer.core, grant, len, descriptor, wake) })
}

/// The same as the next frame of a track, at `now_ns` (`CLOCK_MONOTONIC`); see `frame_ring_core_track_commit`.
///
/// # Safety
/// As for `frame_ring_producer_commit`; nobody else uses the track.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_track_commit(
    producer: *const frame_ring_producer,
    track: *mut frame_ring_track,
    grant: *mut frame_ring_grant,
    len: u64,
    descriptor: *const frame_ring_descriptor,
    now_ns: u64,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(producer) = (unsafe { shared(producer) }) else { return bad_argument("producer") };
    producer.waking(|wake| {
        // SAFETY: the caller's promise.
        unsafe { frame_ring_core_track_commit(&producer.core, track, grant, len, descriptor, now_ns, wake) }
    })
}

/// Gives a grant up.
///
/// # Safety
/// As for `frame_ring_producer_commit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_producer_abort(
    producer: *const frame_ring_producer,
    grant: *mut frame_ring_grant,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(producer) = (unsafe { shared(producer) }) else { return bad_argument("producer") };
    // SAFETY: the caller's promise.
    producer.waking(|wake| unsafe { frame_ring_core_abort(&producer.core, grant, wake) })
}

impl frame_ring_producer {
    /// Makes a call that says whom to wake, and wakes.
    #[inline]
    fn waking(&self, call: impl FnOnce(*mut frame_ring_wake) -> frame_ring_status) -> frame_ring_status {
        let mut wake = frame_ring_wake::FRAME_RING_WAKE_NOBODY;
        let done = call(&mut wake);
        match wake {
            frame_ring_wake::FRAME_RING_WAKE_NOBODY => {}
            frame_ring_wake::FRAME_RING_WAKE_FUTEX => self.producer.wake(Some(Sleep::Futex)),
            frame_ring_wake::FRAME_RING_WAKE_EVENTFD => self.producer.wake(Some(Sleep::EventFd)),
        }
        noted(done)
    }
}

/// Gives an answer of the core its sentence.
#[inline]
fn noted(done: frame_ring_status) -> frame_ring_status {
    match done {
        FRAME_RING_OK => done,
        _ => note(done),
    }
}

#[cold]
fn note(done: frame_ring_status) -> frame_ring_status {
    // SAFETY: the text lives for ever and ends in NUL.
    let text = unsafe { std::ffi::CStr::from_ptr(frame_ring_status_text(done as i32)) };
    fail(done, text.to_string_lossy())
}
