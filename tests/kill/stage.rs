//! A live ring: its consumer, a second producer that works, and a look from below.
//!
//! Whoever sends something is owed its delivery; what arrives is checked against what is owed, byte by byte, so nothing
//! that was not committed goes unnoticed.

use std::thread::JoinHandle;

use frame_ring::{Class, Consumer, Descriptor, Frame, Hub, HubItem, Producer, RingBuilder, State};
use frame_ring_core::arena::Arena;
use frame_ring_core::claim::Class as CoreClass;
use frame_ring_core::sync::Ordering;
use frame_ring_core::word::{Cursor, SlotWord, UNIT};

use crate::scene;
use crate::stepper::is_asleep;
use crate::support::raw::Raw;
use crate::support::{self, claim_all, producer, until, HANG};

/// 1024 units, and so few slots that their rounds are many.
const DATA_BYTES: u64 = 64 << 10;
const SLOTS: u32 = 16;

/// Bytes of the second producer's frames: three units, so that they do not fit where the pad of the scene goes.
const BYSTANDER_LEN: usize = 150;

/// A frame that may or must arrive.
#[derive(Debug)]
struct Owed {
    owner: u8,
    bytes: Vec<u8>,
}

/// The ring and all that stays when a victim dies.
pub struct Stage {
    /// Away while it sleeps on another thread.
    ring: Option<Consumer>,
    /// The second producer.
    other: Producer,
    /// Maps the ring as a producer does, and sends nothing.
    eyes: Raw,
    sent: u64,
    owed: Vec<Owed>,
    /// What the consumer has in its hands.
    held: Vec<Frame>,
    sleeper: Option<JoinHandle<(Consumer, Frame)>>,
}

impl Stage {
    pub fn new() -> Self {
        let ring = RingBuilder::new().data_bytes(DATA_BYTES).slots(SLOTS).tracks(1).build().expect("a ring");
        let other = producer(&ring, "other");
        let eyes = Raw::join(&ring, "eyes");
        Self { ring: Some(ring), other, eyes, sent: 0, owed: Vec::new(), held: Vec::new(), sleeper: None }
    }

    pub fn ring(&mut self) -> &mut Consumer {
        self.ring.as_mut().expect("it is awake")
    }

    /// A frame of `owner` that will arrive if it is committed.
    pub fn expect(&mut self, owner: u8, seed: u64) {
        self.owed.push(Owed { owner, bytes: scene::payload(seed) });
    }

    /// Whether a frame of `owner` is still to come.
    pub fn is_owed(&self, owner: u8) -> bool {
        self.owed.iter().any(|owed| owed.owner == owner)
    }

    /// What was to come of `owner` will not.
    pub fn forgive(&mut self, owner: u8) {
        self.owed.retain(|owed| owed.owner != owner);
    }

    /// The second producer sends a frame: at once, whatever the others do.
    pub fn other_sends(&mut self) {
        self.other_sends_bytes(BYSTANDER_LEN);
    }

    fn other_sends_bytes(&mut self, len: usize) {
        self.sent += 1;
        let bytes = vec![self.sent as u8; len];
        let mut grant = self.other.try_claim(len, Class::Event).expect("the second producer never waits");
        grant.write_at(0, &bytes);
        grant.commit(&scene::descriptor(self.sent)).expect("nobody takes its claim away");
        self.owed.push(Owed { owner: self.other.id(), bytes });
    }

    /// Receives all that is there.
    pub fn receive_all(&mut self) {
        while let Some(frame) = self.ring().try_recv().expect("an honest ring") {
            self.receive(&frame);
        }
        assert!(!self.is_owed(self.other.id()), "a frame of the second producer is missing");
    }

    fn receive(&mut self, frame: &Frame) {
        let owner = frame.producer();
        let first = self.owed.iter().position(|owed| owed.owner == owner);
        let owed = self.owed.remove(first.expect("a frame that nobody has committed"));
        assert!(frame.payload().to_vec() == owed.bytes, "torn, or not the frame that was next");
        assert_eq!(frame.descriptor().payload_len as usize, owed.bytes.len());
        let about = *frame.descriptor();
        let seed = about.pts_ns.expect("a time") as u64;
        assert_eq!(Descriptor { payload_len: 0, ..about }, scene::descriptor(seed));
    }

    /// Leaves two units before the end of the data area, and room at its beginning.
    pub fn make_a_pad_necessary(&mut self) {
        const ROOM: u64 = 2;
        let first = 600;
        let offset = u64::from(self.eyes.region.geometry().offset(self.tail()));
        self.other_sends_bytes((first * UNIT) as usize);
        self.other_sends_bytes(((DATA_BYTES / UNIT - offset - first - ROOM) * UNIT) as usize);
        let (first, second) = (support::next(self.ring()), support::next(self.ring()));
        self.receive(&first);
        self.receive(&second);
        drop(first);
        self.held.push(second);
        assert_eq!(u64::from(self.eyes.region.geometry().room(self.tail())), ROOM);
    }

    /// Leaves less room than the victim needs for its class; the second producer's has some.
    pub fn fill(&mut self) {
        let geometry = self.eyes.region.geometry();
        let most = u64::from(CoreClass::Video.limit(geometry.capacity()));
        self.other_sends_bytes(((most - 4) * UNIT) as usize);
        let frame = support::next(self.ring());
        self.receive(&frame);
        self.held.push(frame);
    }

    /// Whether the consumer holds what the victim needs.
    pub fn is_full(&self) -> bool {
        self.eyes.region.control().space.0.load(Ordering::Relaxed) & 1 != 0 && !self.held.is_empty()
    }

    /// The consumer gives back all that it holds.
    pub fn release(&mut self) {
        self.held.clear();
    }

    /// Puts the consumer to sleep on another thread, until it has received a frame.
    pub fn put_to_sleep(&mut self, on_eventfd: bool) {
        let mut ring = self.ring.take().expect("it is awake");
        let wake = &self.eyes.region.control().wake.0;
        // A hub that was taken apart leaves its announcement behind.
        wake.store(0, Ordering::Relaxed);
        let (told, tid) = std::sync::mpsc::channel();
        self.sleeper = Some(std::thread::spawn(move || {
            // SAFETY: takes no arguments.
            told.send(unsafe { libc::gettid() }).expect("it listens");
            if on_eventfd {
                return receive_in_a_hub(ring);
            }
            let frame = support::next(&mut ring);
            (ring, frame)
        }));
        let tid = tid.recv().expect("it starts");
        until("the consumer announces its sleep", || {
            wake.load(Ordering::Relaxed) == 1 + u32::from(on_eventfd)
        });
        until("it sleeps", || is_asleep(std::process::id(), tid));
    }

    /// Whether the consumer is away.
    pub fn has_sleeper(&self) -> bool {
        self.sleeper.is_some()
    }

    /// Waits until the consumer has woken up and received a frame.
    pub fn wake_up(&mut self) {
        let (ring, frame) = self.sleeper.take().expect("it sleeps").join().expect("it was woken");
        self.ring = Some(ring);
        self.receive(&frame);
        self.held.push(frame);
    }

    /// Whether a claim has been made that `tail` was not moved past yet.
    pub fn is_between_the_steps_of_a_claim(&self) -> bool {
        let (tail, geometry) = (self.tail(), self.eyes.region.geometry());
        let word = self.word(geometry.slot(tail.index()));
        word.lap() == geometry.lap(tail.index()) && word.state() == State::Claimed
    }

    /// Whether a frame of `owner` is committed and in the ring.
    pub fn has_committed(&self, owner: u8) -> bool {
        (0..SLOTS).map(|slot| self.word(slot)).any(|w| w.owner() == owner && w.state() == State::Committed)
    }

    fn word(&self, slot: u32) -> SlotWord {
        SlotWord(self.eyes.region.slot(slot).word.load(Ordering::Acquire))
    }

    fn tail(&self) -> Cursor {
        Cursor(self.eyes.region.control().tail.0.load(Ordering::Acquire))
    }

    /// Waits until the consumer's side knows that `owner` is gone.
    pub fn await_burial(&self, owner: u8) {
        until("the dead producer is dismissed", || {
            self.eyes.region.producer(owner).read().is_some_and(|entry| !entry.connected)
        });
    }

    /// All capacity is there again, and somebody new can use it.
    pub fn is_whole(&mut self) {
        self.release();
        let snapshot = self.ring().snapshot();
        let in_use = (snapshot.used_bytes, snapshot.used_slots);
        assert_eq!(in_use, (0, 0), "in use: {:?}", snapshot.slots);
        drop(claim_all(&self.other).expect("the whole ring is free again"));
        assert!(self.ring().try_recv().expect("an honest ring").is_none());
        let restarted = producer(self.ring(), "restarted");
        self.greet(&restarted);
    }

    /// A producer sends one frame, and it arrives.
    fn greet(&mut self, newcomer: &Producer) {
        newcomer.send(b"back", &Descriptor::opaque()).expect("room");
        let frame = support::next(self.ring());
        assert_eq!((frame.producer(), support::text(&frame)), (newcomer.id(), "back".into()));
    }

    /// Admits producers until one gets the id of a dead one, and lets it send.
    pub fn reuse(&mut self, id: u8) {
        for _ in 0..2 * 255 {
            let newcomer = producer(self.ring(), "newcomer");
            if newcomer.id() == id {
                assert!(newcomer.generation() > 1);
                return self.greet(&newcomer);
            }
        }
        panic!("id {id} never comes round again");
    }
}

fn receive_in_a_hub(ring: Consumer) -> (Consumer, Frame) {
    let mut hub = Hub::new().expect("a hub");
    let id = hub.add(ring).expect("a ring");
    let received = support::in_time(|| hub.recv_timeout(HANG)).expect("no error");
    let Some(HubItem::Frame(_, frame)) = received else { panic!("no frame: {received:?}") };
    (hub.remove(id).expect("its ring"), frame)
}
