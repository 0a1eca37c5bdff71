//! A process that has the ring mapped and writes garbage over it while honest traffic goes on: it may cost frames, and
//! the ring itself; it never makes the consumer or an honest producer panic, hang or read outside.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frame_ring::{
    Class, Consumer, Descriptor, EventInfo, FourCc, Hub, HubItem, Observer, Picture, Producer, RecvError,
    RingBuilder, TrackInfo, VideoFormat,
};
use frame_ring_core::arena::Arena;
use frame_ring_core::word::{Cursor, SlotWord, State};
use support::child::{self, Actor};
use support::raw::Raw;
use support::{in_time, producer, Random, HANG};

#[test]
fn child_entry() {
    child::play(|_, argument| {
        let (kind, seed) = argument.split_once(' ').expect("two words");
        // SAFETY: the descriptor was inherited for this call alone.
        let socket = unsafe {
            let number = std::env::var(frame_ring::FD_VARIABLE).expect("set").parse().expect("a number");
            <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(number)
        };
        let raw = Raw::join_over(socket, "scribbler");
        let mut random = Random::new(seed.parse().expect("a number"));
        child::say("attached");
        child::hear();
        for _ in 0..10_000 {
            scribble(&raw, &mut random, kind);
        }
        child::say("done");
    });
}

const KINDS: [&str; 7] = ["anything", "control", "words", "plausible", "descriptors", "tables", "payloads"];

/// Writes one word.
fn scribble(raw: &Raw, random: &mut Random, kind: &str) {
    let words = raw.words();
    let layout = *raw.region.layout();
    let slots = u64::from(layout.geometry.slots());
    let slot = random.below(slots);
    let value = interesting(random);
    let index = |offset: u64| (offset / 8) as usize;
    let at = match kind {
        // The header was read once and is never looked at again.
        "anything" => random.below(words.len() as u64) as usize,
        // `tail`, `head`, `wake`, `space`, `closed`; the last one mostly left alone, for it ends the traffic.
        "control" => {
            let word = if random.below(64) == 0 { 4 } else { random.below(4) };
            index(4096 + 128 * word)
        }
        "words" => index(layout.slots_offset + 256 * slot),
        "plausible" => {
            plausible(raw, random, slot);
            return;
        }
        "descriptors" => index(layout.slots_offset + 256 * slot + 64 + 8 * random.below(24)),
        "tables" => index(8192 + 8 * random.below((layout.slots_offset - 8192) / 8)),
        _ => index(layout.data_offset + 8 * random.below(layout.data_bytes() / 8)),
    };
    words[at].store(value, Ordering::SeqCst);
}

/// Values at the edges of what the words mean are likelier to do harm than random ones.
fn interesting(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => random.word(),
        1 => 0,
        2 => u64::MAX,
        3 => random.below(256),
        4 => 1 << random.below(64),
        _ => random.word() & random.word() & random.word(),
    }
}

/// A word that could be true: of the round that is due, with any owner, state and length.
fn plausible(raw: &Raw, random: &mut Random, slot: u64) {
    let geometry = raw.region.geometry();
    let word = &raw.region.slot(slot as u32).word;
    let seen = SlotWord(word.load(Ordering::SeqCst));
    let state = [State::Free, State::Claimed, State::Committed, State::Aborted][random.below(4) as usize];
    let len = match random.below(4) {
        0 => seen.len(),
        1 => random.below(8) as u32,
        2 => random.below(u64::from(geometry.capacity()) + 2) as u32,
        _ => (1 << 28) - 1,
    };
    let lap = seen.lap().wrapping_add(random.below(3) as u32) & ((1 << 26) - 1);
    word.store(SlotWord::new(lap, state, random.below(256) as u8, len).0, Ordering::SeqCst);
    if random.below(4) == 0 {
        let tail = Cursor(raw.region.control().tail.0.load(Ordering::SeqCst));
        let moved = Cursor::new(
            random.below(2 * u64::from(geometry.capacity())) as u32,
            tail.index().wrapping_add(random.below(5)).wrapping_sub(2),
        );
        raw.region.control().tail.0.store(moved.0, Ordering::SeqCst);
    }
}

fn small_ring() -> Consumer {
    RingBuilder::new().data_bytes(64 << 10).slots(32).tracks(4).build().expect("a ring")
}

/// Honest traffic until it is told to stop. Errors are all right, of whatever kind; panics are not.
fn honest(producer: &Producer, stop: &AtomicBool) {
    let format = VideoFormat::packed(FourCc::NV12, 33, 17).expect("a format");
    let pixels = [7; 2000];
    let mut track = None;
    let mut random = Random::new(5);
    while !stop.load(Ordering::Relaxed) {
        track = track.or_else(|| producer.track(&TrackInfo::default()).ok());
        if let Some(track) = &mut track {
            let picture = Picture { format, planes: &[(&pixels, 33), (&pixels, 34)] };
            let _ = track.send_video(&picture, &Descriptor::default());
            let _ = (track.wants_now(), track.demand());
            let event = Descriptor::event(EventInfo::default());
            let _ = track.send_bytes(&pixels[..random.below(200) as usize], &event);
        }
        if random.below(20) == 0 {
            track = None;
        }
        let _ = producer.claim_timeout(random.below(9000) as usize, Class::Audio, Duration::from_micros(50));
        let _ = (producer.stats().map(|stats| stats.label.to_string()), producer.wants(1));
    }
}

/// Receives in all ways, looks at everything, and returns how many frames came, and whether the ring is poisoned.
fn receive(ring: &mut Consumer, random: &mut Random, held: &mut Vec<frame_ring::Frame>) -> (u64, bool) {
    let mut frames = 0;
    for _ in 0..20 {
        let received = match random.below(4) {
            0 => ring.recv_timeout(Duration::from_micros(100)),
            1 => ring.recv_in_claim_order(Duration::ZERO),
            _ => ring.try_recv(),
        };
        match received {
            Ok(Some(frame)) => {
                frames += 1;
                look_at(&frame);
                held.push(frame);
            }
            Ok(None) | Err(RecvError::BadFrame { .. }) => {}
            Err(RecvError::Poisoned(why)) => {
                assert!(!why.to_string().is_empty());
                return (frames, true);
            }
            Err(why) => panic!("{why}"),
        }
        while held.len() as u64 > random.below(8) {
            held.swap_remove(random.below(held.len() as u64) as usize);
        }
    }
    let snapshot = ring.snapshot();
    assert!(snapshot.slots.len() <= 32 && snapshot.used_bytes <= 64 << 10);
    let _ = (snapshot.name(), snapshot.oldest_held_ns(), format!("{snapshot:?}").len());
    for track in ring.tracks() {
        let _ = (format!("{track:?}").len(), track.latency_below_us(0.99));
        ring.set_demand(track.id, frame_ring::Demand { max_fps_milli: 3, ..frame_ring::Demand::ALL });
    }
    ring.keep_latest(1, random.below(2) == 0);
    let _ = (format!("{:?}", ring.producer_stats()).len(), ring.producers());
    (frames, false)
}

fn look_at(frame: &frame_ring::Frame) {
    let descriptor = frame.descriptor();
    let payload = frame.payload();
    assert_eq!(payload.len(), descriptor.payload_len as usize);
    assert!(payload.len() <= 64 << 10);
    let sum: u64 = payload.to_vec().iter().map(|byte| u64::from(*byte)).sum();
    assert!(sum <= 255 * (64 << 10));
    let mut to = vec![0; 1 << 16];
    for plane in frame.video().iter().flat_map(|view| view.planes().collect::<Vec<_>>()) {
        let inside = payload.as_ptr() as usize..=payload.as_ptr() as usize + payload.len();
        let bytes = plane.bytes();
        assert!(inside.contains(&(bytes.as_ptr() as usize)));
        assert!(inside.contains(&(bytes.as_ptr() as usize + bytes.len())));
        plane.copy_to(&mut to, plane.row_bytes());
        assert!(plane.row(plane.rows()).is_none());
    }
    if let Some(sound) = frame.audio() {
        let _ =
            (0..9).filter_map(|plane| sound.plane(plane)).map(|plane| plane.to_vec().len()).sum::<usize>();
    }
    let _ = format!("{descriptor:?}").len();
}

/// Two honest producers, who come before the ring is spoilt: nobody can come to one whose header is.
fn honest_producers(ring: &Consumer) -> [Producer; 2] {
    [producer(ring, "honest"), producer(ring, "honest, too")]
}

/// Honest traffic for as long as somebody scribbles or until the ring is poisoned. Returns how many frames arrived, and
/// whether it was.
fn suffer(
    mut ring: Consumer,
    producers: &[Producer],
    seed: u64,
    still_scribbling: impl Fn() -> bool,
) -> (u64, bool) {
    let stop = AtomicBool::new(false);
    let mut random = Random::new(seed);
    std::thread::scope(|scope| {
        for producer in producers {
            scope.spawn(|| honest(producer, &stop));
        }
        let mut held = Vec::new();
        let (mut frames, mut poisoned) = (0, false);
        let start = Instant::now();
        while still_scribbling() && !poisoned {
            assert!(start.elapsed() < HANG, "it goes on for ever");
            let (more, end) = receive(&mut ring, &mut random, &mut held);
            frames += more;
            poisoned = end;
        }
        stop.store(true, Ordering::Relaxed);
        held.iter().for_each(look_at);
        drop(ring);
        held.iter().for_each(look_at);
        (frames, poisoned)
    })
}

#[test]
fn a_scribbling_thread_harms_nobody() {
    for (kind, round) in KINDS.iter().flat_map(|kind| (0..5).map(move |round| (kind, round))) {
        let ring = small_ring();
        let raw = Raw::join(&ring, "scribbler");
        let producers = honest_producers(&ring);
        let done = AtomicBool::new(false);
        let (frames, poisoned) = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random::new(round);
                // In small steps, so that honest words come in between, and at once.
                for step in 0..2000u64 {
                    scribble(&raw, &mut random, kind);
                    if step % (16 << round) == 0 {
                        std::thread::yield_now();
                    }
                }
                done.store(true, Ordering::SeqCst);
            });
            suffer(ring, &producers, round, || !done.load(Ordering::SeqCst))
        });
        // Neither descriptors, payloads nor names decide where a frame lies.
        if ["descriptors", "tables", "payloads"].contains(kind) {
            assert!(!poisoned, "{kind}: after {frames} frames");
        }
    }
}

#[test]
fn a_scribbling_process_harms_nobody() {
    for (seed, kind) in KINDS.iter().enumerate() {
        let ring = small_ring();
        let mut child = Actor::invited(&ring, "scribble", &format!("{kind} {seed}"));
        child.expect("attached");
        let producers = honest_producers(&ring);
        let done = AtomicBool::new(false);
        child.tell("go");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                child.expect("done");
                done.store(true, Ordering::SeqCst);
            });
            suffer(ring, &producers, seed as u64, || !done.load(Ordering::SeqCst));
        });
    }
}

#[test]
fn a_poisoned_ring_leaves_its_hub_alone() {
    let mut hub = Hub::new().expect("a hub");
    let bad = small_ring();
    let scribbler = Raw::join(&bad, "scribbler");
    let bad = hub.add(bad).expect("added");
    let good = support::ring(1 << 16);
    let sender = producer(&good, "honest");
    let good = hub.add(good).expect("added");
    scribbler.region.slot(0).word.store(u64::MAX, Ordering::SeqCst);
    let (mut frames, mut errors) = (0, 0);
    for n in 0..50u8 {
        sender.send(&[n], &Descriptor::opaque()).expect("room");
        while frames <= n {
            match in_time(|| hub.recv_timeout(HANG)).expect("no error").expect("an item in time") {
                HubItem::Frame(ring, frame) => {
                    assert_eq!((ring, frame.payload().to_vec()), (good, vec![n]));
                    frames += 1;
                }
                HubItem::Error(ring, RecvError::Poisoned(_), Some(_)) if ring == bad => errors += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((errors, hub.ids().collect::<Vec<_>>()), (1, vec![good]));
}

#[test]
fn an_observer_bears_anything() {
    let ring = small_ring();
    let raw = Raw::join(&ring, "scribbler");
    let observer = Observer::from_memfd(raw.memfd.try_clone().expect("another")).expect("a ring");
    let mut random = Random::new(77);
    for turn in 0..4000 {
        scribble(&raw, &mut random, KINDS[turn % 6]);
        let snapshot = observer.snapshot();
        assert!(snapshot.slots.len() <= 32 && snapshot.used_bytes <= 64 << 10 && snapshot.tracks.len() <= 4);
        if turn % 100 == 0 {
            let shown = format!("{snapshot:?} {}", snapshot.name());
            assert!(!shown.contains('\x1b'), "names are made harmless");
        }
    }
}
