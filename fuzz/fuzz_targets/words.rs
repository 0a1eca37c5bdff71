//! Any words in slots and control words, written before, after and in the middle of what honest producers and the
//! consumer do: no panic, bounded work, every frame delivered lies in the data area and over none that is held, and a
//! poisoned ring stays poisoned.
#![no_main]

#[path = "../../core/tests/support/arena.rs"]
mod arena;
#[path = "support/steps.rs"]
mod steps;
#[path = "../../core/tests/support/victims.rs"]
mod victims;

use std::cell::{Cell, RefCell};

use arbitrary::{Arbitrary, Result, Unstructured};
use arena::HeapArena;
use frame_ring_core::arena::{Arena, Control};
use frame_ring_core::sync::{AtomicU64, Ordering};
use frame_ring_core::word::{Cursor, Geometry, SlotWord, State};
use libfuzzer_sys::fuzz_target;
use steps::{ring, step, Step};
use victims::Victims;

const MOST_ACTIONS: usize = 400;

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Place {
    Tail,
    Head,
    Wake,
    Space,
    Closed,
    /// Counted from the slot of `tail`.
    Slot(i8),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Value {
    Any(u64),
    /// A cursor so many units and claims away from `tail`.
    Near(i8, i8),
    /// What the place holds, with one bit flipped.
    Flipped(u8),
    /// A word that could be true of the claim so many behind `tail`.
    Plausible {
        behind: i8,
        state: u8,
        owner: u8,
        len: u8,
    },
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Write {
    place: Place,
    value: Value,
}

/// An arena that counts accesses, and changes under the hands of its users.
struct Scribbled {
    arena: HeapArena,
    accesses: Cell<u64>,
    /// What is written, and at which access.
    due: RefCell<Vec<(u64, Write)>>,
    /// The access at which a producer is told to give up.
    enough: Cell<u64>,
}

/// More accesses than a step of any side needs in a ring of such a size. A producer tries 65,536 times before it calls a ring
/// corrupt, which is tested elsewhere and would be nearly all that the fuzzer does.
const ENOUGH: u64 = 1000;

impl Scribbled {
    fn new(geometry: Geometry, start: Cursor) -> Self {
        let arena = HeapArena::new(geometry.capacity(), geometry.slots(), start);
        Self { arena, accesses: Cell::new(0), due: RefCell::default(), enough: Cell::new(u64::MAX) }
    }

    fn write(&self, write: Write) {
        let (geometry, control) = (self.arena.geometry(), self.arena.control());
        let tail = Cursor(control.tail.0.load(Ordering::Relaxed));
        let near = |claims: i8| Cursor::new(0, tail.index().wrapping_add_signed(claims.into())).index();
        let now = match write.place {
            Place::Tail => tail.0,
            Place::Head => control.head.0.load(Ordering::Relaxed),
            Place::Slot(claims) => self.arena.word(geometry.slot(near(claims))).load(Ordering::Relaxed),
            Place::Wake | Place::Space | Place::Closed => 0,
        };
        let value = match write.value {
            Value::Any(word) => word,
            Value::Near(units, claims) => {
                let round = 2 * i64::from(geometry.capacity());
                let pos = (i64::from(tail.pos()) + i64::from(units)).rem_euclid(round);
                Cursor::new(pos as u32, near(claims)).0
            }
            Value::Flipped(bit) => now ^ 1 << (bit % 64),
            Value::Plausible { behind, state, owner, len } => {
                let states = [State::Free, State::Claimed, State::Committed, State::Aborted];
                let state = states[usize::from(state % 4)];
                SlotWord::new(geometry.lap(near(behind)), state, owner % 4, len.into()).0
            }
        };
        match write.place {
            Place::Tail => control.tail.0.store(value, Ordering::Relaxed),
            Place::Head => control.head.0.store(value, Ordering::Relaxed),
            Place::Wake => control.wake.0.store(value as u32, Ordering::Relaxed),
            Place::Space => control.space.0.store(value as u32, Ordering::Relaxed),
            Place::Closed => control.closed.0.store(value as u32, Ordering::Relaxed),
            Place::Slot(claims) => {
                self.arena.word(geometry.slot(near(claims))).store(value, Ordering::Relaxed);
            }
        }
    }

    /// Writes so many accesses from now; 0 is at once.
    fn write_later(&self, after: u8, write: Write) {
        if after == 0 {
            self.write(write);
        } else {
            self.due.borrow_mut().push((self.accesses.get() + u64::from(after), write));
        }
    }

    fn before_an_access(&self) {
        let now = self.accesses.get() + 1;
        self.accesses.set(now);
        if now == self.enough.get() {
            self.arena.control().tail.0.store(u64::MAX, Ordering::Relaxed);
        }
        let mut due = self.due.borrow_mut();
        if due.is_empty() {
            return;
        }
        due.retain(|(at, write)| {
            if *at == now {
                self.write(*write);
            }
            *at > now
        });
    }
}

impl Arena for Scribbled {
    fn geometry(&self) -> Geometry {
        self.arena.geometry()
    }
    fn control(&self) -> &Control {
        self.before_an_access();
        self.arena.control()
    }
    fn word(&self, slot: u32) -> &AtomicU64 {
        self.before_an_access();
        self.arena.word(slot)
    }
}

/// How often the consumer may look at shared words in one step: at each slot when it walks, aborts and frees, twice for
/// each that a sweep gives back, and a few times at the control words.
fn most_accesses(step: &Step, geometry: &Geometry) -> u64 {
    match step {
        Step::Deliver(_) | Step::Release(_) | Step::Bury(_) => 8 * u64::from(geometry.slots()) + 16,
        _ => ENOUGH + 16,
    }
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let (geometry, start) = ring(u)?;
    let arena = Scribbled::new(geometry, start);
    let mut victims = Victims::new(&arena, start);
    for _ in 0..MOST_ACTIONS {
        if u.is_empty() {
            break;
        }
        if u.ratio(1u8, 3u8)? {
            arena.write_later(u.arbitrary()?, u.arbitrary()?);
            continue;
        }
        let step = step(u, geometry.capacity())?;
        let before = arena.accesses.get();
        arena.enough.set(before + ENOUGH);
        let tail = arena.arena.control().tail.0.load(Ordering::Relaxed);
        victims.run(&step);
        if arena.accesses.get() > arena.enough.get() {
            arena.arena.control().tail.0.store(tail, Ordering::Relaxed);
        }
        let accesses = arena.accesses.get() - before;
        assert!(accesses <= most_accesses(&step, &geometry), "{accesses} accesses for {step:?}");
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    // Too few bytes for a ring, or for the whole of the last action.
    let _ = run(&mut Unstructured::new(bytes));
});
