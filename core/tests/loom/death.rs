//! Producers that die: after each of their accesses to the ring, and while the consumer buries them.
//!
//! A mortal producer runs over an [`Arena`] that unwinds it when it asks for a word once too often, so whatever it has
//! done by then stays done and nothing else happens. The arena is asked once for each access or, where one word is read
//! and then exchanged, once for both; a death between those two leaves the ring as a death before them does.

use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use frame_ring_core::arena::{Arena, Control};
use frame_ring_core::claim::{abort, claim, commit, Claim, Class};
use frame_ring_core::sync::AtomicU64;
use frame_ring_core::walk::Order;
use frame_ring_core::word::{Cursor, Geometry};
use loom::thread;

use crate::arena::HeapArena;
use crate::ring::{explore, Message, Ring, BEFORE_A_WRAP};

struct Mortal<'a> {
    arena: &'a HeapArena,
    accesses_left: Cell<u32>,
    /// Accesses made since the producer set out to commit.
    committing: Cell<Option<u32>>,
}

impl Mortal<'_> {
    fn live(&self) {
        match self.accesses_left.get().checked_sub(1) {
            Some(left) => self.accesses_left.set(left),
            None => resume_unwind(Box::new("died")),
        }
        self.committing.set(self.committing.get().map(|made| made + 1));
    }
}

impl Arena for Mortal<'_> {
    fn geometry(&self) -> Geometry {
        self.arena.geometry()
    }
    fn control(&self) -> &Control {
        self.live();
        self.arena.control()
    }
    fn word(&self, slot: u32) -> &AtomicU64 {
        self.live();
        self.arena.word(slot)
    }
}

/// Sends a frame, if death does not come first. Returns whether it lived on, and whether the frame is committed.
fn live_for(accesses: u32, ring: &Ring, message: Message, len: u32) -> (bool, bool) {
    let arena =
        Mortal { arena: &ring.arena, accesses_left: Cell::new(accesses), committing: Cell::new(None) };
    let life = catch_unwind(AssertUnwindSafe(|| {
        let claim = claim(&arena, message.0, Class::Event, len).expect("there is room for all");
        ring.fill(&claim, message);
        arena.committing.set(Some(0));
        commit(&arena, claim).expect("nobody buries the living");
    }));
    // The first access of a commit is the exchange itself; what comes behind it looks for sleepers.
    let exchanged = arena.committing.get().is_some_and(|made| made > 0);
    (life.is_ok(), exchanged)
}

/// Explores a death after 0, 1, 2 ... accesses, until the producer always lives to the end. `model` is told how many,
/// and returns whether it lived.
fn every_death(name: &str, preemptions: usize, model: impl Fn(u32) -> bool + Send + Sync + Copy + 'static) {
    for accesses in 0.. {
        let died = Arc::new(AtomicBool::new(false));
        let dies = died.clone();
        explore(&format!("{name} after {accesses} accesses"), preemptions, move || {
            dies.fetch_or(!model(accesses), Ordering::Relaxed);
        });
        if !died.load(Ordering::Relaxed) {
            assert!(accesses > 6, "an arena that counts too little");
            return;
        }
    }
}

/// Behind a frame that is held, a mortal and a living producer send at once. When the mortal one is dead, the consumer
/// buries it, while the other one goes on; then it releases the frame.
fn dies_beside_another(ring: &Arc<Ring>, accesses: u32, lens: [u32; 2], mut sent: Vec<Vec<Message>>) -> bool {
    let mut received = Vec::new();
    while ring.tail().claims_since(ring.head()) > 1 {
        received.extend(ring.receive(Order::PerProducer).0);
    }
    let held = ring.next(Order::PerProducer).0;
    let mortal = {
        let ring = ring.clone();
        thread::spawn(move || live_for(accesses, &ring, (2, 0), lens[0]))
    };
    let living = {
        let ring = ring.clone();
        thread::spawn(move || ring.send((3, 0), lens[1]).expect("the dead are in nobody's way"))
    };
    let (lived, committed) = mortal.join().expect("unwinding is caught");
    let _ = ring.bury(2);
    if let Some(held) = held {
        received.push(ring.read(&held));
        let _ = ring.release(&held);
    }
    received.extend(ring.receive(Order::PerProducer).0);
    living.join().expect("the living does not panic");
    sent.push(vec![(3, 0)]);
    sent.extend(committed.then(|| vec![(2, 0)]));
    ring.settle(&sent, received);
    lived
}

#[test]
fn death_at_every_access() {
    every_death("death", 2, |accesses| {
        let ring = Ring::new(4, 2, Cursor(0));
        dies_beside_another(&ring, accesses, [1, 1], vec![])
    });
}

#[test]
fn death_at_every_access_of_a_claim_with_a_pad() {
    every_death("death with a pad", 1, |accesses| {
        let ring = Ring::new(8, 4, Cursor(0));
        // The held frame ends two units before the end of the data area.
        let sent = ring.send_all(1, &[5, 1]);
        dies_beside_another(&ring, accesses, [3, 1], vec![sent])
    });
}

#[test]
fn death_at_every_access_before_a_wrap() {
    every_death("death before a wrap", 1, |accesses| {
        let ring = Ring::new(4, 2, Cursor::new(7, (1 << 36) - 1));
        dies_beside_another(&ring, accesses, [1, 1], vec![])
    });
}

/// The consumer holds a producer for dead that is about to end its claim: the one that comes first counts, for both.
/// Returns whether the claim's end came first, and what was received of the two frames.
fn a_burial_and_the_last_word(ring: &Arc<Ring>, end: fn(&Ring, Claim) -> bool) -> (bool, Vec<Message>) {
    let held = ring.next(Order::PerProducer).0.expect("was sent");
    let claim = ring.claim(2, 2).expect("there is room");
    ring.fill(&claim, (2, 0));
    let late = {
        let ring = ring.clone();
        thread::spawn(move || end(&ring, claim))
    };
    let dropper = {
        let ring = ring.clone();
        thread::spawn(move || {
            let message = ring.read(&held);
            let _ = ring.release(&held);
            message
        })
    };
    let _ = ring.bury(2);
    let mut received = Vec::from_iter(ring.receive(Order::PerProducer).0);
    received.push(dropper.join().expect("the dropper does not panic"));
    (late.join().expect("the late one does not panic"), received)
}

fn ends_with_a_commit(ring: &Ring, claim: Claim) -> bool {
    ring.commit(claim).is_ok()
}

fn ends_with_an_abort(ring: &Ring, claim: Claim) -> bool {
    abort(&ring.arena, claim).is_ok()
}

#[test]
fn a_burial_and_the_last_commit() {
    for start in [Cursor(0)].into_iter().chain(BEFORE_A_WRAP) {
        explore(&format!("a burial and the last commit from {start:?}"), 3, move || {
            let ring = Ring::new(4, 4, start);
            let sent = ring.send_all(1, &[1]);
            let (committed, received) = a_burial_and_the_last_word(&ring, ends_with_a_commit);
            ring.settle(&[sent, Vec::from_iter(committed.then_some((2, 0)))], received);
        });
    }
}

#[test]
fn a_burial_and_the_last_abort() {
    explore("a burial and the last abort", 3, || {
        let ring = Ring::new(4, 4, Cursor(0));
        let sent = ring.send_all(1, &[1]);
        let (_, received) = a_burial_and_the_last_word(&ring, ends_with_an_abort);
        ring.settle(&[sent], received);
    });
}

/// Meanwhile another producer claims behind the one that is buried.
#[test]
fn a_burial_beside_a_claim() {
    for start in [Cursor(0), BEFORE_A_WRAP[0]] {
        explore(&format!("a burial beside a claim from {start:?}"), 1, move || {
            let ring = Ring::new(4, 4, start);
            let sent = ring.send_all(1, &[1]);
            let other = {
                let ring = ring.clone();
                thread::spawn(move || ring.send_all(3, &[1]))
            };
            let (committed, received) = a_burial_and_the_last_word(&ring, ends_with_a_commit);
            let other = other.join().expect("the other one does not panic");
            ring.settle(&[sent, other, Vec::from_iter(committed.then_some((2, 0)))], received);
        });
    }
}

/// A new producer with the number of the buried one gets the same slots; what the old one ends late is not taken for its.
#[test]
fn a_successor_of_the_buried() {
    explore("a successor of the buried", 3, || {
        let ring = Ring::new(4, 2, Cursor(0));
        let claim = ring.claim(2, 1).expect("there is room");
        ring.fill(&claim, (2, 0));
        let late = {
            let ring = ring.clone();
            thread::spawn(move || ring.commit(claim).is_ok())
        };
        let _ = ring.bury(2);
        let mut received = Vec::from_iter(ring.receive(Order::PerProducer).0);
        let mut sent = Vec::new();
        let successor: Vec<_> = (1..3).map(|_| ring.claim(2, 1).expect("there is room")).collect();
        for (claim, number) in successor.into_iter().zip(1..) {
            assert_eq!(ring.receive(Order::PerProducer).0, None, "nothing was committed");
            ring.fill(&claim, (2, number));
            let _ = ring.commit(claim).expect("nobody was buried");
            received.extend(ring.receive(Order::PerProducer).0);
            sent.push((2, number));
        }
        if late.join().expect("the late one does not panic") {
            sent.insert(0, (2, 0));
        }
        ring.settle(&[sent], received);
    });
}
