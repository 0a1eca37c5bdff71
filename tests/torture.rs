//! Four producer processes, frames of 8 B to 4 MiB, three worker threads that hold and drop them at random: nothing is
//! lost, torn, doubled, or out of its producer's order.
//!
//! `FRAME_RING_TORTURE_FRAMES` says how many frames (20,000 by default); run it with `--release` for millions.

mod support;

use std::sync::mpsc::{channel, Receiver, TryRecvError};

use frame_ring::{Descriptor, Frame, RecvError, RingBuilder, SendError};
use support::child::{self, Actor};
use support::{Random, HANG};

const PRODUCERS: u64 = 4;
const WORKERS: usize = 3;
const LONGEST: usize = 4 << 20;
/// Frames of the same length start at so many different places of the common bytes.
const PLACES: u64 = 1 << 16;

#[test]
fn child_entry() {
    child::play(|_, argument| {
        let (producer, frames) = argument.split_once(' ').expect("two numbers");
        produce(producer.parse().expect("a number"), frames.parse().expect("a number"));
    });
}

/// What the frames are made of: the same in every process. All of it is compared by `memcmp`, so that a debug build can
/// look at every byte, too.
struct Content {
    bytes: Vec<u8>,
}

impl Content {
    fn new() -> Self {
        Self { bytes: Random::new(42).bytes(LONGEST + PLACES as usize) }
    }

    /// Frame `sequence` of a producer: its number, and bytes that belong to that number.
    fn of(&self, producer: u64, sequence: u64) -> ([u8; 8], &[u8]) {
        let mut random = Random::new(producer << 48 ^ sequence);
        let first = (producer << 48 | sequence).to_le_bytes();
        // Each power of two as often as any other.
        let power = 8usize << random.below(19);
        let len = power + random.below(power as u64) as usize;
        let place = random.below(PLACES) as usize;
        (first, &self.bytes[place..place + len.min(LONGEST) - 8])
    }
}

fn produce(producer: u64, frames: u64) {
    let content = Content::new();
    let ring = child::connect(&format!("producer {producer}"));
    let mut random = Random::new(producer);
    for sequence in 0..frames {
        let (first, rest) = content.of(producer, sequence);
        let mut grant =
            ring.claim_timeout(8 + rest.len(), frame_ring::Class::Event, HANG).expect("room in time");
        grant.write_at(0, &first);
        grant.write_at(8, rest);
        if random.below(16) == 0 {
            // What is given up leaves no trace.
            drop(grant);
            let again = [&first[..], rest].concat();
            let descriptor = Descriptor { sequence, ..Descriptor::event(Default::default()) };
            match ring.send_timeout(&again, &descriptor, HANG) {
                Ok(()) => continue,
                Err(SendError::Claim(why)) => panic!("{why}"),
                Err(why) => panic!("{why}"),
            }
        }
        grant.commit(&Descriptor { sequence, ..Descriptor::opaque() }).expect("committed");
    }
}

/// Compares every byte of a frame.
fn check(content: &Content, frame: &Frame) {
    let sequence = frame.descriptor().sequence;
    let bytes = frame.payload().as_slice().expect("trusted");
    let producer = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) >> 48;
    let (first, rest) = content.of(producer, sequence);
    assert!(bytes[..8] == first, "producer {producer}, frame {sequence}: another frame");
    assert!(bytes[8..] == *rest, "producer {producer}, frame {sequence}: torn, or written over");
}

/// Holds frames for a random while, looks at them when they come and when they go, and counts them.
fn work(frames: &Receiver<Frame>, seed: u64) -> u64 {
    let content = Content::new();
    let mut random = Random::new(seed);
    let mut held: Vec<Frame> = Vec::new();
    let mut done = 0;
    loop {
        // Never waits while it holds something: the ring may be full of that.
        let frame = match frames.try_recv() {
            Ok(frame) => Some(frame),
            Err(TryRecvError::Empty) if held.is_empty() => frames.recv().ok(),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => None,
        };
        let came = frame.is_some();
        if let Some(frame) = frame {
            check(&content, &frame);
            held.push(frame);
        }
        if held.is_empty() {
            return done;
        }
        if !came || random.below(4) == 0 || held.len() > 64 {
            let frame = held.swap_remove(random.below(held.len() as u64) as usize);
            check(&content, &frame);
            done += 1;
        }
    }
}

#[test]
fn nothing_is_lost_torn_doubled_or_out_of_order() {
    let frames = std::env::var("FRAME_RING_TORTURE_FRAMES").map_or(20_000, |n| n.parse().expect("a number"));
    let each = u64::div_ceil(frames, PRODUCERS);
    let mut ring = RingBuilder::new().data_bytes(32 << 20).slots(256).build().expect("a ring");
    // SAFETY: the producers are this test's own, and write to nothing that they have committed.
    unsafe { ring.trust_producers() };
    let mut children: Vec<_> = (0..PRODUCERS)
        .map(|producer| Actor::invited(&ring, "produce", &format!("{producer} {each}")))
        .collect();

    let (senders, workers): (Vec<_>, Vec<_>) = (0..WORKERS)
        .map(|worker| {
            let (to, from) = channel();
            (to, std::thread::spawn(move || work(&from, worker as u64)))
        })
        .unzip();
    let mut random = Random::new(99);
    let mut expected = [0; PRODUCERS as usize];
    loop {
        match ring.recv_timeout(HANG) {
            Ok(frame) => {
                let frame = frame.expect("a frame in time");
                let mut first = [0; 8];
                frame.payload().copy_to_slice(&mut first);
                let producer = (u64::from_le_bytes(first) >> 48) as usize;
                let sequence = frame.descriptor().sequence;
                assert_eq!(sequence, expected[producer], "producer {producer}");
                expected[producer] += 1;
                senders[random.below(WORKERS as u64) as usize].send(frame).expect("a worker");
            }
            Err(RecvError::Disconnected) => break,
            Err(why) => panic!("{why}"),
        }
    }
    drop(senders);
    let done: u64 = workers.into_iter().map(|worker| worker.join().expect("no panic")).sum();
    children.iter_mut().for_each(Actor::finish);
    assert_eq!(expected, [each; PRODUCERS as usize]);
    assert_eq!(done, each * PRODUCERS);
    let snapshot = ring.snapshot();
    assert_eq!((snapshot.used_bytes, snapshot.used_slots), (0, 0));
    let sent: u64 = ring.producer_stats().iter().map(|(_, stats)| stats.frames).sum();
    assert_eq!(sent, done);
}
