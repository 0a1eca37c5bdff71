//! Receiving: waiting, batches, orders, views of the payload, and frames and rings that are not what they should be.

mod support;

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frame_ring::{
    Class, Descriptor, DescriptorError, FourCc, OwnedFrame, Poison, RecvError, RingBuilder, TrackInfo,
    VideoFormat,
};
use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{claim, commit};
use frame_ring_core::word::{SlotWord, State};
use support::raw::Raw;
use support::{claim_all, next, next_text, producer, recv, text, Random, HANG};

const PLAIN: fn() -> Descriptor = Descriptor::opaque;

#[test]
fn the_types_go_where_they_are_said_to_go() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<frame_ring::Consumer>();
    send::<frame_ring::Frame>();
    sync::<frame_ring::Frame>();
    send::<frame_ring::Hub>();
    send::<frame_ring::Producer>();
    sync::<frame_ring::Producer>();
    send::<frame_ring::Grant<'_>>();
    send::<frame_ring::Track>();
    send::<frame_ring::Observer>();
    sync::<frame_ring::Observer>();
    send::<frame_ring::Payload<'_>>();
    sync::<frame_ring::Payload<'_>>();
}

#[test]
fn frames_arrive_as_they_were_sent() {
    let mut ring = support::ring(1 << 20);
    let sender = producer(&ring, "sender");
    let mut random = Random::new(5);
    for turn in 0..2000u64 {
        let bytes = {
            let len = random.below(3000) as usize;
            random.bytes(len)
        };
        let descriptor = Descriptor {
            track: random.word() as u32,
            source: random.word() as u32,
            sequence: turn,
            pts_ns: Some(random.word() as i64 >> 1),
            mono_ns: random.word(),
            duration_ns: 7,
            dropped_before: 9,
            flags: frame_ring::Flags(random.word() as u32),
            ..Descriptor::opaque()
        };
        sender.send(&bytes, &descriptor).expect("room");
        let frame = next(&mut ring);
        assert_eq!(frame.payload().to_vec(), bytes);
        assert_eq!(*frame.descriptor(), Descriptor { payload_len: bytes.len() as u32, ..descriptor });
        assert_eq!((frame.producer(), frame.skipped_before()), (sender.id(), 0));
    }
}

#[test]
fn waiting_for_a_frame_ends_with_the_time() {
    let mut ring = support::ring(1 << 16);
    let _sender = producer(&ring, "silent");
    let wait = Duration::from_millis(30);
    for _ in 0..3 {
        let before = Instant::now();
        assert!(ring.recv_timeout(wait).expect("no error").is_none());
        assert!(before.elapsed() >= wait, "not earlier");
    }
    assert!(ring.recv_timeout(Duration::ZERO).expect("no error").is_none());
    let before = Instant::now();
    assert!(ring.recv_in_claim_order(wait).expect("no error").is_none());
    assert!(before.elapsed() >= wait, "not earlier");
    let mut frames = Vec::new();
    assert_eq!(ring.recv_batch(&mut frames, 10, wait), Ok(0));
    assert_eq!(ring.snapshot().wake, 0, "who does not wait is awake");
}

#[test]
fn batches_take_what_is_there() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    for n in 0..10 {
        sender.send(&[n], &PLAIN()).expect("room");
    }
    let mut frames = Vec::new();
    assert_eq!(ring.recv_batch(&mut frames, 0, HANG), Ok(0));
    assert_eq!(ring.recv_batch(&mut frames, 4, HANG), Ok(4));
    assert_eq!(ring.recv_batch(&mut frames, 100, HANG), Ok(6));
    let bytes: Vec<_> = frames.iter().map(|frame| frame.payload().to_vec()[0]).collect();
    assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // The end is an error of its own, behind the frames.
    sender.send(b"last", &PLAIN()).expect("room");
    drop(sender);
    support::until("it is gone", || !ring.has_sources());
    assert_eq!(ring.recv_batch(&mut frames, 100, HANG), Ok(1));
    assert_eq!(ring.recv_batch(&mut frames, 100, HANG), Err(RecvError::Disconnected));
    assert_eq!(frames.len(), 11);
}

/// A descriptor's words with one of them replaced.
fn spoilt(word: usize, value: u64) -> Vec<u64> {
    let mut words = Descriptor { payload_len: 8, ..PLAIN() }.encode().expect("fine").used().to_vec();
    words[word] = value;
    words
}

#[test]
fn a_frame_with_a_false_description_is_dropped_and_named() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "honest");
    let liar = Raw::join(&ring, "liar");
    let video =
        |format| Descriptor::new(frame_ring::Body::Video(format)).encode().expect("fine").used().to_vec();
    let picture = VideoFormat::packed(FourCc::I420, 64, 64).expect("a format");
    type Is = fn(&DescriptorError) -> bool;
    let lies: [(Vec<u64>, Is); 8] = [
        (vec![0; 8], |why| matches!(why, DescriptorError::Version { found: 0 })),
        (vec![u64::MAX; 24], |why| matches!(why, DescriptorError::Version { found: 255 })),
        (spoilt(0, 64 | 1 << 16 | 99 << 24), |why| matches!(why, DescriptorError::Kind { found: 99 })),
        (spoilt(0, 63 | 1 << 16 | 5 << 24), |why| matches!(why, DescriptorError::Length { .. })),
        (spoilt(0, 0xffff | 1 << 16 | 5 << 24), |why| matches!(why, DescriptorError::Length { .. })),
        (spoilt(5, 65 << 32), |why| {
            matches!(why, DescriptorError::PayloadBeyondRoom { payload_len: 65, room: 64 })
        }),
        (spoilt(5, u64::MAX), |why| matches!(why, DescriptorError::PayloadBeyondRoom { room: 64, .. })),
        // Its claim is of 64 bytes, its picture of 6144.
        (video(picture), |why| matches!(why, DescriptorError::PayloadBeyondRoom { .. })),
    ];
    let mut frames = Vec::new();
    for (words, is_named) in lies {
        sender.send(b"before", &PLAIN()).expect("room");
        liar.send_described(8, &words);
        sender.send(b"behind", &PLAIN()).expect("room");
        assert_eq!(ring.recv_batch(&mut frames, 10, HANG), Ok(1), "up to the error");
        match ring.recv_batch(&mut frames, 10, HANG) {
            Err(RecvError::BadFrame { producer, why }) => {
                assert_eq!(producer, liar.owner);
                assert!(is_named(&why), "{why:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(ring.recv_batch(&mut frames, 10, HANG), Ok(1), "and on behind it");
        let texts: Vec<_> = frames.drain(..).map(|frame| text(&frame)).collect();
        assert_eq!(texts, ["before", "behind"]);
        assert_eq!(ring.snapshot().used_slots, 0, "its bytes are given back");
    }
    // A plane outside of the payload.
    let mut words = video(picture);
    words[5] = 100 << 32;
    liar.send_described(6144, &words);
    assert!(matches!(ring.recv(), Err(RecvError::BadFrame { why: DescriptorError::Format(_), .. })));
    // The same in the face of pictures of which only the newest is wanted.
    ring.keep_latest(1, true);
    sender.send(b"before", &PLAIN()).expect("room");
    liar.send_described(8, &[0; 8]);
    sender.send(b"behind", &PLAIN()).expect("room");
    assert_eq!(next_text(&mut ring), "before");
    assert!(matches!(ring.recv(), Err(RecvError::BadFrame { .. })));
    assert_eq!(next_text(&mut ring), "behind");
    claim_all(&sender).expect("the whole ring is free");
}

#[test]
fn an_unfinished_frame_holds_up_its_own_producer_only() {
    let mut ring = support::ring(1 << 16);
    let (a, b) = (producer(&ring, "a"), producer(&ring, "b"));
    for in_claim_order in [false, true] {
        a.send(b"a0", &PLAIN()).expect("room");
        let mut open = a.try_claim(2, Class::Event).expect("room");
        b.send(b"b0", &PLAIN()).expect("room");
        a.send(b"a2", &PLAIN()).expect("room");
        b.send(b"b1", &PLAIN()).expect("room");
        let given_up = b.try_claim(100, Class::Event).expect("room");
        b.send(b"b2", &PLAIN()).expect("room");
        let receive = |ring: &mut frame_ring::Consumer| {
            let frame = if in_claim_order {
                ring.recv_in_claim_order(Duration::ZERO)
            } else {
                ring.recv_timeout(Duration::ZERO)
            };
            frame.expect("no error").map(|frame| text(&frame))
        };
        let all = |ring: &mut frame_ring::Consumer| -> Vec<String> {
            std::iter::from_fn(|| receive(ring)).collect()
        };
        let expected: [&[&str]; 3] = if in_claim_order {
            [&["a0"], &["a1", "b0", "a2", "b1"], &["b2"]]
        } else {
            [&["a0", "b0", "b1"], &["a1", "a2"], &["b2"]]
        };
        assert_eq!(all(&mut ring), expected[0]);
        open.write_at(0, b"a1");
        open.commit(&PLAIN()).expect("committed");
        assert_eq!(all(&mut ring), expected[1]);
        drop(given_up);
        assert_eq!(all(&mut ring), expected[2]);
        assert_eq!(ring.snapshot().used_slots, 0);
    }
}

#[test]
fn many_unfinished_frames_are_finished_in_any_order() {
    let mut ring = RingBuilder::new().slots(256).data_bytes(1 << 16).build().expect("a ring");
    let senders: Vec<_> = (0..8).map(|n| producer(&ring, &n.to_string())).collect();
    let mut random = Random::new(11);
    let mut sequence = [0u64; 8];
    let mut expected = [0u64; 8];
    for _ in 0..40 {
        let mut open = Vec::new();
        for _ in 0..20 + random.below(100) {
            let who = random.below(8) as usize;
            let mut grant = senders[who].try_claim(8, Class::Event).expect("room");
            grant.write_at(0, &sequence[who].to_le_bytes());
            sequence[who] += 1;
            open.push((who, sequence[who] - 1, grant));
        }
        let mut given_up = [const { Vec::new() }; 8];
        while !open.is_empty() {
            let (who, number, grant) = open.swap_remove(random.below(open.len() as u64) as usize);
            if random.below(5) == 0 {
                given_up[who].push(number);
                drop(grant);
            } else {
                grant.commit(&PLAIN()).expect("committed");
            }
            while let Some(frame) = ring.try_recv().expect("no error") {
                let who = usize::from(frame.producer()) - 1;
                let number = u64::from_le_bytes(frame.payload().to_vec().try_into().expect("8 bytes"));
                // Everything of the same producer before it is done: received, or given up.
                while given_up[who].contains(&expected[who]) {
                    expected[who] += 1;
                }
                assert_eq!(number, expected[who], "producer {who}");
                expected[who] += 1;
            }
        }
        for (who, expected) in expected.iter_mut().enumerate() {
            while given_up[who].contains(expected) {
                *expected += 1;
            }
        }
        assert_eq!(expected, sequence);
        assert_eq!(ring.snapshot().used_slots, 0);
    }
}

#[test]
fn a_detached_frame_takes_no_room() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let format = VideoFormat::packed(FourCc::GREY, 50, 40).expect("a format");
    let detached: Vec<OwnedFrame> = (0..200u8)
        .map(|n| {
            let descriptor =
                Descriptor { sequence: n.into(), ..Descriptor::new(frame_ring::Body::Video(format)) };
            sender.send(&[n; 2000], &descriptor).expect("room for one at a time");
            next(&mut ring).detach()
        })
        .collect();
    claim_all(&sender).expect("the whole ring is free");
    drop(ring);
    for (n, frame) in detached.iter().enumerate() {
        assert_eq!(frame.bytes(), [n as u8; 2000]);
        assert_eq!(frame.payload().as_slice(), Some(frame.bytes()));
        assert_eq!((frame.producer(), frame.descriptor().sequence), (sender.id(), n as u64));
        let picture = frame.clone();
        let view = picture.video().expect("a picture");
        assert_eq!(view.plane(0).expect("a plane").row(39).expect("a row").to_vec(), [n as u8; 50]);
        assert!(frame.audio().is_none());
    }
}

#[test]
fn views_stay_inside_the_payload() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    sender.send(b"0123456789", &PLAIN()).expect("room");
    let frame = next(&mut ring);
    let payload = frame.payload();
    assert_eq!((payload.len(), payload.is_empty(), payload.as_ptr() as usize % 64), (10, false, 0));
    let mut to = [b'-'; 6];
    assert_eq!((payload.copy_to_slice(&mut to), &to), (6, b"012345"));
    assert_eq!((payload.read_at(7, &mut to), &to), (3, b"789345"));
    for beyond in [10, 11, usize::MAX] {
        assert_eq!((payload.read_at(beyond, &mut to), &to), (0, b"789345"));
    }
    assert_eq!(payload.read_at(0, &mut []), 0);
    let mut longer = [b'-'; 12];
    assert_eq!((payload.copy_to_slice(&mut longer), &longer), (10, b"0123456789--"));

    assert_eq!(payload.part(3, 4).expect("inside").to_vec(), b"3456");
    assert_eq!(payload.part(3, 4).expect("inside").part(1, 3).expect("inside").to_vec(), b"456");
    assert!(payload.part(3, 4).expect("inside").part(1, 4).is_none());
    assert!(payload.part(10, 0).expect("inside").is_empty());
    for (offset, len) in [(0, 11), (10, 1), (11, 0), (usize::MAX, 1), (1, usize::MAX)] {
        assert!(payload.part(offset, len).is_none(), "{offset} {len}");
    }
    assert!(frame.video().is_none() && frame.audio().is_none());

    // No plain slices before the promise, and no copies needed after it.
    assert_eq!(payload.as_slice(), None);
    // SAFETY: the only producer is in this test and has committed for good.
    unsafe { ring.trust_producers() };
    assert_eq!(frame.payload().as_slice(), Some(&b"0123456789"[..]));

    sender.send(b"", &PLAIN()).expect("room");
    let empty = next(&mut ring);
    assert!(empty.payload().is_empty());
    assert_eq!((empty.payload().to_vec(), empty.payload().as_slice()), (vec![], Some(&[][..])));
    assert!(empty.claim_index() > frame.claim_index());
}

#[test]
fn a_payload_is_written_to_a_descriptor_whole() {
    let mut ring = support::ring(4 << 20);
    let sender = producer(&ring, "sender");
    let bytes = Random::new(9).bytes(1_000_003);
    sender.send(&bytes, &PLAIN()).expect("room");
    sender.send(b"", &PLAIN()).expect("room");
    let (frame, empty) = (next(&mut ring), next(&mut ring));
    // A pipe takes less than that at a time.
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let read = std::thread::spawn(move || {
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut all).map(|_| all)
    });
    frame.payload().write_to(&writer).expect("written");
    empty.payload().write_to(&writer).expect("written");
    frame.payload().part(1_000_000, 3).expect("inside").write_to(writer.as_fd()).expect("written");
    drop(writer);
    let all = read.join().expect("no panic").expect("read");
    assert!(all[..1_000_003] == bytes && all[1_000_003..] == bytes[1_000_000..], "{} bytes", all.len());
    // Nobody reads, and the pipe is not to be waited for: a part of it is not all of it.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let no_waiting = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
    nix::fcntl::fcntl(&writer, no_waiting).expect("set");
    let why = frame.payload().write_to(&writer).expect_err("more than a pipe holds");
    assert_eq!(why.kind(), std::io::ErrorKind::WouldBlock);
    // Nobody ever will.
    drop(reader);
    let why = frame.payload().write_to(&writer).expect_err("nobody reads");
    assert_eq!(why.kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn a_frame_may_be_shorter_than_its_claim() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    for len in [0, 1, 63, 64, 65, 1000] {
        let mut grant = sender.try_claim(1000, Class::Event).expect("room");
        assert_eq!((grant.len(), grant.is_empty(), grant.as_mut_ptr() as usize % 64), (1000, false, 0));
        grant.write_at(0, &[3; 1000]);
        grant.commit_len(len, &Descriptor { payload_len: 77, ..PLAIN() }).expect("committed");
        let frame = next(&mut ring);
        assert_eq!((frame.payload().to_vec(), frame.descriptor().payload_len), (vec![3; len], len as u32));
    }
    let mut grant = sender.try_claim(3, Class::Event).expect("room");
    // SAFETY: nobody else writes to this ring.
    unsafe { grant.as_mut_slice() }.copy_from_slice(b"abc");
    let beyond = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| grant.write_at(1, b"def")));
    assert!(beyond.is_err(), "a grant ends where it ends");
    grant.write_at(3, b"");
    grant.commit(&PLAIN()).expect("committed");
    assert_eq!(next_text(&mut ring), "abc");
}

#[test]
fn a_broken_chain_poisons_the_ring_for_good() {
    // What a scribbler does to the word of the next claim, and what the consumer calls it.
    type Break = fn(&Raw);
    type Is = fn(&Poison) -> bool;
    let breaks: [(Break, Is); 6] = [
        (
            |raw| {
                let tail = raw.region.slot(1);
                tail.word.store(SlotWord::new(9, State::Committed, 1, 1).0, Ordering::Release);
            },
            |why| matches!(why, Poison::Lap { index: 1, expected: 0, found: 9 }),
        ),
        (
            |raw| raw.region.slot(1).word.store(u64::MAX, Ordering::Release),
            |why| matches!(why, Poison::Lap { .. }),
        ),
        (
            // Longer than the ring.
            |raw| {
                raw.region
                    .slot(1)
                    .word
                    .store(SlotWord::new(0, State::Committed, 1, 1024).0, Ordering::Release);
            },
            |why| matches!(why, Poison::Length { index: 1, claimed: 1024, room: 1023 }),
        ),
        (
            // Up to the end, and then over the frame that is held.
            |raw| {
                raw.region
                    .slot(1)
                    .word
                    .store(SlotWord::new(0, State::Committed, 1, 1023).0, Ordering::Release);
                raw.region.slot(2).word.store(SlotWord::new(0, State::Committed, 1, 5).0, Ordering::Release);
            },
            |why| matches!(why, Poison::Length { index: 2, claimed: 5, room: 0 }),
        ),
        (
            |raw| change_open(raw, |word| SlotWord::new(word.lap(), State::Committed, word.owner(), 3)),
            |why| matches!(why, Poison::Changed { index: 1, .. }),
        ),
        (
            |raw| change_open(raw, |word| word.with_state(State::Free)),
            |why| matches!(why, Poison::Changed { index: 1, .. }),
        ),
    ];
    for (turn, (spoil, is_named)) in breaks.into_iter().enumerate() {
        let mut ring = support::ring(64 << 10);
        let sender = producer(&ring, "honest");
        let mut track = sender.track(&TrackInfo::default()).expect("a track");
        let raw = Raw::join(&ring, "scribbler");
        track.send_bytes(b"held", &PLAIN()).expect("room");
        let held = next(&mut ring);
        // Two of the cases change a claim that the consumer has walked past.
        let open = (turn >= 4).then(|| claim(&raw.region, raw.owner, Class::Event, 2).expect("room"));
        assert!(ring.try_recv().expect("all well").is_none());
        let whole = [1, 2].map(|slot| raw.region.slot(slot).word.load(Ordering::Acquire));
        spoil(&raw);
        let poison = loop {
            match ring.try_recv() {
                // One frame of the two may be whole.
                Ok(Some(_)) | Err(RecvError::BadFrame { .. }) => {}
                Err(RecvError::Poisoned(poison)) => break poison,
                other => panic!("turn {turn}: {other:?}"),
            }
        };
        assert!(is_named(&poison), "turn {turn}: {poison:?}");
        // Nobody can make it good again.
        raw.region.slot(1).word.store(whole[0], Ordering::Release);
        raw.region.slot(2).word.store(whole[1], Ordering::Release);
        for _ in 0..3 {
            assert_eq!(ring.try_recv().map(drop), Err(RecvError::Poisoned(poison)));
            assert_eq!(ring.recv().map(drop), Err(RecvError::Poisoned(poison)));
            assert_eq!(ring.recv_in_claim_order(HANG).map(drop), Err(RecvError::Poisoned(poison)));
            assert_eq!(ring.recv_batch(&mut Vec::new(), 9, HANG), Err(RecvError::Poisoned(poison)));
        }
        // What was in hand is whole, and the producers' end and the books are no trouble.
        assert_eq!(text(&held), "held");
        drop(held);
        let _ = open.map(|open| commit(&raw.region, open));
        drop(raw);
        drop(track);
        drop(sender);
        support::until("they are dismissed", || ring.producers() == 0);
        assert_eq!(ring.recv().map(drop), Err(RecvError::Poisoned(poison)), "not Disconnected");
        assert!(!ring.tracks()[0].live);
        let _ = ring.snapshot();
    }
}

/// Changes the word of the claim that is open.
fn change_open(raw: &Raw, change: fn(SlotWord) -> SlotWord) {
    let slot = raw.region.slot(1);
    let word = SlotWord(slot.word.load(Ordering::Acquire));
    assert_eq!((word.state(), word.owner(), word.len()), (State::Claimed, raw.owner, 2));
    slot.word.store(change(word).0, Ordering::Release);
}

#[test]
fn no_wake_up_is_lost() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    let received = Arc::new(AtomicU64::new(0));
    let feeder = std::thread::spawn({
        let received = received.clone();
        move || {
            support::feed_one_at_a_time(60_000, &received, 17, |n| {
                sender.send(&n.to_le_bytes(), &PLAIN()).expect("room");
            });
        }
    });
    for n in 0.. {
        match recv(&mut ring) {
            Ok(frame) => {
                assert_eq!(frame.payload().to_vec(), u64::to_le_bytes(n));
            }
            Err(why) => {
                assert_eq!(why, RecvError::Disconnected);
                assert!(n > 1000, "most wake-ups are lost: {n} frames");
                break;
            }
        }
        received.store(n + 1, Ordering::Release);
    }
    feeder.join().expect("no panic");
    assert_eq!(ring.found_late(), 0, "wake-ups were lost");
}

#[test]
fn a_grant_given_up_wakes_whoever_waits_behind_it() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    for _ in 0..200 {
        let given_up = sender.try_claim(10, Class::Event).expect("room");
        sender.send(b"behind", &PLAIN()).expect("room");
        assert!(ring.try_recv().expect("no error").is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::yield_now();
                drop(given_up);
            });
            assert_eq!(next_text(&mut ring), "behind");
        });
    }
}

#[test]
fn a_geometry_is_what_the_ring_says() {
    let ring = RingBuilder::new().data_bytes(100).slots(5).build().expect("a ring");
    let raw = Raw::join(&ring, "raw");
    assert_eq!((raw.region.geometry().capacity(), raw.region.geometry().slots()), (2, 8));
    assert_eq!(raw.header.data_bytes, 128);
}
