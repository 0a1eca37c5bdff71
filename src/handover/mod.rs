//! How a ring gets from its consumer to its producers, and how each side learns that the other is gone.
//!
//! One `SOCK_SEQPACKET` Unix socket per producer, by a path or as an inherited descriptor: the producer asks, the
//! consumer checks who asks and hands over memfd and eventfd. The connected socket then is the *lifeline*: the kernel
//! hangs it up when the last process that holds it is gone, and nothing else counts as death. No pids, no timeouts.

pub(crate) mod client;
mod invitation;
pub(crate) mod server;
pub(crate) mod wire;

pub use client::ConnectError;
pub use invitation::Invitation;
pub use wire::RefusalReason;

/// Names the descriptor of an inherited socket, see [`Invitation::spawn`].
pub const FD_VARIABLE: &str = "FRAME_RING_FD";
/// Names the path of a socket, see [`Producer::from_env`](crate::Producer::from_env).
pub const SOCKET_VARIABLE: &str = "FRAME_RING_SOCKET";
