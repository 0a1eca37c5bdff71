//! Sleeping consumers and waiting producers: nobody sleeps for good while there is something to do.
//!
//! loom reports a lost wake-up as a deadlock.

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{Claim, Refusal};
use frame_ring_core::sync::{AtomicU32, Ordering};
use frame_ring_core::wake::{after_release, announce_awake, announce_sleep, announce_wait_for_space, Sleep};
use frame_ring_core::walk::{Freed, Order};
use frame_ring_core::word::Cursor;
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, Thread};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::ring::{explore, Message, Ring};

/// The kernel's futex: to look at the word and to fall asleep is one step for everybody who wakes.
///
/// The kernel wakes whoever has slept longest, but for real-time threads; so who comes first is for the model to say.
struct Futex {
    sleepers: Mutex<VecDeque<Thread>>,
    first: First,
}

/// Which of several sleepers is woken.
#[derive(Debug, Clone, Copy)]
pub enum First {
    Oldest,
    Newest,
}

impl Futex {
    fn new(first: First) -> Self {
        Self { sleepers: Mutex::new(VecDeque::new()), first }
    }
    /// Sleeps while the word is as expected. Returns whether that took somebody's wake.
    fn wait(&self, word: &AtomicU32, expected: u32) -> bool {
        let mut sleepers = self.sleepers.lock().expect("nobody panics");
        if word.load(Ordering::Relaxed) != expected {
            return false;
        }
        sleepers.push_back(thread::current());
        drop(sleepers);
        thread::park();
        true
    }
    fn wake_one(&self) {
        let mut sleepers = self.sleepers.lock().expect("nobody panics");
        let sleeper = match self.first {
            First::Oldest => sleepers.pop_front(),
            First::Newest => sleepers.pop_back(),
        };
        drop(sleepers);
        if let Some(sleeper) = sleeper {
            sleeper.unpark();
        }
    }
    fn asleep(&self) -> usize {
        self.sleepers.lock().expect("nobody panics").len()
    }
    fn wake_all(&self) {
        let sleepers = std::mem::take(&mut *self.sleepers.lock().expect("nobody panics"));
        sleepers.iter().for_each(Thread::unpark);
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
pub struct Machine {
    pub ring: Arc<Ring>,
    wake: Futex,
    event: EventFd,
    space: Futex,
}

impl Machine {
    fn new(capacity: u32, slots: u32) -> Arc<Self> {
        Self::that_wakes(First::Oldest, capacity, slots)
    }

    pub fn that_wakes(first: First, capacity: u32, slots: u32) -> Arc<Self> {
        Self::that_starts_at(Cursor(0), first, capacity, slots)
    }

    pub fn that_starts_at(start: Cursor, first: First, capacity: u32, slots: u32) -> Arc<Self> {
        let ring = Ring::new(capacity, slots, start);
        Arc::new(Self { ring, wake: Futex::new(first), event: EventFd::new(), space: Futex::new(first) })
    }

    fn wake_consumer(&self, sleep: Option<Sleep>) {
        match sleep {
            None => {}
            Some(Sleep::Futex) => self.wake.wake_one(),
            Some(Sleep::EventFd) => self.event.write(),
        }
    }

    pub fn wake_producers(&self, freed: Freed) {
        if freed.wake_producers {
            self.space.wake_one();
        }
    }

    /// Until `producers` sleep in wait for space.
    pub fn until_waited_for(&self, producers: usize) {
        while self.space.asleep() < producers {
            thread::yield_now();
        }
    }

    pub fn close(&self) {
        let control = self.ring.arena.control();
        control.closed.0.store(1, Ordering::Release);
        // Whatever the word says: the last release may have cleared it and woken one, who leaves without waking another.
        let _ = after_release(control);
        self.space.wake_all();
    }

    fn send(&self, message: Message, len: u32) {
        self.wake_consumer(self.ring.send(message, len).expect("there is room"));
    }

    /// A claim, or why there never will be one; `None` if there is no room now.
    fn try_claim(&self, owner: u8, len: u32) -> Option<Result<Claim, Refusal>> {
        match self.ring.claim(owner, len) {
            Err(Refusal::FullBytes | Refusal::FullSlots) => None,
            other => Some(other),
        }
    }

    /// Waits for room as a producer does. A release wakes one waiter only, so whoever was woken and has got what it
    /// wanted wakes the next one: there may be room for both.
    fn wait_for_room(&self, owner: u8, len: u32) -> Result<Claim, Refusal> {
        let control = self.ring.arena.control();
        let mut woken = false;
        loop {
            let mut claim = self.try_claim(owner, len);
            if claim.is_none() {
                let waiting = announce_wait_for_space(control);
                claim = self.try_claim(owner, len);
                if claim.is_none() {
                    woken = self.space.wait(&control.space.0, waiting);
                }
            }
            if let Some(claim) = claim {
                if woken && claim.is_ok() {
                    self.space.wake_one();
                }
                return claim;
            }
        }
    }

    /// Sends as soon as there is room; returns whether the ring was still open.
    pub fn send_when_there_is_room(&self, message: Message, len: u32) -> bool {
        let claim = match self.wait_for_room(message.0, len) {
            Ok(claim) => claim,
            Err(Refusal::Closed) => return false,
            Err(why) => panic!("an honest ring refused: {why}"),
        };
        self.ring.fill(&claim, message);
        self.wake_consumer(self.ring.commit(claim).expect("nobody was buried"));
        true
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
                    Sleep::Futex => drop(self.wake.wait(&control.wake.0, Sleep::Futex as u32)),
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
        let machine = Machine::new(4, 4);
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
        let machine = Machine::new(4, 4);
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

/// A producer makes a pad behind a held frame, another one takes the room that the pad was made for and is stopped, and
/// the frame is released while nobody receives. The pad must not stay in the way.
#[test]
fn a_pad_without_its_claim_comes_back() {
    // Two preemptions: with one, rewind-leaves-anothers-pad survives.
    explore("a_pad_without_its_claim", 2, || {
        let machine = Machine::new(8, 4);
        let sent = machine.ring.send_all(1, &[5, 1]);
        let mut received = vec![machine.try_receive().expect("was sent")];
        let held = machine.ring.next(Order::PerProducer).0.expect("was sent");
        let waiting = {
            let machine = machine.clone();
            thread::spawn(move || machine.send_when_there_is_room((2, 0), 5))
        };
        let stopped = {
            let machine = machine.clone();
            thread::spawn(move || machine.try_claim(3, 2).and_then(Result::ok))
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
