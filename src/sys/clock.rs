//! `CLOCK_MONOTONIC`, the one time base of every frame.

fn now(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for a write, and both clocks used here always exist.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// `CLOCK_MONOTONIC` in nanoseconds: the base of [`Descriptor::mono_ns`](crate::Descriptor::mono_ns).
pub fn mono_ns() -> u64 {
    now(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_REALTIME` in nanoseconds since 1970.
pub(crate) fn real_ns() -> u64 {
    now(libc::CLOCK_REALTIME)
}
