//! Strategies for steps in any order, and for rings of all kinds to do them to.

#[path = "step.rs"]
mod step;

use frame_ring_core::claim::Class;
use frame_ring_core::wake::Sleep;
use frame_ring_core::walk::Order;
use frame_ring_core::word::{Cursor, Geometry};
use proptest::prelude::*;

use step::start;
pub use step::Step;

pub fn step(capacity: u32) -> impl Strategy<Value = Step> {
    let owner = prop_oneof![1u8..=3, Just(64), Just(255)];
    let class = prop_oneof![Just(Class::Video), Just(Class::Audio), Just(Class::Event)];
    // Lengths near the capacity make pads and refusals, short ones make long queues.
    let len = prop_oneof![4 => 0..=capacity.div_ceil(4), 1 => 0..=capacity + 1];
    let order = prop_oneof![3 => Just(Order::PerProducer), 1 => Just(Order::Claims)];
    prop_oneof![
        8 => (owner.clone(), class, len).prop_map(|(owner, class, len)| Step::Claim { owner, class, len }),
        5 => any::<usize>().prop_map(Step::Commit),
        1 => any::<usize>().prop_map(Step::Abort),
        6 => order.prop_map(Step::Deliver),
        5 => any::<usize>().prop_map(Step::Release),
        1 => owner.prop_map(Step::Bury),
        1 => prop_oneof![Just(Sleep::Futex), Just(Sleep::EventFd)].prop_map(Step::Sleep),
        1 => Just(Step::Awake),
        1 => Just(Step::WaitForSpace),
    ]
}

/// Sizes of all kinds, and starts at zero, anywhere and shortly before each of the wraps.
pub fn ring() -> impl Strategy<Value = (Geometry, Cursor)> {
    let size = (1u32..=40, prop_oneof![Just(2u32), Just(4), Just(8), Just(32)]);
    (size, any::<u32>(), 0u64..6, 0u32..4).prop_map(|((capacity, slots), pos, before, wrap)| {
        let geometry = Geometry::new(capacity, slots).expect("in range");
        (geometry, start(geometry, pos, before, wrap))
    })
}
