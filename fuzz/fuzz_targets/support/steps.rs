//! Steps and rings of all kinds from the fuzzer's bytes.

#[path = "../../../core/tests/support/step.rs"]
mod step;

use arbitrary::{Result, Unstructured};
use frame_ring_core::claim::Class;
use frame_ring_core::wake::Sleep;
use frame_ring_core::walk::Order;
use frame_ring_core::word::{Cursor, Geometry};

use step::start;
pub use step::Step;

const OWNERS: [u8; 5] = [1, 2, 3, 64, 255];

/// One step. Frequent kinds have several numbers.
pub fn step(u: &mut Unstructured<'_>, capacity: u32) -> Result<Step> {
    Ok(match u.int_in_range(0..=16u8)? {
        0..=3 => Step::Claim {
            owner: *u.choose(&OWNERS)?,
            class: *u.choose(&[Class::Video, Class::Audio, Class::Event])?,
            len: u.int_in_range(0..=capacity + 1)?,
        },
        4..=5 => Step::Commit(u.arbitrary::<u8>()?.into()),
        6 => Step::Abort(u.arbitrary::<u8>()?.into()),
        7..=9 => Step::Deliver(*u.choose(&[Order::PerProducer, Order::Claims])?),
        10..=12 => Step::Release(u.arbitrary::<u8>()?.into()),
        13 => Step::Bury(*u.choose(&OWNERS)?),
        14 => Step::Sleep(*u.choose(&[Sleep::Futex, Sleep::EventFd])?),
        15 => Step::Awake,
        _ => Step::WaitForSpace,
    })
}

/// Sizes of all kinds, and starts at zero, anywhere and shortly before each of the wraps.
pub fn ring(u: &mut Unstructured<'_>) -> Result<(Geometry, Cursor)> {
    let (capacity, slots) = (u.int_in_range(1..=40)?, *u.choose(&[2, 4, 8, 32])?);
    let geometry = Geometry::new(capacity, slots).expect("in range");
    let start = start(geometry, u.arbitrary::<u16>()?.into(), u.int_in_range(0..=5)?, u.int_in_range(0..=3)?);
    Ok((geometry, start))
}
