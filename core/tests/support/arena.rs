//! The protocol's shared words on the heap, for a ring that starts anywhere.

use frame_ring_core::arena::{Arena, Control, Line};
use frame_ring_core::sync::AtomicU64;
use frame_ring_core::word::{Cursor, Geometry, SlotWord};

/// A ring's shared words, over whichever atomics the core was built with.
#[derive(Debug)]
pub struct HeapArena {
    geometry: Geometry,
    control: Control,
    words: Vec<AtomicU64>,
}

impl HeapArena {
    /// A drained ring of `capacity` units and `slots` slots whose next claim is at `start`.
    pub fn new(capacity: u32, slots: u32, start: Cursor) -> Self {
        let geometry = Geometry::new(capacity, slots).expect("a size that a ring can have");
        assert!(geometry.contains(start), "a start that the ring can have");
        let control = Control {
            tail: Line(AtomicU64::new(start.0)),
            head: Line(AtomicU64::new(start.0)),
            ..Control::default()
        };
        let mut words = vec![0; slots as usize];
        for claim in 0..u64::from(slots) {
            let index = Cursor::new(0, start.index() + claim).index();
            words[geometry.slot(index) as usize] = SlotWord::free(geometry.lap(index)).0;
        }
        Self { geometry, control, words: words.into_iter().map(AtomicU64::new).collect() }
    }
}

impl Arena for HeapArena {
    fn geometry(&self) -> Geometry {
        self.geometry
    }
    fn control(&self) -> &Control {
        &self.control
    }
    fn word(&self, slot: u32) -> &AtomicU64 {
        &self.words[slot as usize]
    }
}
