//! Any script of claims, commits, aborts, deliveries, releases and burials does exactly what a queue of claims would.
//!
//! The scripts and the reference lie in `support/`, so that they can be run on any arena.

#![cfg(not(loom))]

#[path = "support/arena.rs"]
mod arena;
#[path = "support/reference.rs"]
mod reference;
#[path = "support/script.rs"]
mod script;
#[path = "support/steps.rs"]
mod steps;

use arena::HeapArena;
use frame_ring_core::word::{Cursor, Geometry};
use proptest::prelude::*;
use script::Pair;
use steps::{ring, step, Step};

fn ring_and_script() -> impl Strategy<Value = (Geometry, Cursor, Vec<Step>)> {
    ring().prop_flat_map(|(geometry, start)| {
        (Just(geometry), Just(start), prop::collection::vec(step(geometry.capacity()), 1..200))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ring_does_what_a_queue_would((geometry, start, steps) in ring_and_script()) {
        let arena = HeapArena::new(geometry.capacity(), geometry.slots(), start);
        let mut pair = Pair::new(&arena, start);
        for step in &steps {
            pair.run(step);
        }
        pair.drain();
    }
}
