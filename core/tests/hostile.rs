//! A process that writes anything into any shared word at any moment costs frames of its ring and nothing else: no
//! panic, no endless loop, no range outside the data area, none that overlaps a frame still held.

#![cfg(not(loom))]

#[path = "support/arena.rs"]
mod arena;
#[path = "support/steps.rs"]
mod steps;
#[path = "support/victims.rs"]
mod victims;

use std::cell::Cell;

use arena::HeapArena;
use frame_ring_core::arena::{Arena, Control};
use frame_ring_core::claim::{claim, commit, Class};
use frame_ring_core::ledger::{Entry, Ledger, Poison};
use frame_ring_core::sync::{AtomicU64, Ordering};
use frame_ring_core::walk::{NextError, Order};
use frame_ring_core::word::{Cursor, Geometry, SlotWord, State};
use proptest::prelude::*;
use steps::{ring, step, Step};
use victims::Victims;

/// An arena that somebody scribbles over: before one in `every` accesses to a shared word, some word changes.
struct Scribbled {
    arena: HeapArena,
    seed: Cell<u64>,
    every: u64,
}

impl Scribbled {
    fn new(geometry: Geometry, start: Cursor, seed: u64, every: u64) -> Self {
        let arena = HeapArena::new(geometry.capacity(), geometry.slots(), start);
        Self { arena, seed: Cell::new(seed | 1), every }
    }

    fn random(&self) -> u64 {
        let mut x = self.seed.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    /// Writes one word: garbage, an extreme, another word's value, or one that is nearly right.
    fn scribble(&self) {
        let (geometry, control) = (self.arena.geometry(), self.arena.control());
        let tail = Cursor(control.tail.0.load(Ordering::Relaxed));
        let near = tail.index().wrapping_add(self.random() % 4).wrapping_sub(self.random() % 4);
        let near = Cursor::new(self.random() as u32 % (2 * geometry.capacity()), near);
        let state =
            [State::Free, State::Claimed, State::Committed, State::Aborted][self.random() as usize % 4];
        let len = self.random() as u32 % (geometry.capacity() + 2);
        let plausible = SlotWord::new(geometry.lap(near.index()), state, self.random() as u8 % 4, len);
        let wide = self.random() << 32 ^ self.random();
        let value = [wide, 0, u64::MAX, 1 << 63, near.0, near.0, plausible.0, plausible.0, plausible.0];
        let value = value[self.random() as usize % value.len()];
        match self.random() % 9 {
            0 => control.tail.0.store(value, Ordering::Relaxed),
            1 => control.head.0.store(value, Ordering::Relaxed),
            2 => control.wake.0.store(value as u32, Ordering::Relaxed),
            3 => control.space.0.store(value as u32, Ordering::Relaxed),
            4 => control.closed.0.store((self.random() % 8 == 0).into(), Ordering::Relaxed),
            which => {
                let any = self.random() as u32 % geometry.slots();
                let slot = if which < 7 { geometry.slot(near.index()) } else { any };
                self.arena.word(slot).store(value, Ordering::Relaxed);
            }
        }
    }

    fn before_an_access(&self) {
        if self.random() % self.every == 0 {
            self.scribble();
        }
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_words_do_harm(
        (geometry, start) in ring(),
        steps in prop::collection::vec(step(40), 1..120),
        seed in any::<u64>(),
        // From a ring that is barely touched, which gets far, to one whose every access meets another garbage.
        every in prop_oneof![Just(1u64), Just(5), Just(50), Just(500)],
    ) {
        let arena = Scribbled::new(geometry, start, seed, every);
        let mut victims = Victims::new(&arena, start);
        for step in &steps {
            victims.run(step);
        }
    }
}

/// The same without proptest's choice: long runs, so that a ring is poisoned late and used on for long.
#[test]
fn long_runs_under_a_scribbler() {
    for seed in 1..=60u64 {
        let geometry = Geometry::new(3 + (seed as u32 * 7) % 30, 2 << (seed % 4)).expect("in range");
        let arena = Scribbled::new(geometry, Cursor(0), seed * 0x9e37_79b9, 1 << (3 + seed % 8));
        let mut victims = Victims::new(&arena, Cursor(0));
        for _ in 0..400 {
            let which = arena.random() as usize;
            let order = [Order::PerProducer, Order::Claims];
            victims.run(&match arena.random() % 16 {
                0..=4 => Step::Claim {
                    owner: 1 + which as u8 % 3,
                    class: Class::Event,
                    len: arena.random() as u32 % geometry.capacity().min(9),
                },
                5..=8 => Step::Commit(which),
                9 => Step::Abort(which),
                10..=12 => Step::Deliver(order[which % 2]),
                13..=14 => Step::Release(which),
                _ => Step::Bury(1 + which as u8 % 3),
            });
        }
    }
}

/// Behind a frame of four units in a ring of eight that is still held, writes each of `rounds` into the slots of the
/// following claims and walks as far as it goes. Returns what the ring is poisoned with, having seen that it stays so.
fn poisoned_by(rounds: &[&[SlotWord]]) -> Poison {
    let arena = HeapArena::new(8, 4, Cursor(0));
    let ledger = Ledger::new((0..4).map(|_| Entry::new()).collect::<Vec<_>>(), Cursor(0));
    let first = claim(&arena, 1, Class::Event, 4).expect("there is room");
    commit(&arena, first).expect("nobody was buried");
    let held = ledger.next(&arena, Order::PerProducer).0.expect("an honest ring").expect("was sent");
    let mut end = Ok(None);
    for words in rounds {
        for (slot, word) in (1..).zip(*words) {
            arena.word(slot).store(word.0, Ordering::Relaxed);
        }
        end = ledger.next(&arena, Order::PerProducer).0;
        while let Ok(Some(_)) = end {
            end = ledger.next(&arena, Order::PerProducer).0;
        }
    }
    let Err(NextError::Poisoned(why)) = end else { panic!("{rounds:?} went unnoticed: {end:?}") };
    arena.word(1).store(SlotWord::free(0).0, Ordering::Relaxed);
    assert!(ledger.bury(&arena, 2).is_some());
    let _ = ledger.release(&arena, held.slot);
    assert_eq!(ledger.next(&arena, Order::Claims).0, Err(NextError::Poisoned(why)), "poison stays");
    why
}

#[test]
fn each_broken_rule_has_its_name() {
    use State::{Claimed, Committed, Free};
    let word = |state, len| SlotWord::new(0, state, 2, len);

    assert_eq!(poisoned_by(&[&[SlotWord::free(1)]]), Poison::Lap { index: 1, expected: 0, found: 1 });
    let other_lap = SlotWord::new(3, Committed, 2, 1);
    assert_eq!(poisoned_by(&[&[other_lap]]), Poison::Lap { index: 1, expected: 0, found: 3 });

    let past_the_end = poisoned_by(&[&[word(Committed, 5)]]);
    assert_eq!(past_the_end, Poison::Length { index: 1, claimed: 5, room: 4 });
    let over_the_held = poisoned_by(&[&[word(Committed, 4), word(Committed, 1)]]);
    assert_eq!(over_the_held, Poison::Length { index: 2, claimed: 1, room: 0 });

    let seen = word(Claimed, 1);
    for now in [word(Committed, 2), word(Free, 1), SlotWord::new(0, Claimed, 3, 1)] {
        let changed = Poison::Changed { index: 1, expected: seen.0, found: now.0 };
        assert_eq!(poisoned_by(&[&[seen], &[now]]), changed);
    }
}
