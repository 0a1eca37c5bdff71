//! Producers that are stopped (`SIGSTOP`) at random points, for as long as others need to get on, and go on.
//!
//! `FRAME_RING_STOPPED_SECONDS` says for how long; 10 by default.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use frame_ring::{ClaimError, Class, Consumer, Cursor, Descriptor, RingBuilder, SlotStats, Snapshot, State};
use frame_ring_core::arena::Arena;
use frame_ring_core::word::UNIT;

use crate::report;
use crate::support::child::{self, Actor};
use crate::support::raw::Raw;
use crate::support::{claim_all, producer, until, Random, HANG};

const PRODUCERS: usize = 4;

/// How many frames every other producer sends while one is stopped.
const FRAMES: u32 = 5;

/// Room for seconds of claims behind a stopped one: what lies behind it cannot be reused, and it is not to be the ring's
/// size that stops the others.
const DATA_BYTES: u64 = 128 << 20;
const SLOTS: u32 = 1 << 16;

/// What frame number `n` of producer `id` holds.
fn payload(id: u8, n: u64) -> Vec<u8> {
    let mut random = Random::new(n << 8 | u64::from(id));
    let len = 1 + random.below(8000);
    random.bytes(len as usize)
}

/// The role of a producer: sends numbered frames, a piece at a time, so that it is most often stopped in a claim.
pub fn stumbler(_argument: &str) {
    let producer = child::connect("stumbler");
    child::say(&producer.id().to_string());
    for n in 0.. {
        let bytes = payload(producer.id(), n);
        let mut grant = match producer.claim_timeout(bytes.len(), Class::Video, HANG) {
            Ok(grant) => grant,
            Err(ClaimError::Closed) => return,
            Err(why) => panic!("{why}"),
        };
        for (piece, bytes) in bytes.chunks(512).enumerate() {
            grant.write_at(piece * 512, bytes);
            std::thread::yield_now();
        }
        let about = Descriptor { pts_ns: Some(n as i64), ..Descriptor::opaque() };
        grant.commit(&about).expect("nothing is taken from a producer that lives");
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn stopped_at_random_points() {
    let seconds = std::env::var("FRAME_RING_STOPPED_SECONDS").map_or(10, |s| s.parse().expect("seconds"));
    let mut crowd = Crowd::new();
    let mut random = Random::new(11);
    let (mut stops, mut in_claim) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        crowd.receive_for(Duration::from_micros(random.below(5000)));
        in_claim += usize::from(crowd.stop_one(random.below(PRODUCERS as u64) as usize));
        stops += 1;
    }
    assert!(in_claim > 0, "nobody was stopped in a claim");
    let frames = crowd.end();
    report(format_args!("stopped: {stops} times, {in_claim} of them in a claim, beside {frames} frames"));
}

/// Whether claim `index` was made since the next one was `start`.
fn is_since(index: u64, start: Cursor) -> bool {
    Cursor::new(0, index).claims_since(start) < 1 << 35
}

/// The producers, and the consumer with what it has received of them.
struct Crowd {
    ring: Consumer,
    eyes: Raw,
    actors: Vec<(Actor, u8)>,
    /// How many frames of each have arrived.
    received: BTreeMap<u8, u64>,
}

impl Crowd {
    fn new() -> Self {
        let ring = RingBuilder::new().data_bytes(DATA_BYTES).slots(SLOTS).build().expect("a ring");
        let eyes = Raw::join(&ring, "eyes");
        let start = |_| {
            let mut actor = Actor::invited(&ring, "stumbler", "");
            let id = actor.heard().parse().expect("an id");
            (actor, id)
        };
        let actors: Vec<_> = (0..PRODUCERS).map(start).collect();
        let received = actors.iter().map(|(_, id)| (*id, 0)).collect();
        Self { ring, eyes, actors, received }
    }

    /// Receives one frame if one comes soon; it is whole, and the next one of its producer. Its producer and its claim's number.
    fn receive(&mut self) -> Option<(u8, u64)> {
        let frame = self.ring.recv_timeout(Duration::from_millis(1)).expect("an honest ring")?;
        let count = self.received.get_mut(&frame.producer()).expect("one of the crowd");
        assert_eq!(frame.descriptor().pts_ns, Some(*count as i64), "lost, or out of order");
        assert!(frame.payload().to_vec() == payload(frame.producer(), *count), "torn");
        *count += 1;
        Some((frame.producer(), frame.claim_index()))
    }

    fn receive_for(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.receive();
        }
    }

    /// Receives until all of `ids` have sent `FRAMES` whose claims were made since `start`. All claims received.
    fn receive_since(&mut self, start: Cursor, ids: &[u8]) -> Vec<u64> {
        let mut missing: BTreeMap<u8, u32> = ids.iter().map(|id| (*id, FRAMES)).collect();
        let mut claims = Vec::new();
        until("they have sent more", || {
            // Whatever is there, for `until` rests between two looks.
            while let Some((id, claim)) = self.receive() {
                claims.push(claim);
                if let Some(missing) = missing.get_mut(&id).filter(|_| is_since(claim, start)) {
                    *missing = missing.saturating_sub(1);
                }
                if missing.values().all(|missing| *missing == 0) {
                    return true;
                }
            }
            false
        });
        claims
    }

    /// Stops one producer until the others have got on, and lets it go on. Whether it was in a claim.
    fn stop_one(&mut self, which: usize) -> bool {
        let id = self.actors[which].1;
        let others: Vec<_> = self.received.keys().copied().filter(|other| *other != id).collect();
        self.actors[which].0.stop();
        let earlier = self.ring.snapshot();
        let stalled = earlier.slots.iter().find(|s| s.owner == id && s.state == State::Claimed).copied();
        let bytes = stalled.map(|claim| self.bytes(&earlier, &claim));

        self.receive_since(earlier.tail, &others);
        let later = self.ring.snapshot();
        let named: Vec<_> = later.unfinished_since(&earlier).copied().collect();
        assert_eq!(named, Vec::from_iter(stalled), "the stopped producer's claim is named, and no other");
        assert_eq!(
            bytes,
            stalled.map(|claim| self.bytes(&later, &claim)),
            "written to under a stopped producer"
        );

        self.actors[which].0.resume();
        let claims = self.receive_since(earlier.tail, &[id]);
        assert!(stalled.is_none_or(|claim| claims.contains(&claim.index)), "its frame arrives");
        stalled.is_some()
    }

    /// What lies in the bytes of a claim.
    fn bytes(&self, snapshot: &Snapshot, claim: &SlotStats) -> Vec<u8> {
        let before: u64 = snapshot.slots.iter().take_while(|s| s.index != claim.index).map(|s| s.bytes).sum();
        let geometry = self.eyes.region.geometry();
        let units =
            (before / UNIT + u64::from(geometry.offset(snapshot.head))) % u64::from(geometry.capacity());
        let (start, len) = self.eyes.region.payload(units as u32, (claim.bytes / UNIT) as u32);
        // SAFETY: the region is mapped for as long as `eyes` lives, and nobody writes to the bytes of a claim whose owner
        // is stopped: that is what the test shows, and volatile reads of bytes do no harm where it fails.
        (0..len).map(|i| unsafe { start.as_ptr().add(i).read_volatile() }).collect()
    }

    /// Kills all of them; the ring is whole then. How many frames there were.
    fn end(mut self) -> u64 {
        self.actors.iter_mut().for_each(|(actor, _)| actor.kill());
        until("the dead are dismissed", || self.ring.producers() == 1);
        while self.receive().is_some() {}
        let snapshot = self.ring.snapshot();
        assert_eq!((snapshot.used_bytes, snapshot.used_slots), (0, 0));
        claim_all(&producer(&self.ring, "whole")).expect("the whole ring is free");
        self.received.values().sum()
    }
}
