//! Producers that wait for space: a release wakes one of them, and who was woken and has got its room wakes the next.
//!
//! loom reports a lost wake-up as a deadlock. Each model runs with both orders in which a futex may wake two sleepers.

use frame_ring_core::arena::Arena;
use frame_ring_core::sync::Ordering;
use frame_ring_core::walk::Order;
use frame_ring_core::word::Cursor;
use loom::thread;
use std::sync::Arc;

use crate::ring::{explore, Message};
use crate::sleep::{First, Machine};

/// Explores a model of two producers, 2 and 3, that wait for room for frames of the given lengths.
fn two_wait(name: &str, preemptions: usize, model: impl Fn(First) + Send + Sync + Copy + 'static) {
    for first in [First::Oldest, First::Newest] {
        explore(&format!("{name}, {first:?} first"), preemptions, move || model(first));
    }
}

/// Two producers that wait; joined, they say whether the ring was still open.
struct Waiters([thread::JoinHandle<bool>; 2]);

impl Waiters {
    fn start(machine: &Arc<Machine>, lens: [u32; 2]) -> Self {
        Self([(2, lens[0]), (3, lens[1])].map(|(owner, len)| {
            let machine = machine.clone();
            thread::spawn(move || machine.send_when_there_is_room((owner, 0), len))
        }))
    }

    /// What they have sent.
    fn end(self) -> [Vec<Message>; 2] {
        let mut owner = 1;
        self.0.map(|waiter| {
            owner += 1;
            let sent = waiter.join().expect("no waiter panics");
            Vec::from_iter(sent.then_some((owner, 0)))
        })
    }
}

/// Two frames that fill a ring are released one after the other.
fn two_releases(first: First, slots: u32, held: [u32; 2], waiting: [u32; 2]) {
    let machine = Machine::that_wakes(first, 4, slots);
    let sent = machine.ring.send_all(1, &held);
    let held = held.map(|_| machine.ring.next(Order::PerProducer).0.expect("was sent"));
    let waiters = Waiters::start(&machine, waiting);
    let received = held.map(|taken| {
        let message = machine.ring.read(&taken);
        machine.wake_producers(machine.ring.release(&taken));
        message
    });
    let [second, third] = waiters.end();
    assert_eq!([second.len(), third.len()], [1, 1], "nobody has closed the ring");
    machine.ring.settle(&[sent, second, third], received.into());
}

#[test]
fn for_equal_lengths() {
    two_wait("two wait", 2, |first| two_releases(first, 2, [2, 2], [1, 1]));
}

/// The first release makes room for one of the two only; the futex may wake the other one.
#[test]
fn for_different_lengths() {
    two_wait("two wait for different lengths", 1, |first| two_releases(first, 4, [1, 3], [3, 1]));
}

/// The consumer leaves, in one model after it has made room for one frame.
#[test]
fn beside_a_close() {
    two_wait("two wait beside a close", 2, |first| close_behind(first, 0));
    two_wait("two wait beside a release and a close", 2, |first| close_behind(first, 1));
}

fn close_behind(first: First, releases: usize) {
    let machine = Machine::that_wakes(first, 4, 2);
    let sent = machine.ring.send_all(1, &[2, 2]);
    let held = machine.ring.next(Order::PerProducer).0.expect("was sent");
    let waiters = Waiters::start(&machine, [1, 1]);
    if releases > 0 {
        machine.wake_producers(machine.ring.release(&held));
    }
    machine.close();
    let [second, third] = waiters.end();
    assert!(second.len() + third.len() <= releases, "{releases} frames have made room");
    let left = (0..).map_while(|_| machine.ring.receive(Order::PerProducer).0).count();
    assert_eq!(1 + left, sent.len() + second.len() + third.len(), "what was sent before the close stays");
}

/// All room is a dead producer's, and its burial, which frees it at once, wakes one.
#[test]
fn for_the_room_of_the_dead() {
    two_wait("two wait for the room of the dead", 2, |first| {
        let machine = Machine::that_wakes(first, 4, 2);
        let claims = [(); 2].map(|()| machine.ring.claim(1, 2).expect("there is room"));
        let waiters = Waiters::start(&machine, [1, 1]);
        machine.wake_producers(machine.ring.bury(1));
        for claim in claims {
            assert!(machine.ring.commit(claim).is_err(), "a buried claim is gone");
        }
        let [second, third] = waiters.end();
        machine.ring.settle(&[second, third], vec![]);
    });
}

/// Two that sleep for different lengths, when cursors and the space word are about to start over. The first release has
/// room for one of them only; the futex may wake the other one.
///
/// All schedules begin with both asleep, so no preemption is used up on the way there.
#[test]
fn asleep_before_every_wrap() {
    // Of 4 units and 4 slots: the index starts over, or the lap; the position does so in both.
    for start in [Cursor::new(7, (1 << 36) - 1), Cursor::new(7, (4 << 26) - 1)] {
        two_wait(&format!("two sleep from {start:?}"), 1, move |first| {
            let machine = Machine::that_starts_at(start, first, 4, 4);
            machine.ring.arena.control().space.0.store(u32::MAX - 1, Ordering::Relaxed);
            let sent = machine.ring.send_all(1, &[1, 3]);
            let held = [(); 2].map(|()| machine.ring.next(Order::PerProducer).0.expect("was sent"));
            let waiters = Waiters::start(&machine, [3, 1]);
            machine.until_waited_for(2);
            let received = held.map(|taken| {
                let message = machine.ring.read(&taken);
                machine.wake_producers(machine.ring.release(&taken));
                message
            });
            let [second, third] = waiters.end();
            machine.ring.settle(&[sent, second, third], received.into());
        });
    }
}
