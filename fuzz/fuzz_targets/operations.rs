//! Any script of operations does exactly what a queue of claims would: the reference model of the core's tests, run on
//! scripts that the fuzzer makes.
#![no_main]

#[path = "../../core/tests/support/arena.rs"]
mod arena;
#[path = "../../core/tests/support/reference.rs"]
mod reference;
#[path = "../../core/tests/support/script.rs"]
mod script;
#[path = "support/steps.rs"]
mod steps;

use arbitrary::{Result, Unstructured};
use arena::HeapArena;
use libfuzzer_sys::fuzz_target;
use script::Pair;
use steps::{ring, step};

/// Long enough for the ring to go round many times.
const MOST_STEPS: usize = 1000;

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let (geometry, start) = ring(u)?;
    let arena = HeapArena::new(geometry.capacity(), geometry.slots(), start);
    let mut pair = Pair::new(&arena, start);
    for _ in 0..MOST_STEPS {
        if u.is_empty() {
            break;
        }
        pair.run(&step(u, geometry.capacity())?);
    }
    pair.drain();
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    // Too few bytes for a ring, or for the whole of the last step.
    let _ = run(&mut Unstructured::new(bytes));
});
