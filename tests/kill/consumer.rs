//! A consumer killed behind every instruction of a delivery and a release, with a producer that waits for that release.
//!
//! Its ring dies with it. Its producers are told by a typed error, none hangs, and who takes the path over makes a new
//! ring that they connect to.

use std::path::Path;
use std::thread;

use frame_ring::{ClaimError, Class, Descriptor, Observer, Producer, RingBuilder, SendError, TrackInfo};

use crate::report;
use crate::scene::{descriptor, payload, LEN};
use crate::stepper::{self, stride, Step, Traced};
use crate::support::child::{self, Actor};
use crate::support::{claim, next_text, until, TempDir};

const DATA_BYTES: u64 = 64 << 10;

/// So much of the ring that a picture of `LEN` bytes more would be over the limit of its class, and one less is not.
const FILLER: usize = 889 * 64;

/// The seed of the frame that is delivered.
const SEED: u64 = 5;

/// At once on so many paths: much of the time is spent by producers that look for their consumer every 100 ms.
const SHARDS: usize = 6;

/// The role of a consumer: receives one frame, reads it, and gives it back, all between its two marks.
pub fn reader(path: &str) {
    let mut ring = RingBuilder::new().data_bytes(DATA_BYTES).slots(64).build().expect("a ring");
    ring.listen(path).expect("a dead consumer's socket is replaced");
    child::say("listening");
    let (sent, mut bytes) = (payload(SEED), [0; LEN]);
    child::hear();
    stepper::submit();
    let frame = ring.try_recv().expect("an honest ring").expect("a frame");
    frame.payload().copy_to_slice(&mut bytes);
    assert!(bytes[..] == sent, "torn");
    drop(frame);
    stepper::mark();
    child::hear();
}

#[test]
fn killed_in_delivery_and_release() {
    let dir = TempDir::new();
    let (whole, ended) = attempt(&dir.join("whole"), usize::MAX);
    assert!(ended);
    let stride = stride(whole);
    let kills: usize = thread::scope(|scope| {
        let shards: Vec<_> = (0..SHARDS)
            .map(|shard| {
                let path = dir.join(&format!("ring-{shard}"));
                scope.spawn(move || killed_at(&path, shard * stride, SHARDS * stride, whole))
            })
            .collect();
        shards.into_iter().map(|shard| shard.join().expect("no panic")).sum()
    });
    report(format_args!("consumer: {whole} instructions, {kills} kills, {}", stepper::note(stride)));
}

/// Kills behind every `every`th instruction from `first` on, `whole` at least; returns how often that was.
fn killed_at(path: &Path, first: usize, every: usize, whole: usize) -> usize {
    let ended = (first..).step_by(every).position(|steps| attempt(path, steps).1 && steps >= whole);
    1 + ended.expect("endless")
}

/// One consumer's life; how many instructions of it there were, and whether it came to its second mark.
fn attempt(path: &Path, most: usize) -> (usize, bool) {
    let mut reader = Actor::start("reader", path.to_str().expect("text"));
    reader.expect("listening");
    let observer = Observer::connect(path).expect("it listens");
    let sender = Producer::connect(path, "sender").expect("connected");
    let mut track = sender.track(&TrackInfo::default()).expect("a track");
    track.send_bytes(&payload(SEED), &descriptor(SEED)).expect("room");
    let filler = sender.try_claim(FILLER, Class::Event).expect("room");
    filler.commit(&Descriptor::opaque()).expect("committed");

    let waiter = Producer::connect(path, "waiter").expect("connected");
    let waiting = thread::spawn(move || claim(&waiter, LEN, Class::Video).map(drop));
    until("it waits for room", || observer.snapshot().space % 2 == 1);
    reader.tell("go");
    let mut reader = Traced::begin(reader);
    let (steps, ended) = step(&mut reader, most);

    // Stopped, it holds up nobody who needs nothing from it.
    sender.send(b"into the room left", &Descriptor::event(Default::default())).expect("room");
    reader.kill();
    assert!(!sender.is_connected());
    match waiting.join().expect("no panic") {
        Ok(()) => assert!(steps > 0, "nothing was given back yet"),
        Err(why) => assert!(why == ClaimError::Closed && !ended, "{why}, {steps} steps"),
    }
    is_told(&sender);
    let late = track.send_bytes(b"late", &Descriptor::opaque()).map(drop);
    assert_eq!(late, Err(SendError::Claim(ClaimError::Closed)));
    is_succeeded(path, observer.snapshot().header.ring_id);
    (steps, ended)
}

fn step(reader: &mut Traced, most: usize) -> (usize, bool) {
    for steps in 0..most {
        if reader.step() == Step::Marked {
            return (steps, true);
        }
    }
    (most, false)
}

/// A producer of a dead consumer may write until the ring is full. Then it is told, and again whenever it asks.
fn is_told(sender: &Producer) {
    let send = || sender.send(&[0; LEN], &Descriptor::event(Default::default()));
    let told = (0..DATA_BYTES as usize / LEN).find_map(|_| send().err());
    assert_eq!(told, Some(SendError::Claim(ClaimError::Closed)));
    assert_eq!(sender.try_claim(LEN, Class::Event).map(drop), Err(ClaimError::Closed));
    assert_eq!(claim(sender, LEN, Class::Event).map(drop), Err(ClaimError::Closed));
}

/// A new consumer at the path makes a new ring; the producers connect to it, and their frames arrive.
fn is_succeeded(path: &Path, ring_id: [u64; 2]) {
    let mut successor = RingBuilder::new().data_bytes(DATA_BYTES).slots(64).build().expect("a ring");
    successor.listen(path).expect("the dead consumer's socket is replaced");
    assert_ne!(successor.snapshot().header.ring_id, ring_id);
    for label in ["sender", "waiter"] {
        let producer = Producer::connect(path, label).expect("connected");
        assert_eq!(producer.generation(), 1);
        producer.send(label.as_bytes(), &Descriptor::opaque()).expect("room");
        assert_eq!(next_text(&mut successor), label);
    }
}
