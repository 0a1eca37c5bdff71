//! The scripts of the protocol's reference model, run on a memfd instead of the heap.

#[path = "../core/tests/support/reference.rs"]
mod reference;
#[path = "../core/tests/support/script.rs"]
mod script;
#[path = "../core/tests/support/steps.rs"]
mod steps;
mod support;

use std::ptr::NonNull;

use frame_ring_core::arena::Arena;
use frame_ring_core::layout::{Header, Layout};
use frame_ring_core::region::Region;
use frame_ring_core::sync::Ordering;
use frame_ring_core::word::{Cursor, Geometry, SlotWord};
use memmap2::{MmapOptions, MmapRaw};
use proptest::prelude::*;
use script::Pair;
use steps::{ring, step, Step};
use support::raw::{header, memfd, SEALS};

/// A drained ring on a memfd whose next claim is at `start`. The mapping comes first: it must outlive the region.
fn on_a_memfd(geometry: Geometry, start: Cursor) -> (MmapRaw, Region) {
    let layout = Layout::new(geometry, 1).expect("a layout");
    let header = Header {
        slots: geometry.slots(),
        total_bytes: layout.total_bytes,
        data_bytes: layout.data_bytes(),
        slots_offset: layout.slots_offset,
        data_offset: layout.data_offset,
        tracks: 1,
        ..header()
    };
    let fd = memfd(&[], layout.total_bytes, SEALS);
    let map = MmapOptions::new().len(layout.total_bytes as usize).map_raw(&fd).expect("mapped");
    let base = NonNull::new(map.as_mut_ptr()).expect("an address");
    // SAFETY: a new, zeroed mapping of the header's size, which the caller keeps; its file's size is sealed.
    let region = unsafe { Region::create(base, &header) }.expect("a ring");
    for cursor in [&region.control().tail.0, &region.control().head.0] {
        cursor.store(start.0, Ordering::Relaxed);
    }
    for claim in 0..u64::from(geometry.slots()) {
        let index = Cursor::new(0, start.index() + claim).index();
        let free = SlotWord::free(geometry.lap(index));
        region.word(geometry.slot(index)).store(free.0, Ordering::Relaxed);
    }
    (map, region)
}

fn ring_and_script() -> impl Strategy<Value = (Geometry, Cursor, Vec<Step>)> {
    ring().prop_flat_map(|(geometry, start)| {
        (Just(geometry), Just(start), prop::collection::vec(step(geometry.capacity()), 1..200))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ring_on_a_memfd_does_what_a_queue_would((geometry, start, steps) in ring_and_script()) {
        let (_map, region) = on_a_memfd(geometry, start);
        let mut pair = Pair::new(&region, start);
        for step in &steps {
            pair.run(step);
        }
        pair.drain();
    }
}
