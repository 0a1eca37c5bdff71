//! Sleeping consumers and waiting producers: nobody sleeps for good while there is something to do.
//!
//! loom reports a lost wake-up as a deadlock.

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{Claim, Refusal};
use frame_ring_core::sync::{AtomicU32, Ordering};
use frame_ring_core::wake::{announce_awake, announce_sleep, announce_wait_for_space, Sleep};
use frame_ring_core::walk::{Freed, Order};
use frame_ring_core::word::Cursor;
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::sync::Arc;

use crate::ring::{explore, Message, Ring};

/// The kernel's futex: to look at the word and to fall asleep is one step for everybody who wakes.
struct Futex {
    bucket: Mutex<()>,
    sleepers: Condvar,
}

impl Futex {
    fn new() -> Self {
        Self { bucket: Mutex::new(()), sleepers: Condvar::new() }
    }
    fn wait(&self, word: &AtomicU32, expected: u32) {
        let bucket = self.bucket.lock().expect("nobody panics");
        if word.load(Ordering::Relaxed) == expected {
            drop(self.sleepers.wait(bucket).expect("nobody panics"));
        }
    }
    fn wake_all(&self) {
        drop(self.bucket.lock().expect("nobody panics"));
        self.sleepers.notify_all();
    }
}

/// The kernel's eventfd: a counter that a reader empties, and sleeps at while it is empty.
struct EventFd {
    count: Mutex<u64>,
    readers: Condvar,
}

impl EventFd {
    fn new() -> Self {
        Self { count: Mutex::new(0), readers: Condvar::new() }
    }
    fn read(&self) {
        let mut count = self.count.lock().expect("nobody panics");
        while *count == 0 {
            count = self.readers.wait(count).expect("nobody panics");
        }
        *count = 0;
    }
    fn write(&self) {
        *self.count.lock().expect("nobody panics") += 1;
        self.readers.notify_one();
    }
}

/// A ring with what its two sides sleep on.
struct Machine {
    ring: Arc<Ring>,
    wake: Futex,
    event: EventFd,
    space: Futex,
}

impl Machine {
    fn new(capacity: u32, slots: u32, start: Cursor) -> Arc<Self> {
        let ring = Ring::new(capacity, slots, start);
        Arc::new(Self { ring, wake: Futex::new(), event: EventFd::new(), space: Futex::new() })
    }

    fn wake_consumer(&self, sleep: Option<Sleep>) {
        match sleep {
            None => {}
            Some(Sleep::Futex) => self.wake.wake_all(),
            Some(Sleep::EventFd) => self.event.write(),
        }
    }

    fn wake_producers(&self, freed: Freed) {
        if freed.wake_producers {
            self.space.wake_all();
        }
    }

    fn send(&self, message: Message, len: u32) {
        self.wake_consumer(self.ring.send(message, len).expect("there is room"));
    }

    fn try_claim(&self, owner: u8, len: u32) -> Option<Claim> {
        match self.ring.claim(owner, len) {
            Ok(claim) => Some(claim),
            Err(Refusal::FullBytes | Refusal::FullSlots) => None,
            Err(why) => panic!("an honest ring refused: {why}"),
        }
    }

    /// Sends as soon as there is room.
    fn send_when_there_is_room(&self, message: Message, len: u32) {
        let control = self.ring.arena.control();
        let claim = loop {
            if let Some(claim) = self.try_claim(message.0, len) {
                break claim;
            }
            let waiting = announce_wait_for_space(control);
            if let Some(claim) = self.try_claim(message.0, len) {
                break claim;
            }
            self.space.wait(&control.space.0, waiting);
        };
        self.ring.fill(&claim, message);
        self.wake_consumer(self.ring.commit(claim).expect("nobody was buried"));
    }

    fn try_receive(&self) -> Option<Message> {
        let (message, freed) = self.ring.receive(Order::PerProducer);
        self.wake_producers(freed);
        message
    }

    /// Receives one frame; sleeps until there is one.
    fn receive(&self, how: Sleep) -> Message {
        let control = self.ring.arena.control();
        loop {
            if let Some(message) = self.try_receive() {
                return message;
            }
            announce_sleep(control, how);
            let again = self.try_receive();
            if again.is_none() {
                match how {
                    Sleep::Futex => self.wake.wait(&control.wake.0, Sleep::Futex as u32),
                    Sleep::EventFd => self.event.read(),
                }
            }
            announce_awake(control);
            if let Some(message) = again {
                return message;
            }
        }
    }
}

fn a_consumer_sleeps(name: &str, how: Sleep) {
    explore(name, 2, move || {
        let machine = Machine::new(4, 4, Cursor(0));
        let producers = [1, 2].map(|owner| {
            let machine = machine.clone();
            thread::spawn(move || machine.send((owner, 0), 1))
        });
        let received = (0..2).map(|_| machine.receive(how)).collect();
        let _ = producers.map(|producer| producer.join().expect("no producer panics"));
        machine.ring.settle(&[vec![(1, 0)], vec![(2, 0)]], received);
    });
}

#[test]
fn a_consumer_sleeps_on_the_futex() {
    a_consumer_sleeps("futex", Sleep::Futex);
}

#[test]
fn a_consumer_sleeps_on_the_eventfd() {
    a_consumer_sleeps("eventfd", Sleep::EventFd);
}

/// A producer commits and is stopped, or killed, before it wakes the consumer: another one's frame is received all the same.
fn a_waker_stops(name: &str, how: Sleep) {
    explore(name, 2, move || {
        let machine = Machine::new(4, 4, Cursor(0));
        let stopped = {
            let machine = machine.clone();
            thread::spawn(move || {
                let _ = machine.ring.send((1, 0), 1).expect("there is room");
            })
        };
        let other = {
            let machine = machine.clone();
            thread::spawn(move || machine.send((2, 0), 1))
        };
        let mut received = vec![machine.receive(how)];
        if received[0] != (2, 0) {
            received.push(machine.receive(how));
        }
        stopped.join().expect("no producer panics");
        other.join().expect("no producer panics");
        machine.ring.settle(&[vec![(1, 0)], vec![(2, 0)]], received);
    });
}

#[test]
fn a_waker_that_stops_keeps_nobody_asleep_on_the_futex() {
    a_waker_stops("stopped_waker_futex", Sleep::Futex);
}

#[test]
fn a_waker_that_stops_keeps_nobody_asleep_on_the_eventfd() {
    a_waker_stops("stopped_waker_eventfd", Sleep::EventFd);
}

#[test]
fn producers_wait_for_space() {
    explore("producers_wait_for_space", 2, || {
        let machine = Machine::new(4, 2, Cursor(0));
        let sent = machine.ring.send_all(1, &[2, 2]);
        let held: Vec<_> =
            (0..2).map(|_| machine.ring.next(Order::PerProducer).0.expect("was sent")).collect();
        let producers = [2, 3].map(|owner| {
            let machine = machine.clone();
            thread::spawn(move || machine.send_when_there_is_room((owner, 0), 1))
        });
        let received = held.iter().map(|taken| {
            let message = machine.ring.read(taken);
            machine.wake_producers(machine.ring.release(taken));
            message
        });
        let received = received.collect();
        let _ = producers.map(|producer| producer.join().expect("no producer panics"));
        machine.ring.settle(&[sent, vec![(2, 0)], vec![(3, 0)]], received);
    });
}

/// A producer makes a pad behind a held frame, another one takes the room that the pad was made for and is stopped, and
/// the frame is released while nobody receives. The pad must not stay in the way.
#[test]
fn a_pad_without_its_claim_comes_back() {
    // Two preemptions: with one, rewind-leaves-anothers-pad survives.
    explore("a_pad_without_its_claim", 2, || {
        let machine = Machine::new(8, 4, Cursor(0));
        let sent = machine.ring.send_all(1, &[5, 1]);
        let mut received = vec![machine.try_receive().expect("was sent")];
        let held = machine.ring.next(Order::PerProducer).0.expect("was sent");
        let waiting = {
            let machine = machine.clone();
            thread::spawn(move || machine.send_when_there_is_room((2, 0), 5))
        };
        let stopped = {
            let machine = machine.clone();
            thread::spawn(move || machine.try_claim(3, 2))
        };
        received.push(machine.ring.read(&held));
        machine.wake_producers(machine.ring.release(&held));
        waiting.join().expect("no producer panics");
        if let Some(claim) = stopped.join().expect("no producer panics") {
            let _ = frame_ring_core::claim::abort(&machine.ring.arena, claim);
        }
        machine.ring.settle(&[sent, vec![(2, 0)]], received);
    });
}
