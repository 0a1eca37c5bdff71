//! The C ABI of frame-ring.

// The functions without system calls; their symbols are this library's, too.
pub use frame_ring_core::c_abi;
