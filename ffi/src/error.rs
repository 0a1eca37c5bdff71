//! The sentence behind a code, per thread.

use std::cell::RefCell;
use std::ffi::{c_char, CStr, CString};
use std::fmt::Display;

use ::frame_ring_core::c_abi::status::*;
use frame_ring::{BuildError, ClaimError, ConnectError, MemoryError, RecvError};

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// What the last call on this thread that did not end in `FRAME_RING_OK` had to say, as UTF-8. Empty if none has; valid until
/// the thread's next call that fails. Functions `frame_ring_core_...` leave no sentence: see `frame_ring_status_text`.
#[unsafe(no_mangle)]
pub extern "C" fn frame_ring_last_error() -> *const c_char {
    LAST.with_borrow(|last| last.as_ptr())
}

/// Notes the sentence and returns the code.
pub(crate) fn fail(code: frame_ring_status, why: impl Display) -> frame_ring_status {
    let text = why.to_string().replace('\0', "\u{fffd}");
    LAST.with_borrow_mut(|last| *last = CString::new(text).unwrap_or_default());
    code
}

pub(crate) fn bad_argument(name: &str) -> frame_ring_status {
    fail(FRAME_RING_BAD_ARGUMENT, format_args!("{name} is null, misaligned or none of the allowed values"))
}

/// A string of the caller's.
///
/// # Safety
/// `text` is null or points to a string that ends in NUL and lives for `'a`.
pub(crate) unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<&'a str, frame_ring_status> {
    if text.is_null() {
        return Err(bad_argument(name));
    }
    // SAFETY: not null; the rest is the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|why| fail(FRAME_RING_BAD_STRING, format_args!("{name} is not UTF-8: {why}")))
}

pub(crate) fn connect_code(why: &ConnectError) -> frame_ring_status {
    let code = match why {
        ConnectError::Unreachable { .. } | ConnectError::NoEnvironment { .. } => FRAME_RING_UNREACHABLE,
        ConnectError::Version { .. } => FRAME_RING_VERSION,
        ConnectError::Refused(_) => FRAME_RING_REFUSED,
        ConnectError::HungUp
        | ConnectError::NoAnswer { .. }
        | ConnectError::NotAnAnswer { .. }
        | ConnectError::Descriptors { .. } => FRAME_RING_NO_ANSWER,
        ConnectError::Memory(why) => memory_code(why),
        _ => FRAME_RING_OS,
    };
    fail(code, why)
}

fn memory_code(why: &MemoryError) -> frame_ring_status {
    match why {
        MemoryError::Header(why) => (*why).into(),
        MemoryError::NotAMemfd { .. } | MemoryError::NotSealed { .. } => FRAME_RING_NOT_SEALED,
        _ => FRAME_RING_OS,
    }
}

pub(crate) fn build_code(why: &BuildError) -> frame_ring_status {
    let code = match why {
        BuildError::Size { .. } => FRAME_RING_BAD_ARGUMENT,
        BuildError::Memory(why) => memory_code(why),
        _ => FRAME_RING_OS,
    };
    fail(code, why)
}

pub(crate) fn claim_code(why: ClaimError) -> frame_ring_status {
    let code = match why {
        ClaimError::Full(why) => why.into(),
        ClaimError::TooLong { .. } => FRAME_RING_TOO_LONG,
        ClaimError::Closed => FRAME_RING_CLOSED,
        _ => FRAME_RING_CORRUPT,
    };
    fail(code, why)
}

pub(crate) fn recv_code(why: RecvError) -> frame_ring_status {
    let code = match why {
        RecvError::Disconnected => FRAME_RING_DISCONNECTED,
        RecvError::BadFrame { .. } => FRAME_RING_BAD_FRAME,
        _ => FRAME_RING_POISONED,
    };
    fail(code, why)
}
