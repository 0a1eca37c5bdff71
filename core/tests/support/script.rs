//! Scripts run on an arena and on the reference side by side.

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{abort, claim, commit, Claim};
use frame_ring_core::ledger::{Entry, Ledger};
use frame_ring_core::sync::Ordering;
use frame_ring_core::wake::{announce_awake, announce_sleep, announce_wait_for_space};
use frame_ring_core::walk::{Freed, Order, Taken};
use frame_ring_core::word::{Cursor, State};

use crate::reference::Reference;
use crate::steps::Step;

/// A ring and its reference, with the claims that are open and the frames that are held.
#[derive(Debug)]
pub struct Pair<'a, A> {
    arena: &'a A,
    ledger: Ledger<Vec<Entry>>,
    reference: Reference,
    claims: Vec<Claim>,
    held: Vec<Taken>,
}

impl<'a, A: Arena> Pair<'a, A> {
    pub fn new(arena: &'a A, start: Cursor) -> Self {
        let entries = (0..arena.geometry().slots()).map(|_| Entry::new()).collect();
        let reference = Reference::new(arena.geometry(), start);
        Self { arena, ledger: Ledger::new(entries, start), reference, claims: Vec::new(), held: Vec::new() }
    }

    /// Does one step on both sides and compares all that can be seen of it.
    pub fn run(&mut self, step: &Step) {
        match *step {
            Step::Claim { owner, class, len } => {
                let expected = self.reference.claim(owner, class, len);
                let found = claim(self.arena, owner, class, len);
                let seen = found.as_ref().map(|c| (c.index(), c.offset(), c.len())).map_err(|why| *why);
                assert_eq!(seen, expected.map(|t| (t.index, t.offset, t.len)), "{step:?}");
                self.claims.extend(found);
            }
            Step::Commit(which) => self.finish(which, State::Committed),
            Step::Abort(which) => self.finish(which, State::Aborted),
            Step::Deliver(order) => {
                let (expected, wakes) = self.reference.next(order);
                let (found, freed) = self.ledger.next(self.arena, order);
                assert_eq!((found, freed), (Ok(expected), Freed { wake_producers: wakes }), "{step:?}");
                self.held.extend(expected);
            }
            Step::Release(which) => {
                if !self.held.is_empty() {
                    let taken = self.held.swap_remove(which % self.held.len());
                    let wakes = self.reference.release(taken.index);
                    let freed = self.ledger.release(self.arena, taken.slot);
                    assert_eq!(freed, Freed { wake_producers: wakes }, "{step:?}");
                }
            }
            Step::Bury(owner) => {
                let wakes = self.reference.bury(owner);
                let freed = self.ledger.bury(self.arena, owner);
                assert_eq!(freed, Some(Freed { wake_producers: wakes }), "{step:?}");
            }
            Step::Sleep(how) => {
                announce_sleep(self.arena.control(), how);
                self.reference.sleep(how);
            }
            Step::Awake => {
                let woken = announce_awake(self.arena.control());
                assert_eq!(woken, self.reference.awake(), "{step:?}");
            }
            Step::WaitForSpace => {
                let _ = announce_wait_for_space(self.arena.control());
                self.reference.wait_for_space();
            }
        }
        let control = self.arena.control();
        let (head, tail) = (&control.head.0, &control.tail.0);
        let found = (Cursor(head.load(Ordering::Relaxed)), Cursor(tail.load(Ordering::Relaxed)));
        assert_eq!(found, (self.reference.head(), self.reference.tail()), "head and tail after {step:?}");
    }

    fn finish(&mut self, which: usize, state: State) {
        if self.claims.is_empty() {
            return;
        }
        let claim = self.claims.swap_remove(which % self.claims.len());
        let expected = self.reference.finish(claim.index(), state);
        let found = match state {
            State::Committed => commit(self.arena, claim),
            _ => abort(self.arena, claim),
        };
        assert_eq!(found.ok(), expected, "whom to wake, or that the claim is gone");
    }

    /// Ends every claim, delivers and releases every frame: then nothing is in use.
    pub fn drain(&mut self) {
        while !self.claims.is_empty() {
            self.run(&Step::Commit(0));
        }
        loop {
            self.run(&Step::Deliver(Order::PerProducer));
            if self.held.is_empty() {
                break;
            }
            self.run(&Step::Release(0));
        }
        assert_eq!(self.reference.head(), self.reference.tail(), "a drained ring has nothing in use");
    }
}
