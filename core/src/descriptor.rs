//! Stub.
/// Room.
pub const DESCRIPTOR_BYTES: usize = 192;
