//! Waiting on a shared word and waking its waiters. Not the private kind: the waiters are other processes.

use std::time::Duration;

use frame_ring_core::sync::AtomicU32;

/// Sleeps while `word` holds `expected`, at most for `timeout`. Returns whether somebody's [`wake`] was used up on this
/// thread; returns for no reason at times.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> bool {
    let time = timeout.map(|t| libc::timespec {
        tv_sec: t.as_secs().min(i64::MAX as u64) as libc::time_t,
        tv_nsec: t.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `word` is a live, aligned 32-bit word and `time` is null or points to a timespec that outlives the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, time) == 0 }
}

/// Wakes up to `count` waiters of `word`.
pub(crate) fn wake(word: &AtomicU32, count: i32) {
    // SAFETY: `word` is a live, aligned 32-bit word.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
