//! Producers and consumers that are real processes, and are killed, stopped and left alone by one another.

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use frame_ring::{
    ClaimError, Class, Descriptor, Flags, Producer, RecvError, Refusal, RingBuilder, SendError, State,
    TrackInfo, TrackKind, TrackSource,
};
use frame_ring_core::word::SlotWord;
use support::child::{self, Actor};
use support::raw::Raw;
use support::{
    claim_all, drain_to_the_end, in_time, next, next_text, producer, recv, text, until, TempDir, HANG,
};

#[test]
fn child_entry() {
    child::play(|role, argument| match role {
        "hold" => hold(),
        "leave" => leave(argument.parse().expect("a number")),
        "flood" => flood(argument.parse().expect("a number")),
        "consume" => consume(argument),
        other => panic!("no role {other}"),
    });
}

/// Claims, writes half of it, and commits when it is told to.
fn hold() {
    let producer = child::connect("holder");
    let mut track =
        producer.track(&TrackInfo::new(TrackKind::Video, TrackSource::Camera, "held")).expect("a track");
    track.send_bytes(b"first", &Descriptor::opaque()).expect("sent");
    let mut grant = producer.try_claim(8000, Class::Video).expect("room");
    grant.write_at(0, &[7; 4000]);
    child::say("holding");
    child::hear();
    grant.write_at(4000, &[8; 4000]);
    grant.commit(&Descriptor::opaque()).expect("committed");
    child::say("committed");
    child::hear();
}

/// Sends frames and exits.
fn leave(frames: u32) {
    let producer = child::connect("leaver");
    for frame in 0..frames {
        producer.send(format!("frame {frame}").as_bytes(), &Descriptor::opaque()).expect("sent");
    }
    child::say("sent");
}

/// Sends for as long as it lives, in sizes that need pads often: claims, aborts and commits.
fn flood(seed: u64) {
    let producer = child::connect("flooder");
    let mut random = support::Random::new(seed);
    child::say("flooding");
    loop {
        let len = random.below(20_000) as usize;
        match producer.claim_timeout(len, Class::Video, HANG) {
            Ok(mut grant) => {
                grant.write_at(0, &vec![seed as u8; len]);
                if random.below(8) > 0 {
                    grant.commit(&Descriptor::opaque()).expect("committed");
                }
            }
            Err(ClaimError::Closed) => return,
            Err(why) => panic!("{why}"),
        }
    }
}

/// Listens, receives nothing, and is to be killed.
fn consume(path: &str) {
    let mut ring = RingBuilder::new().data_bytes(1 << 16).build().expect("a ring");
    ring.listen(path).expect("a socket");
    child::say("listening");
    child::hear();
}

#[test]
fn a_producer_killed_in_a_claim_costs_nobody_anything() {
    let mut ring = support::ring(1 << 20);
    let mut victim = Actor::invited(&ring, "hold", "");
    victim.expect("holding");
    assert_eq!(next_text(&mut ring), "first");
    let victim_id = ring.producer_stats().iter().find(|(_, p)| p.connected).expect("it is connected").0;

    // Others go on while it holds its claim and while it is dying.
    let other = producer(&ring, "other");
    for turn in 0..200 {
        if turn == 100 {
            victim.kill();
        }
        other.send(format!("turn {turn}").as_bytes(), &Descriptor::opaque()).expect("room");
        let frame = next(&mut ring);
        assert_eq!((frame.producer(), text(&frame)), (other.id(), format!("turn {turn}")));
    }

    until("the dead producer is dismissed", || ring.producers() == 1);
    let stats = ring.producer_stats();
    let (_, dead) = stats.iter().find(|(id, _)| *id == victim_id).expect("still known");
    assert!(!dead.connected);
    assert_eq!((dead.frames, dead.aborted), (1, 0));
    let [track] = ring.tracks()[..] else { panic!("one track") };
    assert!(!track.live);
    assert_eq!((track.owner, track.received), (victim_id, 1));

    // Nothing of its claim arrives, and every byte of it is there again.
    assert!(ring.try_recv().expect("no error").is_none());
    assert_eq!((ring.snapshot().used_bytes, ring.snapshot().used_slots), (0, 0));
    claim_all(&other).expect("the whole ring is free again");
}

#[test]
fn a_stopped_producer_holds_up_nobody_and_goes_on() {
    let mut ring = support::ring(1 << 20);
    let mut stopped = Actor::invited(&ring, "hold", "");
    stopped.expect("holding");
    assert_eq!(next_text(&mut ring), "first");
    stopped.stop();

    let other = producer(&ring, "other");
    for turn in 0..300 {
        other.send(format!("turn {turn}").as_bytes(), &Descriptor::opaque()).expect("room");
        assert_eq!(next_text(&mut ring), format!("turn {turn}"));
    }
    // Nothing was taken away from it: the oldest claim is still its own.
    let snapshot = ring.snapshot();
    assert_eq!(snapshot.slots[0].state, State::Claimed);
    assert_ne!(snapshot.slots[0].owner, other.id());
    assert_eq!(ring.producers(), 2);
    // In the order of claims everything waits for it.
    other.send(b"behind", &Descriptor::opaque()).expect("room");
    assert!(ring.recv_in_claim_order(Duration::ZERO).expect("no error").is_none());

    stopped.resume();
    stopped.tell("go on");
    let frame = in_time(|| ring.recv_in_claim_order(HANG)).expect("no error").expect("its frame");
    assert_eq!(frame.payload().to_vec(), [[7; 4000], [8; 4000]].concat());
    drop(frame);
    assert_eq!(
        text(&in_time(|| ring.recv_in_claim_order(HANG)).expect("no error").expect("a frame")),
        "behind"
    );
    stopped.expect("committed");
    assert_eq!(ring.snapshot().used_bytes, 0);
}

#[test]
fn frames_of_a_producer_that_left_all_arrive() {
    for frames in [0, 1, 500] {
        let mut ring = support::ring(1 << 20);
        let mut leaver = Actor::invited(&ring, "leave", &frames.to_string());
        leaver.expect("sent");
        leaver.finish();
        until("it is dismissed", || !ring.has_sources());
        for frame in 0..frames {
            assert_eq!(next_text(&mut ring), format!("frame {frame}"));
        }
        assert_eq!(recv(&mut ring).expect_err("all is received"), RecvError::Disconnected);
        assert_eq!(recv(&mut ring).expect_err("still"), RecvError::Disconnected);
        // Somebody new can come at any time.
        let newcomer = producer(&ring, "newcomer");
        newcomer.send(b"hello", &Descriptor::opaque()).expect("sent");
        assert_eq!(next_text(&mut ring), "hello");
    }
}

#[test]
fn a_sleeping_consumer_is_woken_by_the_death_of_the_last_producer() {
    let mut ring = support::ring(1 << 20);
    let mut victim = Actor::invited(&ring, "hold", "");
    victim.expect("holding");
    assert_eq!(next_text(&mut ring), "first");
    let receiver = std::thread::spawn(move || recv(&mut ring).map(drop));
    std::thread::sleep(Duration::from_millis(20));
    victim.kill();
    assert_eq!(receiver.join().expect("no panic"), Err(RecvError::Disconnected));
}

#[test]
fn producers_killed_anywhere_leave_a_whole_ring() {
    let mut ring = RingBuilder::new().data_bytes(128 << 10).slots(16).build().expect("a ring");
    let honest = producer(&ring, "honest");
    let mut random = support::Random::new(7);
    let (mut sent, mut received) = (0u64, 0u64);
    for round in 0..12 {
        let mut victims: Vec<_> =
            (0..2).map(|v| Actor::invited(&ring, "flood", &(2 * round + v + 1).to_string())).collect();
        for victim in &mut victims {
            // A full ring does not keep it from starting.
            victim.expect("flooding");
        }
        for step in 0..60 + random.below(200) {
            if step == 50 {
                victims.iter_mut().for_each(Actor::kill);
            }
            if honest.send(&sent.to_le_bytes(), &Descriptor::event(Default::default())).is_ok() {
                sent += 1;
            }
            for _ in 0..random.below(4) {
                let Some(frame) = ring.try_recv().expect("an honest ring") else { break };
                if frame.producer() == honest.id() {
                    assert_eq!(frame.payload().to_vec(), received.to_le_bytes());
                    received += 1;
                } else {
                    // Whole, or not there: what a dead producer has committed is committed.
                    let bytes = frame.payload().to_vec();
                    assert!(bytes.iter().all(|b| *b == bytes[0]), "torn");
                }
            }
        }
        until("the dead are dismissed", || ring.producers() == 1);
        while let Some(frame) = ring.try_recv().expect("an honest ring") {
            received += u64::from(frame.producer() == honest.id());
        }
        assert_eq!(received, sent, "round {round}");
        claim_all(&honest).expect("the whole ring is free again");
        // The claim was given up again; the consumer notices when it looks.
        assert!(ring.try_recv().expect("an honest ring").is_none());
    }
    drop(honest);
    assert_eq!(drain_to_the_end(&mut ring), 0);
}

/// The instant between the two steps of a claim is too short to be hit by a signal, so the first step is made by hand.
#[test]
fn a_producer_that_dies_between_the_steps_of_its_claim_costs_nobody_anything() {
    for (state, others_first) in
        [State::Claimed, State::Committed, State::Aborted].into_iter().flat_map(|s| [(s, false), (s, true)])
    {
        let mut ring = RingBuilder::new().data_bytes(64 << 10).slots(4).build().expect("a ring");
        let other = producer(&ring, "other");
        let dying = Raw::join(&ring, "dying");
        let mut next_slot = 0;
        for turn in 0..10u64 {
            // `tail` is left where it was.
            let slot = dying.region.slot(next_slot);
            let free = SlotWord(slot.word.load(Ordering::Acquire));
            assert_eq!(free.state(), State::Free);
            let claimed = SlotWord::new(free.lap(), state, dying.owner, 3);
            dying.region.write_descriptor(next_slot, Descriptor::opaque().encode().expect("fine").used());
            slot.word.store(claimed.0, Ordering::Release);
            if others_first {
                other.send(b"helped", &Descriptor::opaque()).expect("it helps, and goes on");
            }
            if state == State::Claimed {
                // Its death is known at some time; until then its claim is its own.
                let heard = others_first.then(|| next_text(&mut ring));
                assert_eq!(heard.as_deref(), others_first.then_some("helped"));
                assert!(ring.try_recv().expect("no error").is_none());
                assert_eq!(ring.snapshot().slots.len(), usize::from(others_first) * 2);
                break;
            }
            if state == State::Committed {
                assert_eq!(next(&mut ring).producer(), dying.owner);
            }
            if others_first {
                assert_eq!(next_text(&mut ring), "helped");
            }
            assert!(ring.try_recv().expect("no error").is_none());
            assert_eq!(ring.snapshot().used_slots, 0, "turn {turn}");
            next_slot = (ring.snapshot().tail.index() % 4) as u32;
        }
        drop(dying);
        until("it is dismissed", || ring.producers() == 1);
        assert_eq!(ring.snapshot().used_slots, 0);
        for _ in 0..10 {
            other.send(b"on", &Descriptor::opaque()).expect("room");
            assert_eq!(next_text(&mut ring), "on");
        }
        claim_all(&other).expect("the whole ring is free");
    }
}

#[test]
fn a_killed_consumer_is_noticed_by_its_producers() {
    let dir = TempDir::new();
    let path = dir.join("ring");
    let mut consumer = Actor::start("consume", path.to_str().expect("text"));
    consumer.expect("listening");
    let sender = Producer::connect(&path, "sender").expect("connected");
    let waiter = Producer::connect(&path, "waiter").expect("connected");
    assert!(sender.is_connected());
    loop {
        match sender.try_claim(8000, Class::Event).map(drop) {
            Ok(()) => {}
            Err(ClaimError::Full(Refusal::FullBytes)) => break,
            Err(why) => panic!("{why}"),
        }
    }
    let waiting = std::thread::spawn(move || support::claim(&waiter, 8000, Class::Event).map(drop));
    assert_eq!(
        sender.claim_timeout(8000, Class::Event, Duration::from_millis(1)).map(drop),
        Err(ClaimError::Full(Refusal::FullBytes)),
        "a consumer that reads nothing is not gone"
    );
    consumer.kill();

    assert_eq!(waiting.join().expect("no panic"), Err(ClaimError::Closed));
    until("the sender knows", || sender.try_claim(8000, Class::Event).map(drop) == Err(ClaimError::Closed));
    assert_eq!(support::claim(&sender, 8000, Class::Event).map(drop), Err(ClaimError::Closed));
    assert!(!sender.is_connected());
    // Its successor takes the path over.
    let mut successor = support::ring(1 << 16);
    successor.listen(&path).expect("the dead consumer's socket is replaced");
    Producer::connect(&path, "sender").expect("connected").send(b"on", &Descriptor::opaque()).expect("sent");
    assert_eq!(next_text(&mut successor), "on");
}

#[test]
fn a_consumer_that_leaves_is_noticed_at_once() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    let mut track = sender.track(&TrackInfo::default()).expect("a track");
    sender.send(b"kept", &Descriptor::opaque()).expect("room");
    let kept = next(&mut ring);
    let mut claimed = claim_all(&sender).expect("room");
    let waiter = producer(&ring, "waiter");
    let waiting = std::thread::spawn(move || support::claim(&waiter, 20_000, Class::Event).map(drop));
    until("it waits for space", || ring.snapshot().space % 2 == 1);
    drop(ring);

    assert_eq!(sender.try_claim(5, Class::Event).map(drop), Err(ClaimError::Closed));
    assert_eq!(waiting.join().expect("no panic"), Err(ClaimError::Closed));
    assert_eq!(track.send_bytes(b"late", &Descriptor::opaque()), Err(SendError::Claim(ClaimError::Closed)));
    assert!(!sender.is_connected());
    // What is in hand stays valid on both sides.
    claimed.write_at(0, b"12345");
    claimed.commit(&Descriptor::opaque()).expect("the memory is still there");
    assert_eq!(text(&kept), "kept");
    std::thread::spawn(move || assert_eq!(text(&kept), "kept")).join().expect("no panic");
}

#[test]
fn held_frames_are_not_written_over_after_the_consumer_has_left() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    let mut held = Vec::new();
    for n in 0..8 {
        sender.send(&[n; 1000], &Descriptor::opaque()).expect("room");
        held.push(next(&mut ring));
    }
    drop(ring);
    assert_eq!(sender.send(&[99; 1000], &Descriptor::opaque()), Err(SendError::Claim(ClaimError::Closed)));
    drop(sender);
    for (n, frame) in held.iter().enumerate() {
        assert_eq!(frame.payload().to_vec(), [n as u8; 1000]);
    }
    // In any order, without a consumer.
    while held.len() > 1 {
        held.swap_remove(held.len() / 2);
    }
    assert_eq!(held[0].payload().to_vec(), [0; 1000]);
}

#[test]
fn a_producer_whose_lifeline_is_cut_can_not_commit() {
    let mut ring = support::ring(1 << 16);
    let socket = ring.invite().expect("an invitation").into_fd();
    let scissors = socket.try_clone().expect("another descriptor of it");
    let sender = Producer::from_fd(socket, "sender").expect("connected");
    sender.send(b"before", &Descriptor::opaque()).expect("room");
    let grant = sender.try_claim(10, Class::Event).expect("room");
    // SAFETY: an open socket.
    assert_eq!(unsafe { libc::shutdown(std::os::fd::AsRawFd::as_raw_fd(&scissors), libc::SHUT_RDWR) }, 0);
    until("it is dismissed", || ring.producers() == 0);

    assert_eq!(grant.commit(&Descriptor::opaque()), Err(frame_ring::CommitError::Revoked));
    assert_eq!(next_text(&mut ring), "before");
    assert_eq!(recv(&mut ring).expect_err("nothing else"), RecvError::Disconnected);
    assert_eq!(ring.snapshot().used_slots, 0);
}

#[test]
fn a_track_that_ends_says_so() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    let mut track = sender.track(&TrackInfo::default()).expect("a track");
    track.send_bytes(b"only", &Descriptor::opaque()).expect("sent");
    let id = track.id();
    track.finish().expect("sent");
    assert_eq!(next_text(&mut ring), "only");
    let end = next(&mut ring);
    assert!(end.descriptor().flags.contains(Flags::EOS));
    assert_eq!((end.descriptor().track, end.descriptor().sequence, end.payload().len()), (id, 1, 0));
    assert!(!ring.tracks()[0].live);
    assert!(!sender.wants(id), "what has ended is not wanted");
}
