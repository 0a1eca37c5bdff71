//! A ring that is full: who is refused, who is told, who is woken, and what fits again afterwards.

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use frame_ring::{
    AudioFormat, Body, ClaimError, Class, Consumer, Demand, Descriptor, EventInfo, Flags, FourCc, Producer,
    Refusal, RingBuilder, SampleFormat, SendError, Sent, Track, TrackInfo, VideoFormat,
};
use support::raw::Raw;
use support::{claim_all, next, producer, until, Random, HANG};

const FULL_BYTES: ClaimError = ClaimError::Full(Refusal::FullBytes);
const FULL_SLOTS: ClaimError = ClaimError::Full(Refusal::FullSlots);

fn track(producer: &Producer) -> Track {
    producer.track(&TrackInfo::default()).expect("a track")
}

/// The frames that are there now.
fn receive_all(ring: &mut Consumer) -> Vec<frame_ring::Frame> {
    std::iter::from_fn(|| ring.try_recv().expect("no error")).collect()
}

/// Whether a producer has said that it waits for space.
fn is_waited_for(ring: &Consumer) -> bool {
    ring.snapshot().space % 2 == 1
}

#[test]
fn a_full_ring_is_counted_and_told_in_band() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let mut track = track(&sender);
    let mut refused = 0;
    let mut received = 0;
    let mut reported = 0;
    let mut sequence = 0;
    let mut random = Random::new(1);
    for attempt in 0..600u64 {
        match track.send_bytes(&[1; 3000], &Descriptor::opaque()) {
            Ok(Sent::Committed) => {}
            Err(SendError::Claim(FULL_BYTES)) => refused += 1,
            other => panic!("attempt {attempt}: {other:?}"),
        }
        // The consumer looks now and then only.
        if random.below(40) == 0 || attempt == 599 {
            for frame in receive_all(&mut ring) {
                let descriptor = frame.descriptor();
                // What is missing in the numbers is what the frame tells of.
                assert_eq!(descriptor.sequence, sequence + u64::from(descriptor.dropped_before));
                let first = descriptor.sequence == 0;
                assert_eq!(
                    descriptor.flags.contains(Flags::DISCONT),
                    first || descriptor.dropped_before > 0,
                    "{descriptor:?}"
                );
                sequence = descriptor.sequence + 1;
                received += 1;
                reported += u64::from(descriptor.dropped_before);
            }
        }
    }
    assert!(refused > 100 && received > 100, "{refused} {received}");
    // The last drops are told of by the next frame that gets through.
    track.send_bytes(b"last", &Descriptor::opaque()).expect("room");
    let last = next(&mut ring);
    reported += u64::from(last.descriptor().dropped_before);
    assert_eq!((received, reported, last.descriptor().sequence), (600 - refused, refused, 600));

    let [stats] = ring.tracks()[..] else { panic!("one track") };
    assert_eq!(
        (stats.sent, stats.received, stats.sent_bytes),
        (received + 1, received + 1, received * 3000 + 4)
    );
    assert_eq!(
        (stats.dropped, stats.reported_dropped, stats.received_bytes),
        (refused, refused, stats.sent_bytes)
    );
    assert_eq!(stats.latency.iter().map(|n| u64::from(*n)).sum::<u64>(), stats.received);
    let stats = sender.stats().expect("counters");
    assert_eq!((stats.frames, stats.full_bytes, stats.full_slots), (received + 1, refused, 0));
    assert_eq!((stats.bytes, stats.aborted, stats.too_long), (received * 3000 + 4, 0, 0));
}

#[test]
fn used_up_slots_are_counted_apart() {
    let mut ring = RingBuilder::new().data_bytes(1 << 20).slots(16).build().expect("a ring");
    let sender = producer(&ring, "sender");
    let mut sent = 0;
    let why = loop {
        match sender.send(b"x", &Descriptor::opaque()) {
            Ok(()) => sent += 1,
            Err(why) => break why,
        }
    };
    assert_eq!((sent, why), (14, SendError::Claim(FULL_SLOTS)), "7/8 of 16");
    let stats = sender.stats().expect("counters");
    assert_eq!((stats.frames, stats.full_slots, stats.full_bytes), (14, 1, 0));
    // Room for what matters more.
    sender.send(b"", &Descriptor::event(EventInfo::default())).expect("an event");
    sender.send(b"", &Descriptor::event(EventInfo::default())).expect("an event");
    let why = sender.send(b"", &Descriptor::event(EventInfo::default()));
    assert_eq!(why, Err(SendError::Claim(FULL_SLOTS)));
    assert_eq!(receive_all(&mut ring).len(), 16);
    assert_eq!(sender.send(b"x", &Descriptor::opaque()), Ok(()));
}

#[test]
fn a_flood_of_pictures_leaves_room_for_sound_and_more_for_events() {
    let mut ring = RingBuilder::new().data_bytes(64 * 1024).slots(1 << 12).build().expect("a ring");
    let flooder = producer(&ring, "flooder");
    let quiet = producer(&ring, "quiet");
    let video = Body::Video(VideoFormat::packed(FourCc::GREY, 8, 8).expect("a format"));
    let audio = Body::Audio(AudioFormat::interleaved(SampleFormat::S16, 2, 48_000, 16));
    let event = Body::Event(EventInfo::default());
    let fill = |producer: &Producer, body| {
        let mut sent = 0u64;
        while producer.send(&[0; 64], &Descriptor::new(body)).is_ok() {
            sent += 1;
        }
        sent
    };
    for turn in 0..3 {
        // Of 1024 units: 7/8, 31/32, all.
        assert_eq!(fill(&flooder, video), 896, "turn {turn}");
        assert_eq!(fill(&quiet, audio), 96, "turn {turn}");
        assert_eq!(fill(&flooder, video), 0, "turn {turn}");
        assert_eq!(fill(&quiet, event), 32, "turn {turn}");
        assert_eq!(fill(&quiet, audio), 0, "turn {turn}");
        assert_eq!(receive_all(&mut ring).len(), 1024);
        // Somewhere else in the ring.
        for _ in 0..turn + 1 {
            let grant = quiet.try_claim(64, Class::Event).expect("room");
            grant.commit(&Descriptor::opaque()).expect("committed");
            drop(next(&mut ring));
        }
    }
}

#[test]
fn each_kind_of_frame_has_its_class() {
    let encoded = frame_ring::EncodedFormat::default();
    let bodies = [
        Body::Video(VideoFormat::packed(FourCc::GREY, 1, 1).expect("a format")),
        Body::EncodedVideo(encoded),
        Body::Opaque,
        Body::Audio(AudioFormat::interleaved(SampleFormat::U8, 1, 1, 1)),
        Body::EncodedAudio(encoded),
        Body::Event(EventInfo::default()),
    ];
    // Which of them go through while so many bytes of 64 KiB are in use.
    let go_beside = |used: &[usize]| {
        let ring = support::ring(64 << 10);
        let sender = producer(&ring, "sender");
        let _in_use: Vec<_> =
            used.iter().map(|len| sender.try_claim(*len, Class::Event).expect("room")).collect();
        bodies.map(|body| sender.send(&[0], &Descriptor::new(body)).is_ok())
    };
    assert_eq!(go_beside(&[]), [true; 6]);
    assert_eq!(go_beside(&[56 << 10]), [false, false, false, true, true, true]);
    assert_eq!(go_beside(&[56 << 10, 6 << 10]), [false, false, false, false, false, true]);
}

#[test]
fn what_can_never_fit_is_said_to_be_too_long() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    assert_eq!(
        [Class::Video, Class::Audio, Class::Event].map(|class| sender.longest(class)),
        [56 << 10, 56 << 10, 56 << 10]
    );
    for class in [Class::Video, Class::Audio, Class::Event] {
        let longest = sender.longest(class);
        let too_long = ClaimError::TooLong { len: longest + 1, longest };
        assert_eq!(sender.try_claim(longest + 1, class).map(drop), Err(too_long));
        assert_eq!(support::claim(&sender, longest + 1, class).map(drop), Err(too_long), "without waiting");
        for huge in [1 << 33, 1 << 38, usize::MAX] {
            let too_long = ClaimError::TooLong { len: huge, longest };
            assert_eq!(sender.try_claim(huge, class).map(drop), Err(too_long));
        }
        drop(sender.try_claim(longest, class).expect("it fits"));
        assert!(ring.try_recv().expect("no error").is_none());
    }
    assert_eq!(sender.stats().expect("counters").too_long, 15);

    // A track counts it as a drop like any other.
    let mut track = track(&sender);
    assert!(matches!(
        track.send_bytes(&[0; 100 << 10], &Descriptor::opaque()),
        Err(SendError::Claim(ClaimError::TooLong { .. }))
    ));
    track.send_bytes(b"short", &Descriptor::opaque()).expect("room");
    assert_eq!(next(&mut ring).descriptor().dropped_before, 1);
}

#[test]
fn the_longest_frame_fits_wherever_the_ring_was_drained() {
    for (data, slots) in [(64 * 37u64, 4u32), (64, 2), (128, 2), (64 * 15, 2), (4096, 8), (1 << 20, 64)] {
        let mut ring = RingBuilder::new().data_bytes(data).slots(slots).build().expect("a ring");
        let sender = producer(&ring, "sender");
        let mut random = Random::new(data);
        for turn in 0..400u64 {
            // Wander to some place, by frames of all lengths, one or two at a time.
            for _ in 0..random.below(3) {
                let len = random.below(sender.longest(Class::Event) as u64 / 2 + 1) as usize;
                let Ok(grant) = sender.try_claim(len, Class::Event) else { continue };
                if random.below(4) > 0 {
                    grant.commit(&Descriptor::opaque()).expect("committed");
                }
            }
            let mut held = receive_all(&mut ring);
            while !held.is_empty() {
                held.swap_remove(random.below(held.len() as u64) as usize);
            }
            let class = [Class::Video, Class::Audio, Class::Event][turn as usize % 3];
            let longest = sender.longest(class);
            let mut grant = sender
                .try_claim(longest, class)
                .unwrap_or_else(|why| panic!("{data} bytes, {slots} slots, turn {turn}: {why}"));
            let bytes = vec![turn as u8; longest];
            grant.write_at(0, &bytes);
            grant.commit(&Descriptor::opaque()).expect("committed");
            assert!(next(&mut ring).payload().to_vec() == bytes);
        }
    }
}

#[test]
fn a_drained_ring_goes_back_to_its_warm_beginning() {
    let mut ring = support::ring(16 << 20);
    let sender = producer(&ring, "sender");
    let mut lowest = usize::MAX;
    let mut highest = 0;
    for _ in 0..300 {
        sender.send(&[0; 100_000], &Descriptor::opaque()).expect("room");
        let address = next(&mut ring).payload().as_ptr() as usize;
        lowest = lowest.min(address);
        highest = highest.max(address);
    }
    // 30 MB went through, and 256 KiB and a frame is all of the memory that was touched.
    assert!(highest - lowest <= 256 << 10, "{} bytes apart", highest - lowest);
}

#[test]
fn a_release_wakes_whoever_waits_for_space() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let longest = sender.longest(Class::Event);
    let done = Arc::new(AtomicBool::new(false));
    sender.send(&vec![0; longest], &Descriptor::event(EventInfo::default())).expect("room");
    let held = next(&mut ring);

    let waiters: Vec<_> = (0..3)
        .map(|n| {
            let (sender, done) = (producer(&ring, "waiter"), done.clone());
            std::thread::spawn(move || {
                let grant = support::claim(&sender, 10_000 + n, Class::Event).expect("woken");
                assert!(done.load(Ordering::SeqCst), "nobody had given anything back");
                grant.commit(&Descriptor::opaque()).expect("committed");
                let stats = sender.stats().expect("counters");
                assert_eq!((stats.full_bytes, stats.full_slots), (0, 0), "waiting is no drop");
            })
        })
        .collect();
    // On its way to sleep or asleep: it must work in both cases.
    until("a producer waits", || is_waited_for(&ring));
    std::thread::sleep(Duration::from_millis(5));
    done.store(true, Ordering::SeqCst);
    // From another thread than the consumer's.
    std::thread::spawn(move || drop(held)).join().expect("no panic");
    waiters.into_iter().for_each(|waiter| waiter.join().expect("no panic"));
    let mut lengths: Vec<_> = (0..3).map(|_| next(&mut ring).payload().len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [10_000, 10_001, 10_002]);
}

#[test]
fn many_waits_for_space_are_all_ended_by_a_release() {
    const FRAMES: u64 = 2000;
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let len = sender.longest(Class::Event);
    // Each frame fits only after the one before was given back. A waiting producer also looks after the consumer ten
    // times a second: if that was all that ends its wait, there would not be time enough for all.
    let start = std::time::Instant::now();
    let feeder = std::thread::spawn(move || {
        for n in 0..FRAMES {
            let left = HANG.saturating_sub(start.elapsed());
            let mut grant = sender.claim_timeout(len, Class::Event, left).expect("woken in time");
            grant.write_at(0, &n.to_le_bytes());
            grant.commit_len(8, &Descriptor::opaque()).expect("committed");
        }
    });
    for n in 0..FRAMES {
        assert_eq!(next(&mut ring).payload().to_vec(), n.to_le_bytes());
    }
    feeder.join().expect("no panic");
}

#[test]
fn waiting_for_space_ends_with_the_time() {
    let ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let _held = claim_all(&sender).expect("room");
    let before = std::time::Instant::now();
    let wait = Duration::from_millis(30);
    assert_eq!(sender.claim_timeout(20_000, Class::Event, wait).map(drop), Err(FULL_BYTES));
    assert!(before.elapsed() >= wait, "not earlier");
    assert_eq!(sender.claim_timeout(20_000, Class::Event, Duration::ZERO).map(drop), Err(FULL_BYTES));
    let why = sender.send_timeout(&[0; 20_000], &Descriptor::opaque(), wait);
    assert_eq!(why, Err(SendError::Claim(FULL_BYTES)));
    // One drop for each call, not for each look.
    assert_eq!(sender.stats().expect("counters").full_bytes, 3);
}

#[test]
fn a_consumer_that_leaves_ends_the_wait() {
    let ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let holder = producer(&ring, "holder");
    let _held = claim_all(&holder).expect("room");
    let waiting = std::thread::spawn(move || support::claim(&sender, 20_000, Class::Event).map(drop));
    until("it waits", || is_waited_for(&ring));
    drop(ring);
    assert_eq!(waiting.join().expect("no panic"), Err(ClaimError::Closed));
}

#[test]
fn what_is_not_wanted_is_not_sent() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let mut track = track(&sender);
    assert_eq!((track.demand(), sender.wants(track.id())), (Demand::ALL, true));
    track.send_bytes(b"0", &Descriptor::opaque()).expect("sent");
    assert!(ring.set_demand(track.id(), Demand::NONE));
    assert!(!sender.wants(track.id()) && !track.wants_now());
    assert_eq!(track.send_bytes(b"1", &Descriptor::opaque()), Ok(Sent::Unwanted));
    assert_eq!(
        track.send_in_place(1, &Descriptor::opaque(), |_| panic!("it is not asked for")),
        Ok(Sent::Unwanted)
    );
    // Events always go through.
    let event = Descriptor::event(EventInfo { code: 5, ..EventInfo::default() });
    assert_eq!(track.send_bytes(b"2", &event), Ok(Sent::Committed));
    assert!(ring.set_demand(track.id(), Demand::ALL));
    assert_eq!(track.send_bytes(b"3", &Descriptor::opaque()), Ok(Sent::Committed));

    let frames = receive_all(&mut ring);
    let seen: Vec<_> = frames
        .iter()
        .map(|f| (support::text(f), f.descriptor().sequence, f.descriptor().flags.contains(Flags::DISCONT)))
        .collect();
    // After the pause the content does not continue; nothing was lost.
    assert_eq!(seen, [("0".into(), 0, true), ("2".into(), 1, true), ("3".into(), 2, false)]);
    assert!(frames.iter().all(|frame| frame.descriptor().dropped_before == 0));
    assert_eq!((ring.tracks()[0].unwanted, ring.tracks()[0].dropped), (2, 0));
    assert_eq!(sender.stats().expect("counters").unwanted, 2);

    assert!(!ring.set_demand(track.id() + 1, Demand::NONE), "no such track");
    assert!(!ring.set_demand(0, Demand::NONE), "no such track");
    assert!(!sender.wants(99));
}

#[test]
fn pictures_come_at_most_as_often_as_they_are_wanted() {
    let ring = support::ring(1 << 20);
    let sender = producer(&ring, "sender");
    let mut track = track(&sender);
    let format = VideoFormat::packed(FourCc::GREY, 4, 4).expect("a format");
    let picture = frame_ring::Picture { format, planes: &[(&[9; 16], 4)] };
    // One in 1000 seconds: the first, and then none for longer than any test.
    let demand = Demand { max_fps_milli: 1, max_size: (640, 360), ..Demand::ALL };
    assert!(ring.set_demand(track.id(), demand));
    assert_eq!(track.demand(), demand);
    assert_eq!(track.send_video(&picture, &Descriptor::default()), Ok(Sent::Committed));
    for _ in 0..5 {
        assert!(!track.wants_now());
        assert_eq!(track.send_video(&picture, &Descriptor::default()), Ok(Sent::Unwanted));
    }
    // Sound has no rate of frames.
    let sound = frame_ring::Sound {
        format: AudioFormat::interleaved(SampleFormat::U8, 1, 8000, 4),
        planes: &[b"abcd"],
    };
    assert_eq!(track.send_audio(&sound, &Descriptor::default()), Ok(Sent::Committed));
    // Four million a second: all of them.
    assert!(ring.set_demand(track.id(), Demand { max_fps_milli: u32::MAX, ..Demand::ALL }));
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(track.send_video(&picture, &Descriptor::default()), Ok(Sent::Committed));
    assert_eq!(ring.tracks()[0].unwanted, 5);
}

#[test]
fn only_the_newest_waiting_picture_is_delivered() {
    let mut ring = support::ring(1 << 20);
    let sender = producer(&ring, "sender");
    let (mut screen, mut camera) = (track(&sender), track(&sender));
    let format = VideoFormat::packed(FourCc::GREY, 4, 4).expect("a format");
    let show = |track: &mut Track, n: u8| {
        let picture = frame_ring::Picture { format, planes: &[(&[n; 16], 4)] };
        assert_eq!(track.send_video(&picture, &Descriptor::default()), Ok(Sent::Committed));
    };
    ring.keep_latest(screen.id(), true);
    for n in 0..5 {
        show(&mut screen, n);
        show(&mut camera, 100 + n);
        let event = Descriptor::event(EventInfo { code: n.into(), ..EventInfo::default() });
        screen.send_bytes(&[200 + n], &event).expect("sent");
    }
    let frames = receive_all(&mut ring);
    let first_bytes: Vec<_> = frames.iter().map(|f| f.payload().to_vec()[0]).collect();
    assert_eq!(first_bytes, [100, 200, 101, 201, 102, 202, 103, 203, 4, 104, 204]);
    assert_eq!(frames[8].skipped_before(), 4);
    assert!(frames.iter().enumerate().all(|(i, f)| i == 8 || f.skipped_before() == 0));
    let skipped: Vec<_> = ring.tracks().iter().map(|t| (t.id, t.skipped, t.received)).collect();
    assert_eq!(skipped, [(screen.id(), 4, 10), (camera.id(), 0, 5)]);
    // The bytes of the skipped ones are free, those of the held ones are not.
    assert_eq!(ring.snapshot().slots.iter().filter(|s| s.held_ns.is_some()).count(), 11);
    drop(frames);
    assert_eq!(ring.snapshot().used_bytes, 0);

    // The last picture of a track is not skipped, and neither is anything when it is turned off.
    show(&mut screen, 10);
    let picture = frame_ring::Picture { format, planes: &[(&[11; 16], 4)] };
    screen.send_video(&picture, &Descriptor { flags: Flags::EOS, ..Descriptor::default() }).expect("sent");
    show(&mut screen, 12);
    let seen: Vec<_> = receive_all(&mut ring).iter().map(|f| f.payload().to_vec()[0]).collect();
    assert_eq!(seen, [11, 12]);
    show(&mut screen, 13);
    show(&mut screen, 14);
    ring.keep_latest(screen.id(), false);
    let seen: Vec<_> = receive_all(&mut ring).iter().map(|f| f.payload().to_vec()[0]).collect();
    assert_eq!(seen, [13, 14]);
}

#[test]
fn frames_are_given_back_in_any_order_on_any_thread() {
    let mut ring = RingBuilder::new().data_bytes(256 << 10).slots(64).build().expect("a ring");
    let sender = producer(&ring, "sender");
    let feeder = std::thread::spawn(move || {
        let mut random = Random::new(3);
        for n in 0..4000u64 {
            let len = 8 + random.below(9000) as usize;
            let mut grant = support::claim(&sender, len, Class::Event).expect("room in time");
            grant.write_at(0, &vec![n as u8; len]);
            grant.write_at(0, &n.to_le_bytes());
            grant.commit(&Descriptor::opaque()).expect("committed");
        }
        sender
    });
    let (senders, workers): (Vec<_>, Vec<_>) = (0..3)
        .map(|worker| {
            let (to, from) = std::sync::mpsc::channel::<frame_ring::Frame>();
            let thread = std::thread::spawn(move || {
                let mut random = Random::new(worker);
                let mut held = Vec::new();
                let check = |frame: frame_ring::Frame| {
                    let bytes = frame.payload().to_vec();
                    let n = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
                    assert!(bytes[8..].iter().all(|b| *b == n as u8), "frame {n} was written over");
                };
                // Holds some, but never waits while it holds any: the ring may be full of them.
                loop {
                    match from.try_recv() {
                        Ok(frame) => held.push(frame),
                        Err(std::sync::mpsc::TryRecvError::Disconnected) => break,
                        Err(std::sync::mpsc::TryRecvError::Empty) if held.is_empty() => match from.recv() {
                            Ok(frame) => held.push(frame),
                            Err(_) => break,
                        },
                        Err(_) => check(held.swap_remove(random.below(held.len() as u64) as usize)),
                    }
                    if held.len() > 5 {
                        check(held.swap_remove(random.below(6) as usize));
                    }
                }
                held.into_iter().for_each(check);
            });
            (to, thread)
        })
        .unzip();
    for n in 0..4000u64 {
        let frame = next(&mut ring);
        let mut first = [0; 8];
        assert_eq!(frame.payload().copy_to_slice(&mut first), 8);
        assert_eq!(u64::from_le_bytes(first), n);
        senders[(n % 3) as usize].send(frame).expect("a worker");
    }
    drop(senders);
    workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
    let sender = feeder.join().expect("no panic");
    assert_eq!((ring.snapshot().used_bytes, ring.snapshot().used_slots), (0, 0));
    claim_all(&sender).expect("the whole ring is free");
}

#[test]
fn a_refused_claim_changes_nothing() {
    for (data, slots) in [(64 * 40, 8), (64 * 64, 64), (64 * 7, 4)] {
        let mut ring = RingBuilder::new().data_bytes(data).slots(slots).build().expect("a ring");
        let sender = producer(&ring, "sender");
        let mut random = Random::new(data);
        let mut held = std::collections::VecDeque::new();
        let mut refused = 0;
        for _ in 0..5000 {
            let class = [Class::Video, Class::Audio, Class::Event][random.below(3) as usize];
            let len = random.below(sender.longest(class) as u64 / 2) as usize;
            let before = ring.snapshot();
            match sender.try_claim(len, class) {
                Ok(grant) => {
                    grant.commit(&Descriptor::opaque()).expect("committed");
                    held.push_back(next(&mut ring));
                    let after = ring.snapshot();
                    assert!(after.used_bytes <= data && after.used_slots <= u64::from(slots));
                }
                Err(ClaimError::Full(_)) => {
                    refused += 1;
                    // Neither a claim nor a pad for one: the room that is left is for whoever fits.
                    let after = ring.snapshot();
                    assert_eq!(
                        (after.tail, after.head, &after.slots),
                        (before.tail, before.head, &before.slots)
                    );
                }
                Err(why) => panic!("{why}"),
            }
            if random.below(3) == 0 {
                held.pop_front();
            }
        }
        assert!(refused > 500, "{refused}");
    }
}

#[test]
fn space_comes_back_from_the_oldest_end() {
    let mut ring = RingBuilder::new().data_bytes(1 << 20).slots(8).build().expect("a ring");
    let sender = producer(&ring, "sender");
    for round in 0..20u64 {
        let mut held: Vec<_> = (0..8u64)
            .map(|n| {
                let grant = sender.try_claim(10, Class::Event).expect("room");
                grant.commit(&Descriptor { sequence: n, ..Descriptor::opaque() }).expect("committed");
                Some(next(&mut ring))
            })
            .collect();
        assert_eq!(sender.try_claim(10, Class::Event).map(drop), Err(FULL_SLOTS));
        // All but the oldest: nothing can be claimed yet, for the slots are used one after the other.
        for n in [3, 7, 1, 2, 6, 5] {
            held[n] = None;
            assert_eq!(sender.try_claim(10, Class::Event).map(drop), Err(FULL_SLOTS), "{round}: {n}");
        }
        held[0] = None;
        assert_eq!(ring.snapshot().used_slots, 4, "up to the one that is still held");
        assert_eq!(held[4].as_ref().expect("held").descriptor().sequence, 4);
        held[4] = None;
        assert_eq!(ring.snapshot().used_slots, 0);
    }
}

#[test]
fn frames_dropped_at_the_same_moment_all_come_back() {
    const ROUNDS: u64 = 20_000;
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let (to, from) = std::sync::mpsc::channel::<frame_ring::Frame>();
    let done = Arc::new(AtomicU64::new(0));
    let other = std::thread::spawn({
        let done = done.clone();
        move || {
            for frame in from {
                // They meet while one of them is giving back what the other one's frame holds up, or the other way round.
                drop(frame);
                done.fetch_add(1, Ordering::AcqRel);
            }
        }
    });
    let mut random = Random::new(31);
    let start = std::time::Instant::now();
    for round in 1..=ROUNDS {
        sender.send(b"a", &Descriptor::opaque()).expect("room");
        sender.send(b"b", &Descriptor::opaque()).expect("room");
        let (a, b) = (next(&mut ring), next(&mut ring));
        to.send(a).expect("it listens");
        for _ in 0..random.below(300) {
            std::hint::spin_loop();
        }
        drop(b);
        while done.load(Ordering::Acquire) < round {
            std::thread::yield_now();
        }
        // Without anybody asking for a frame: whoever was last has cleared up for the one who met it at work.
        assert_eq!(ring.snapshot().used_slots, 0, "round {round}");
        if start.elapsed() > Duration::from_secs(20) {
            break;
        }
    }
    drop(to);
    other.join().expect("no panic");
}

#[test]
fn a_grant_that_is_dropped_gives_its_bytes_back() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    for _ in 0..100 {
        drop(claim_all(&sender).expect("room"));
        assert!(ring.try_recv().expect("no error").is_none());
    }
    assert_eq!(sender.stats().expect("counters").aborted, 100);
    // A refused commit is a claim given up, too.
    let lie = Descriptor::new(Body::Video(VideoFormat::packed(FourCc::I420, 64, 64).expect("a format")));
    let grant = sender.try_claim(10, Class::Video).expect("room");
    assert!(matches!(grant.commit(&lie), Err(frame_ring::CommitError::Descriptor(_))));
    let grant = sender.try_claim(10, Class::Video).expect("room");
    let too_long = frame_ring::CommitError::TooLong { len: 11, claimed: 10 };
    assert_eq!(grant.commit_len(11, &Descriptor::opaque()), Err(too_long));
    assert!(ring.try_recv().expect("no error").is_none());
    assert_eq!(sender.stats().expect("counters").aborted, 102);
    assert_eq!(ring.snapshot().used_slots, 0);
    claim_all(&sender).expect("the whole ring is free");
}

#[test]
fn all_tracks_in_use_is_an_error_and_ended_ones_are_used_again() {
    let mut ring = RingBuilder::new().tracks(3).build().expect("a ring");
    let sender = producer(&ring, "sender");
    let mut tracks: Vec<_> = (0..3).map(|_| track(&sender)).collect();
    let full = sender.track(&TrackInfo::default()).expect_err("all in use");
    assert_eq!(full, frame_ring::TracksFull { tracks: 3 });
    let old = tracks.remove(1);
    let old_id = old.id();
    // What is wanted of one track is not said of its successor.
    assert!(ring.set_demand(old_id, Demand { max_size: (1, 1), max_fps_milli: 1, wanted: false }));
    drop(old);
    let mut new = track(&sender);
    assert_ne!(new.id(), old_id, "an id is not used twice");
    assert!(!sender.wants(old_id) && !ring.set_demand(old_id, Demand::NONE));
    assert_eq!(new.demand(), Demand::ALL);
    new.send_bytes(b"x", &Descriptor::opaque()).expect("sent");
    assert_eq!(next(&mut ring).descriptor().track, new.id());
}

/// The states of a track's entry.
const OPENING: u32 = 1;
const ENDED: u32 = 3;

#[test]
fn an_entry_comes_back_whose_producer_died_just_as_it_took_it() {
    let ring = RingBuilder::new().tracks(1).build().expect("a ring");
    let (dead, living) = (Raw::join(&ring, "dead"), producer(&ring, "living"));
    let entry = dead.region.track(0).expect("an entry");
    entry.state.store(OPENING | u32::from(dead.owner) << 8, Ordering::SeqCst);
    assert!(living.track(&TrackInfo::default()).is_err(), "it is taken");
    drop(dead);
    until("it is ended", || living.track(&TrackInfo::default()).is_ok());
}

#[test]
fn a_death_ends_no_track_that_another_producer_opens() {
    let ring = RingBuilder::new().tracks(1).build().expect("a ring");
    let (first, second) = (producer(&ring, "first"), Raw::join(&ring, "second"));
    drop(track(&first));
    let entry = second.region.track(0).expect("an entry");
    assert_eq!(entry.state.load(Ordering::SeqCst), ENDED | u32::from(first.id()) << 8);
    // The second one has just taken the entry, and written nothing else.
    let taken = OPENING | u32::from(second.owner) << 8;
    entry.state.store(taken, Ordering::SeqCst);
    drop(first);
    until("the first one is gone", || ring.producers() == 1);
    assert_eq!(entry.state.load(Ordering::SeqCst), taken);
}

#[test]
fn a_patient_track_waits_for_room() {
    let mut ring = support::ring(64 << 10);
    let sender = producer(&ring, "sender");
    let mut track = track(&sender);
    let bytes = vec![1; sender.longest(Class::Video)];
    track.send_bytes(&bytes, &Descriptor::opaque()).expect("room");
    assert_eq!(track.send_bytes(&bytes, &Descriptor::opaque()), Err(SendError::Claim(FULL_BYTES)));
    track.set_patience(Duration::from_millis(1));
    assert_eq!(track.send_bytes(&bytes, &Descriptor::opaque()), Err(SendError::Claim(FULL_BYTES)));
    track.set_patience(HANG);
    let feeder = std::thread::spawn(move || {
        for _ in 0..20 {
            assert_eq!(track.send_bytes(&bytes, &Descriptor::opaque()), Ok(Sent::Committed));
        }
        track
    });
    let dropped: Vec<_> = (0..21).map(|_| next(&mut ring).descriptor().dropped_before).collect();
    assert_eq!((dropped[1], dropped.iter().sum::<u32>()), (2, 2));
    drop(feeder.join().expect("no panic"));
}
