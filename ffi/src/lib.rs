//! The C ABI of frame-ring: `include/frame_ring.h`, for C and C++ programs.
//!
//! Two layers in one library. The functions `frame_ring_core_...` of [`frame_ring_core::c_abi`] send, without system calls
//! and allocation; a browser links them alone. The ones here do the rest: make rings, serve them, connect, wait, wake,
//! receive. Handles are boxes behind pointers; errors are codes, and [`frame_ring_last_error`](error::frame_ring_last_error)
//! has the sentence.
//!
//! | module | owns |
//! |---|---|
//! | [`error`] | the sentence behind a code, per thread |
//! | [`producer`] | connections that send |
//! | [`consumer`] | making a ring, serving it, receiving |
//! | [`frame`] | received frames and their views |
//! | [`stats`] | what is known of the tracks of a ring |

// The symbols of the core are this library's, too.
pub use ::frame_ring_core::c_abi;

pub mod consumer;
pub mod error;
pub mod frame;
pub mod producer;
pub mod stats;
