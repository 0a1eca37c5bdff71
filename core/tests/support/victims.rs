//! Honest users of a ring whose shared words anybody may change, and what they must be spared.

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{abort, claim, commit, Claim};
use frame_ring_core::ledger::{Entry, Ledger, Poison};
use frame_ring_core::wake::{announce_awake, announce_sleep, announce_wait_for_space};
use frame_ring_core::walk::{NextError, Taken};
use frame_ring_core::word::Cursor;

use crate::steps::Step;

/// The two honest sides of a scribbled ring.
pub struct Victims<'a, A> {
    arena: &'a A,
    ledger: Ledger<Vec<Entry>>,
    claims: Vec<Claim>,
    held: Vec<Taken>,
    poison: Option<Poison>,
}

impl<'a, A: Arena> Victims<'a, A> {
    pub fn new(arena: &'a A, start: Cursor) -> Self {
        let entries = (0..arena.geometry().slots()).map(|_| Entry::new()).collect();
        let ledger = Ledger::new(entries, start);
        Self { arena, ledger, claims: Vec::new(), held: Vec::new(), poison: None }
    }

    fn inside(&self, offset: u32, len: u32) -> bool {
        u64::from(offset) + u64::from(len) <= u64::from(self.arena.geometry().capacity())
    }

    /// Does one step and checks what comes of it.
    pub fn run(&mut self, step: &Step) {
        let arena = self.arena;
        match *step {
            Step::Claim { owner, class, len } => {
                if let Ok(claim) = claim(arena, owner, class, len) {
                    assert!(self.inside(claim.offset(), claim.len()), "{claim:?} leaves the data area");
                    assert_eq!(claim.len(), len, "another length than was asked for");
                    self.claims.push(claim);
                }
            }
            Step::Commit(which) | Step::Abort(which) if !self.claims.is_empty() => {
                let claim = self.claims.swap_remove(which % self.claims.len());
                let finish = if matches!(step, Step::Commit(_)) { commit } else { abort };
                let _ = finish(arena, claim);
            }
            Step::Deliver(order) => match self.ledger.next(arena, order).0 {
                Ok(taken) => {
                    assert_eq!(self.poison, None, "a poisoned ring delivers nothing: {taken:?}");
                    if let Some(taken) = taken {
                        self.check_delivered(&taken);
                        self.held.push(taken);
                    }
                }
                Err(NextError::Poisoned(why)) => {
                    assert_eq!(*self.poison.get_or_insert(why), why, "the first broken rule stays");
                }
                Err(NextError::Busy) => panic!("there is no other thread"),
            },
            Step::Release(which) if !self.held.is_empty() => {
                let taken = self.held.swap_remove(which % self.held.len());
                let _ = self.ledger.release(arena, taken.slot);
            }
            Step::Bury(owner) => {
                assert!(self.ledger.bury(arena, owner).is_some(), "there is no other thread")
            }
            Step::Sleep(how) => {
                announce_sleep(arena.control(), how);
                let _ = announce_awake(arena.control());
            }
            Step::Awake => {
                let _ = announce_awake(arena.control());
            }
            Step::WaitForSpace => {
                let _ = announce_wait_for_space(arena.control());
            }
            Step::Commit(_) | Step::Abort(_) | Step::Release(_) => {}
        }
    }

    fn check_delivered(&self, taken: &Taken) {
        assert!(self.inside(taken.offset, taken.len), "{taken:?} leaves the data area");
        assert!(taken.slot < self.arena.geometry().slots(), "{taken:?}");
        for held in &self.held {
            let apart = taken.offset + taken.len <= held.offset || held.offset + held.len <= taken.offset;
            assert!(apart || taken.len == 0 || held.len == 0, "{taken:?} overlaps {held:?}");
            assert_ne!(taken.slot, held.slot, "{taken:?} has the descriptor of {held:?}");
        }
    }
}
