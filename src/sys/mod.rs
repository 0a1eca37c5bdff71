//! What the crate asks of the kernel: futexes, the clock, the ring's bells, a guard against SIGBUS. Linux only.

pub(crate) mod clock;
pub(crate) mod event;
pub(crate) mod futex;
pub(crate) mod sigbus;
