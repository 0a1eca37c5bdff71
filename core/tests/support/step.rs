//! Everything that can be done to a ring, and where a ring can start.

use frame_ring_core::claim::Class;
use frame_ring_core::wake::Sleep;
use frame_ring_core::walk::Order;
use frame_ring_core::word::{Cursor, Geometry};

/// One step; a `usize` chooses among the claims or frames that are there, if any.
#[derive(Debug, Clone)]
pub enum Step {
    Claim { owner: u8, class: Class, len: u32 },
    Commit(usize),
    Abort(usize),
    Deliver(Order),
    Release(usize),
    Bury(u8),
    Sleep(Sleep),
    Awake,
    WaitForSpace,
}

/// A start at zero (`wrap` 0), anywhere (1), or `before` claims and a few units before the wraps (2, 3).
pub fn start(geometry: Geometry, pos: u32, before: u64, wrap: u32) -> Cursor {
    let capacity = geometry.capacity();
    let pos = match wrap {
        0 => 0,
        1 => pos % (2 * capacity),
        _ => 2 * capacity - 1 - pos % capacity.min(4),
    };
    let index = match wrap {
        0 => 0,
        1 => u64::from(geometry.slots()) << 26,
        2 => 1 << 36,
        _ => 1 << 35,
    };
    let index = (index + (1 << 36) - before * u64::from(wrap > 0)) % (1 << 36);
    Cursor::new(pos, index)
}
