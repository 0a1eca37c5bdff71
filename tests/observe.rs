//! What somebody sees who looks at a ring without taking part in it.

mod support;

use std::os::fd::AsRawFd;

use frame_ring::{
    Class, ConnectError, Demand, Descriptor, Observer, Producer, RingBuilder, State, Text, TrackInfo,
    TrackKind, TrackSource,
};
use support::raw::{self, Raw};
use support::{next, producer, until, TempDir};

#[test]
fn an_observer_sees_what_the_consumer_sees() {
    let dir = TempDir::new();
    let path = dir.join("ring");
    let mut ring =
        RingBuilder::new().data_bytes(1 << 16).slots(16).tracks(4).name("seen").build().expect("a ring");
    ring.listen(&path).expect("a socket");
    let observer = Observer::connect(&path).expect("an observer");
    assert_eq!(ring.producers(), 0, "an observer is no producer");
    let empty = observer.snapshot();
    assert_eq!((empty.used_bytes, empty.used_slots, empty.closed), (0, 0, false));
    assert_eq!((empty.slots.len(), empty.producers.len(), empty.tracks.len()), (0, 0, 0));
    assert_eq!((empty.name(), empty.oldest_held_ns()), ("seen".into(), None));
    assert_eq!(empty.mapped_bytes, empty.header.total_bytes);

    let sender = Producer::connect(&path, "a sender").expect("connected");
    let info = TrackInfo {
        source_id: 77,
        participant: Text::new("participant-1"),
        ..TrackInfo::new(TrackKind::Audio, TrackSource::Microphone, "Zoë's microphone")
    };
    let mut track = sender.track(&info).expect("a track");
    for n in 0..5u8 {
        track.send_bytes(&[n; 100], &Descriptor::opaque()).expect("room");
    }
    let (first, second, third) = (next(&mut ring), next(&mut ring), next(&mut ring));
    drop(second);
    let open = sender.try_claim(1000, Class::Event).expect("room");
    drop(sender.try_claim(1, Class::Event).expect("room"));
    ring.set_demand(track.id(), Demand { max_size: (1280, 720), max_fps_milli: 15_000, wanted: true });

    let seen = observer.snapshot();
    let states: Vec<_> =
        seen.slots.iter().map(|slot| (slot.index, slot.state, slot.owner, slot.bytes)).collect();
    let committed = |index| (index, State::Committed, sender.id(), 128);
    assert_eq!(
        states,
        [
            committed(0),
            committed(1),
            committed(2),
            committed(3),
            committed(4),
            (5, State::Claimed, sender.id(), 1024),
            (6, State::Aborted, sender.id(), 64),
        ]
    );
    assert_eq!((seen.used_slots, seen.used_bytes), (7, 5 * 128 + 1024 + 64));
    // The first and the third are held, the second was given back, the others were not taken yet.
    let held: Vec<_> = seen.slots.iter().map(|slot| slot.held_ns.is_some()).collect();
    assert_eq!(held, [true, false, true, false, false, false, false]);
    assert_eq!(seen.oldest_held_ns(), seen.slots[0].held_ns);
    let later = observer.snapshot();
    assert!(later.slots[0].held_ns >= seen.slots[0].held_ns && later.mono_ns >= seen.mono_ns);

    let [(id, stats)] = seen.producers[..] else { panic!("one producer") };
    assert_eq!(
        (id, stats.connected, stats.generation, stats.pid),
        (sender.id(), true, 1, std::process::id())
    );
    assert_eq!((stats.frames, stats.bytes, stats.aborted), (5, 500, 1));
    assert_eq!((stats.full_bytes, stats.full_slots, stats.too_long, stats.unwanted), (0, 0, 0, 0));
    assert_eq!(stats.label.to_string(), "a sender");
    let [stats] = seen.tracks[..] else { panic!("one track") };
    assert_eq!((stats.id, stats.owner, stats.live, stats.info), (track.id(), sender.id(), true, Some(info)));
    assert_eq!((stats.sent, stats.sent_bytes, stats.received, stats.received_bytes), (5, 500, 3, 300));
    assert_eq!(stats.demand, Demand { max_size: (1280, 720), max_fps_milli: 15_000, wanted: true });
    assert!(stats.latency_below_us(1.0).is_some());

    // The consumer sees the same.
    let own = ring.snapshot();
    assert_eq!((own.slots.len(), own.used_bytes, own.header), (7, seen.used_bytes, seen.header));
    assert_eq!((&own.producers, &own.tracks), (&seen.producers, &seen.tracks));
    assert_eq!((own.producers, own.tracks), (ring.producer_stats(), ring.tracks()));

    // Who is in the track changes.
    let other = TrackInfo { source_id: 78, ..TrackInfo::new(TrackKind::Audio, TrackSource::Mixed, "others") };
    track.set_info(&other);
    assert_eq!(observer.snapshot().tracks[0].info, Some(other));
    drop(open);
    drop((first, third, track, sender));
    until("it is dismissed", || ring.producers() == 0);
    while ring.try_recv().is_ok_and(|frame| frame.is_some()) {}
    let seen = observer.snapshot();
    assert!(!seen.producers[0].1.connected && !seen.tracks[0].live);
    assert_eq!((seen.used_bytes, seen.used_slots, seen.tracks[0].received), (0, 0, 5));
    // The ring outlives its consumer in the eyes of the observer.
    drop(ring);
    assert!(observer.snapshot().closed);
    assert!(matches!(Observer::connect(&path), Err(ConnectError::Unreachable { .. })));
}

#[test]
fn a_claim_that_stays_unfinished_is_named() {
    let mut ring = support::ring(1 << 20);
    let (slow, quick) = (producer(&ring, "slow"), producer(&ring, "quick"));
    let stuck = slow.try_claim(1000, Class::Event).expect("room");
    let ended = quick.try_claim(64, Class::Event).expect("room");
    let earlier = ring.snapshot();
    drop(ended);
    let _later = quick.try_claim(64, Class::Event).expect("room");
    assert!(ring.try_recv().expect("a sound ring").is_none());
    let now = ring.snapshot();
    let named: Vec<_> = now.unfinished_since(&earlier).map(|slot| (slot.owner, slot.bytes)).collect();
    assert_eq!(named, [(slow.id(), 1024)]);
    stuck.commit(&Descriptor::opaque()).expect("committed");
    assert_eq!(ring.snapshot().unfinished_since(&earlier).count(), 0);
}

#[test]
fn an_observer_does_not_count_as_somebody_who_may_send() {
    let mut ring = support::ring(1 << 16);
    let socket = ring.invite().expect("an invitation").into_fd();
    raw::send_bytes(&socket, &raw::hello(1, 2, b"")).expect("sent");
    let (answer, fds) = raw::receive(&socket).expect("an answer");
    assert_eq!((raw::code_and_owner(&answer), fds.len()), ((0, 0), 1), "the memfd alone");
    assert_eq!(support::recv(&mut ring).map(drop), Err(frame_ring::RecvError::Disconnected));
    let [memfd] = <[_; 1]>::try_from(fds).expect("one");
    assert_eq!(Observer::from_memfd(memfd).expect("a ring").snapshot().header, ring.snapshot().header);
}

#[test]
fn a_ring_is_found_in_proc() {
    let ring = support::ring(1 << 16);
    let raw = Raw::join(&ring, "raw");
    let path = format!("/proc/self/fd/{}", raw.memfd.as_raw_fd());
    let file = std::fs::File::open(path).expect("opened");
    assert_eq!(Observer::from_memfd(file).expect("a ring").snapshot().header, raw.header);
}

#[test]
fn names_are_shown_without_harm() {
    let ring = RingBuilder::new().name("ring\x1b[2J\n\0behind").build().expect("a ring");
    assert_eq!(ring.snapshot().name(), "ring\u{fffd}[2J\u{fffd}");
    let sender = producer(&ring, "\x1b[31mred\u{202e}");
    let track =
        sender.track(&TrackInfo::new(TrackKind::Data, TrackSource::Tab, "\r\x07bell")).expect("a track");
    assert_eq!(ring.producer_stats()[0].1.label.to_string(), "\u{fffd}[31mred\u{202e}");
    let info = ring.tracks()[0].info.expect("an info");
    assert_eq!((info.label.to_string(), info.source), ("\u{fffd}\u{fffd}bell".into(), TrackSource::Tab));
    drop(track);
}

#[test]
fn the_times_of_frames_are_counted_by_powers_of_two() {
    let mut ring = support::ring(1 << 16);
    let sender = producer(&ring, "sender");
    let mut track = sender.track(&TrackInfo::default()).expect("a track");
    // Sent "an hour" ago, and never: the last bucket, and none.
    let long_ago = Descriptor { mono_ns: 1, ..Descriptor::opaque() };
    track.send_bytes(b"old", &long_ago).expect("room");
    drop(next(&mut ring));
    let timeless = Descriptor { track: track.id(), ..Descriptor::opaque() };
    sender.send(b"timeless", &timeless).expect("room");
    let held = next(&mut ring);
    assert!(ring.snapshot().slots.iter().all(|slot| slot.held_ns.is_none()), "nothing to count from");
    drop(held);
    // From the future: no latency at all.
    let early = Descriptor { mono_ns: u64::MAX, ..Descriptor::opaque() };
    track.send_bytes(b"early", &early).expect("room");
    drop(next(&mut ring));
    let [stats] = ring.tracks()[..] else { panic!("one track") };
    let last = frame_ring::LATENCY_BUCKETS - 1;
    assert_eq!((stats.latency[last], stats.latency[0]), (1, 1));
    assert_eq!(stats.latency.iter().sum::<u32>(), 2);
    assert_eq!((stats.received, stats.sent), (3, 2));
    assert_eq!((stats.latency_below_us(0.5), stats.latency_below_us(1.0)), (Some(1), Some(1 << last)));
}
