//! Many rings, one wait.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frame_ring::{Descriptor, Frame, Hub, HubItem, Producer, RecvError, RingId};
use support::raw::Raw;
use support::{in_time, producer, text, HANG};

fn hub_of(rings: usize) -> (Hub, Vec<RingId>, Vec<Producer>) {
    let mut hub = Hub::new().expect("a hub");
    let (ids, producers) = (0..rings)
        .map(|n| {
            let ring = support::ring(1 << 16);
            let producer = producer(&ring, &n.to_string());
            (hub.add(ring).expect("added"), producer)
        })
        .unzip();
    (hub, ids, producers)
}

fn next_frame(hub: &mut Hub) -> (RingId, Frame) {
    match in_time(|| hub.recv_timeout(HANG)).expect("no error").expect("a frame in time") {
        HubItem::Frame(ring, frame) => (ring, frame),
        other => panic!("{other:?}"),
    }
}

#[test]
fn frames_of_all_rings_arrive() {
    let (mut hub, ids, producers) = hub_of(100);
    assert_eq!(hub.ids().collect::<Vec<_>>(), ids);
    for turn in 0..5 {
        for (id, producer) in ids.iter().zip(&producers) {
            producer.send(format!("{id} {turn}").as_bytes(), &Descriptor::opaque()).expect("room");
        }
        let mut seen = HashMap::new();
        for _ in 0..100 {
            let (id, frame) = next_frame(&mut hub);
            assert_eq!(text(&frame), format!("{id} {turn}"));
            *seen.entry(id).or_insert(0) += 1;
        }
        assert!(ids.iter().all(|id| seen[id] == 1));
        assert!(hub.try_recv().expect("no error").is_none());
    }
}

#[test]
fn waiting_ends_with_the_time_even_without_rings() {
    for rings in [0, 3] {
        let (mut hub, _ids, _producers) = hub_of(rings);
        let wait = Duration::from_millis(30);
        let before = Instant::now();
        assert!(hub.recv_timeout(wait).expect("no error").is_none());
        assert!(before.elapsed() >= wait, "not earlier");
        assert!(hub.recv_timeout(Duration::ZERO).expect("no error").is_none());
    }
}

#[test]
fn a_flood_in_one_ring_does_not_drown_the_others() {
    let (mut hub, ids, producers) = hub_of(3);
    for n in 0..200u8 {
        producers[0].send(&[n], &Descriptor::opaque()).expect("room");
    }
    for n in 0..20u8 {
        producers[1].send(&[n], &Descriptor::opaque()).expect("room");
        producers[2].send(&[n], &Descriptor::opaque()).expect("room");
    }
    // The first of 60 frames are a third of each ring, and the flood keeps its order.
    let mut counts = HashMap::new();
    for _ in 0..60 {
        let (id, frame) = next_frame(&mut hub);
        let count = counts.entry(id).or_insert(0u8);
        assert_eq!(frame.payload().to_vec(), [*count]);
        *count += 1;
    }
    assert!(ids.iter().all(|id| counts[id] == 20), "{counts:?}");
    assert!((20..200).all(|n| next_frame(&mut hub).1.payload().to_vec() == [n]));
}

#[test]
fn a_ring_that_falls_silent_is_heard_again_beside_a_flood() {
    // The one that floods never pauses, so the hub never sleeps; the other one must be noticed all the same.
    let (mut hub, ids, producers) = hub_of(2);
    let mut from_quiet = 0;
    for turn in 0..200u64 {
        producers[0].send(b"flood", &Descriptor::opaque()).expect("room");
        producers[0].send(b"flood", &Descriptor::opaque()).expect("room");
        if turn % 50 == 0 {
            producers[1].send(b"quiet", &Descriptor::opaque()).expect("room");
        }
        let (id, _) = next_frame(&mut hub);
        from_quiet += u64::from(id == ids[1]);
    }
    assert!(from_quiet >= 3, "{from_quiet} of 4, with a flood that never ended");
}

#[test]
fn a_ring_whose_producers_are_gone_leaves() {
    let (mut hub, ids, mut producers) = hub_of(3);
    producers[1].send(b"last words", &Descriptor::opaque()).expect("room");
    drop(producers.remove(1));
    let (id, frame) = next_frame(&mut hub);
    assert_eq!((id, text(&frame)), (ids[1], "last words".into()));
    let mut returned = match in_time(|| hub.recv_timeout(HANG)).expect("no error").expect("an item in time") {
        HubItem::Error(id, RecvError::Disconnected, Some(ring)) if id == ids[1] => *ring,
        other => panic!("{other:?}"),
    };
    assert_eq!(hub.ids().collect::<Vec<_>>(), [ids[0], ids[2]]);
    producers[1].send(b"still here", &Descriptor::opaque()).expect("room");
    assert_eq!(next_frame(&mut hub).0, ids[2]);
    // It can be used, and come back as another.
    let again = producer(&returned, "again");
    again.send(b"alone", &Descriptor::opaque()).expect("room");
    assert_eq!(support::next_text(&mut returned), "alone");
    let id = hub.add(returned).expect("added");
    assert!(!ids.contains(&id), "an id is not used twice");
    again.send(b"back", &Descriptor::opaque()).expect("room");
    let (from, frame) = next_frame(&mut hub);
    assert_eq!((from, text(&frame)), (id, "back".into()));
}

#[test]
fn a_ring_is_taken_out() {
    let (mut hub, ids, producers) = hub_of(2);
    for producer in &producers {
        producer.send(b"waiting", &Descriptor::opaque()).expect("room");
    }
    let mut out = hub.remove(ids[0]).expect("in the hub");
    assert!(hub.remove(ids[0]).is_none() && hub.ring(ids[0]).is_none());
    assert_eq!(next_frame(&mut hub).0, ids[1]);
    assert!(hub.recv_timeout(Duration::from_millis(1)).expect("no error").is_none());
    assert_eq!(support::next_text(&mut out), "waiting");
    // Outside it is a ring like any other: it sleeps and is woken.
    let feeder = std::thread::spawn({
        let producer = producers[0].clone();
        move || {
            std::thread::sleep(Duration::from_millis(10));
            producer.send(b"awake", &Descriptor::opaque()).expect("room");
        }
    });
    assert_eq!(support::next_text(&mut out), "awake");
    feeder.join().expect("no panic");
}

#[test]
fn a_ring_in_a_hub_can_be_used_directly() {
    let (mut hub, ids, producers) = hub_of(1);
    assert!(hub.recv_timeout(Duration::from_millis(1)).expect("no error").is_none());
    producers[0].send(b"direct", &Descriptor::opaque()).expect("room");
    producers[0].send(b"by hub", &Descriptor::opaque()).expect("room");
    assert_eq!(support::next_text(hub.ring(ids[0]).expect("a ring")), "direct");
    assert_eq!(text(&next_frame(&mut hub).1), "by hub");
    // The hub goes to sleep, and then it is told that it is awake: it must be told otherwise before the next sleep.
    assert!(hub.recv_timeout(Duration::from_millis(1)).expect("no error").is_none());
    assert!(hub
        .ring(ids[0])
        .expect("a ring")
        .recv_timeout(Duration::from_millis(1))
        .expect("fine")
        .is_none());
    let feeder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(10));
        producers[0].send(b"late", &Descriptor::opaque()).expect("room");
        producers
    });
    assert_eq!(text(&next_frame(&mut hub).1), "late");
    drop(feeder.join().expect("no panic"));
}

#[test]
fn a_bell_that_rings_for_nothing_does_not_keep_ringing() {
    let mut hub = Hub::new().expect("a hub");
    let ring = support::ring(1 << 16);
    let raw = Raw::join(&ring, "ringer");
    hub.add(ring).expect("added");
    for _ in 0..3 {
        nix::unistd::write(&raw.event, &7u64.to_ne_bytes()).expect("rung");
        assert!(hub.recv_timeout(Duration::from_millis(1)).expect("no error").is_none());
        // If it still was readable, the hub would turn and turn instead of sleeping.
        assert!(hub.recv_timeout(Duration::from_millis(1)).expect("no error").is_none());
    }
}

#[test]
fn a_false_frame_costs_its_ring_one_turn() {
    let mut hub = Hub::new().expect("a hub");
    let ring = support::ring(1 << 16);
    let raw = Raw::join(&ring, "liar");
    let honest = producer(&ring, "honest");
    let id = hub.add(ring).expect("added");
    raw.send_described(8, &[0; 8]);
    honest.send(b"true", &Descriptor::opaque()).expect("room");
    match in_time(|| hub.recv_timeout(HANG)).expect("no error") {
        Some(HubItem::Error(from, RecvError::BadFrame { producer, .. }, None)) => {
            assert_eq!((from, producer), (id, raw.owner));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(text(&next_frame(&mut hub).1), "true");
}

#[test]
fn no_wake_up_is_lost() {
    // Mostly the same ring again: one that has just had a frame is on its way to sleep.
    let ring_of = |n: u64| (n / 10 % 3) as usize;
    let (mut hub, ids, producers) = hub_of(3);
    let received = Arc::new(AtomicU64::new(0));
    let feeder = std::thread::spawn({
        let received = received.clone();
        move || {
            support::feed_one_at_a_time(40_000, &received, 23, |n| {
                let producer = &producers[ring_of(n)];
                producer.send(&n.to_le_bytes(), &Descriptor::opaque()).expect("room");
            });
        }
    });
    let (mut n, mut ended) = (0u64, 0);
    while ended < 3 {
        match in_time(|| hub.recv_timeout(HANG)).expect("no error").expect("a wake-up was lost") {
            HubItem::Frame(id, frame) => {
                assert_eq!((id, frame.payload().to_vec()), (ids[ring_of(n)], n.to_le_bytes().to_vec()));
                n += 1;
                received.store(n, Ordering::Release);
            }
            HubItem::Error(_, RecvError::Disconnected, Some(ring)) => {
                assert_eq!(ring.found_late(), 0, "wake-ups were lost");
                ended += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(n > 1000, "most wake-ups are lost: {n} frames");
    feeder.join().expect("no panic");
}
