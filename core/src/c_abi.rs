//! The producer's half as C functions: what a browser links.
//!
//! For a host that has mapped a ring's region itself and that waits and wakes by its own means: no allocation, no system
//! call, no file descriptor, no unwinding, no thread of its own. All state lies in memory of the caller's. "Wake the
//! consumer" is an answer, not an action. `ffi/` wraps the same functions and everything else (making rings, sockets,
//! receiving) for C programs; the header `frame_ring.h` is generated from both.
//!
//! | module | owns |
//! |---|---|
//! | [`status`] | the codes that all functions answer with |
//! | [`descriptor`], [`format`](mod@format) | what is said of a frame, as C structs |
//! | [`handle`] | a region that was attached to |
//! | [`grant`] | claim, commit, abort |
//! | [`track`] | tracks: numbers, drops, demand |
//!
//! Misuse that can be seen is answered by a code: null and misaligned pointers, structs that were never initialised, a grant that
//! was committed already. What cannot be seen (a pointer to memory that is not there, a region that was unmapped) is a
//! precondition, listed with each function.
//!
//! Needs the feature `c-abi`: the names below are global to a program.

pub mod descriptor;
pub mod format;
pub mod grant;
pub mod handle;
pub mod status;
pub mod track;

/// What `pointer` points to, or `None` if it is null or misaligned.
///
/// # Safety
/// A pointer that is neither points to a live `T` that nobody writes to for `'a`.
pub unsafe fn shared<'a, T>(pointer: *const T) -> Option<&'a T> {
    if !pointer.is_aligned() {
        return None;
    }
    // SAFETY: aligned; the rest is the caller's promise.
    unsafe { pointer.as_ref() }
}

/// The same for writing.
///
/// # Safety
/// A pointer that is neither null nor misaligned points to a live `T` that nobody else uses for `'a`.
pub unsafe fn exclusive<'a, T>(pointer: *mut T) -> Option<&'a mut T> {
    if !pointer.is_aligned() {
        return None;
    }
    // SAFETY: aligned; the rest is the caller's promise.
    unsafe { pointer.as_mut() }
}
