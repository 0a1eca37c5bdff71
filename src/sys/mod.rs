//! What the crate asks of the kernel: futexes, the clock, the ring's bells. Linux only.

pub(crate) mod clock;
pub(crate) mod event;
pub(crate) mod futex;
