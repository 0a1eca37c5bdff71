//! Attacks with a target, one after the other: each must end as is written here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use frame_ring::{
    ClaimError, Consumer, Descriptor, Hub, HubItem, Observer, Poison, Producer, RecvError, RingBuilder,
    SendError, TrackInfo, TrackKind, TrackSource,
};
use frame_ring_core::arena::Arena;
use frame_ring_core::word::{Cursor, SlotWord, State};
use nix::fcntl::{fallocate, fcntl, FallocateFlags, FcntlArg, OFlag};

use crate::scribbler::{models, Kind};
use crate::support::raw::Raw;
use crate::support::{in_time, next, producer, recv, ring, text, until, HANG};
use crate::traffic::Witness;

/// Makes a call that must return, on a thread of its own: one that never does is told, and not waited for.
fn returns<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waits) = channel();
    std::thread::spawn(move || done.send(call()));
    waits.recv_timeout(HANG).unwrap_or_else(|_| panic!("{what} never returns"))
}

fn small_ring() -> Consumer {
    RingBuilder::new().data_bytes(64 << 10).slots(32).tracks(4).build().expect("a ring")
}

/// The first frame of a ring that is as it should be.
fn works(hub_or_ring: &mut Consumer, sender: &Producer) {
    sender.send(b"check", &Descriptor::opaque()).expect("room");
    assert_eq!(text(&next(hub_or_ring)), "check");
}

#[test]
fn a_poisoned_ring_leaves_its_hub_alone() {
    let mut hub = Hub::new().expect("a hub");
    let bad = small_ring();
    let scribbler = Raw::join(&bad, "scribbler");
    let bad = hub.add(bad).expect("added");
    let good = ring(1 << 16);
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

/// Every 16 bits of every kind of descriptor, set to the edges of what they can be.
#[test]
fn no_descriptor_makes_a_frame_that_is_not_there() {
    let mut ring = small_ring();
    let raw = Raw::join(&ring, "liar");
    // The addresses are checked by the campaign, which knows where the ring lies.
    let mut witness = Witness::new(0..usize::MAX, Kind::Formats, vec![]);
    let mut bad = BTreeMap::<String, u64>::new();
    let mut random = crate::support::Random::new(3);
    for model in models() {
        let true_one = *model.encode().expect("a true one").words();
        for (word, lane) in (0..24).flat_map(|word| (0..4).map(move |lane| (word, 16 * lane))) {
            for edge in [0, 1, 2, 0x3f, 0x40, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff] {
                let mut words = true_one;
                words[word] = words[word] & !(0xffff << lane) | edge << lane;
                raw.send_described(model.payload_len as usize, &words);
                match ring.try_recv() {
                    Ok(Some(frame)) => witness.see(frame),
                    Err(RecvError::BadFrame { producer, why }) => {
                        assert_eq!(producer, raw.owner);
                        let name =
                            format!("{why:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned();
                        *bad.entry(name).or_default() += 1;
                    }
                    other => panic!("{other:?}"),
                }
                // The oldest one too: behind it nothing is free.
                let keep = if edge == 0xffff { 0 } else { 3 };
                witness.release(keep, &mut random);
            }
        }
    }
    let all = witness.frames + bad.values().sum::<u64>();
    assert_eq!(all, models().len() as u64 * 24 * 4 * 12);
    println!("{all} descriptors, {} of them true: {bad:?}", witness.frames);
    assert!(witness.frames > 1000 && bad.len() >= 6, "{bad:?}");
}

#[test]
fn slots_that_point_over_each_other_are_found_before_they_are_read() {
    let mut ring = small_ring();
    let raw = Raw::join(&ring, "liar");
    let capacity = raw.region.geometry().capacity();
    let claims = [(capacity / 2, 0), (capacity / 2, 1), (1, 2)];
    for (len, slot) in claims {
        raw.region.write_descriptor(slot, Descriptor::opaque().encode().expect("fine").used());
        let word = SlotWord::new(0, State::Committed, raw.owner, len);
        raw.region.word(slot).store(word.0, Ordering::SeqCst);
    }
    let held = [next(&mut ring), next(&mut ring)];
    let over_them = RecvError::Poisoned(Poison::Length { index: 2, claimed: 1, room: 0 });
    assert_eq!(ring.try_recv().expect_err("over those that are held"), over_them);
    drop(held);
    assert_eq!(ring.try_recv().expect_err("poison stays"), over_them);
}

#[test]
fn a_broken_rule_reaches_the_receiver_by_its_name() {
    let word = |lap, state, owner| SlotWord::new(lap, state, owner, 1);
    let poisoned_by = |words: &[SlotWord]| {
        let mut ring = small_ring();
        let raw = Raw::join(&ring, "liar");
        let mut end = Ok(None);
        for word in words {
            raw.region.word(0).store(word.0, Ordering::SeqCst);
            end = ring.try_recv();
        }
        end.expect_err("no frame")
    };
    let lap = Poison::Lap { index: 0, expected: 0, found: 3 };
    assert_eq!(poisoned_by(&[word(3, State::Committed, 1)]), RecvError::Poisoned(lap));
    let (seen, now) = (word(0, State::Claimed, 1), word(0, State::Committed, 2));
    let changed = Poison::Changed { index: 0, expected: seen.0, found: now.0 };
    assert_eq!(poisoned_by(&[seen, now]), RecvError::Poisoned(changed));
}

/// `tail` and `head` at all places: producers are told, in time, and the consumer goes on or says what is wrong.
#[test]
fn moved_cursors_end_in_typed_errors() {
    let capacity = small_ring().snapshot().header.data_bytes / 64;
    let moves = [0, 1, 33, capacity - 1, capacity, 2 * capacity - 1, 2 * capacity, (1 << 28) - 1];
    let steps = [0, 1, 2, 9, 31, 32, 33, 64, 1 << 35, (1 << 36) - 1, (1 << 36) - 5];
    let mut seen = BTreeMap::<&str, u64>::new();
    for (which, by, step) in (0..2)
        .flat_map(|which| moves.map(|by| (which, by)))
        .flat_map(|(which, by)| steps.map(|step| (which, by, step)))
    {
        let mut ring = small_ring();
        let raw = Raw::join(&ring, "scribbler");
        let honest = producer(&ring, "honest");
        (0..5).for_each(|_| works(&mut ring, &honest));
        let control = raw.region.control();
        let cursor = [&control.tail.0, &control.head.0][which];
        let was = Cursor(cursor.load(Ordering::SeqCst));
        let pos = (was.pos() + by as u32) & ((1 << 28) - 1);
        cursor.store(Cursor::new(pos, was.index().wrapping_add(step)).0, Ordering::SeqCst);
        // Enough of them are held that the ring is not drained, and goes round.
        let mut held = VecDeque::new();
        for _ in 0..80 {
            let outcome = match in_time(|| honest.send(&[1; 2100], &Descriptor::opaque())) {
                Ok(()) => "sent",
                Err(SendError::Claim(ClaimError::Corrupt)) => "corrupt",
                Err(SendError::Claim(ClaimError::Full(_))) => "full",
                Err(why) => panic!("{why}"),
            };
            *seen.entry(outcome).or_default() += 1;
            match in_time(|| ring.try_recv()) {
                Ok(Some(frame)) => {
                    *seen.entry("received").or_default() += 1;
                    held.push_back(frame);
                    held.drain(..held.len().saturating_sub(8));
                }
                Ok(None) => held.clear(),
                Err(RecvError::Poisoned(_)) => {
                    *seen.entry("poisoned").or_default() += 1;
                    break;
                }
                Err(why) => panic!("{why}"),
            }
        }
    }
    println!("{seen:?}");
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), ["corrupt", "full", "poisoned", "received", "sent"]);
}

#[test]
fn a_track_table_full_of_lies_is_told_as_it_is() {
    let mut ring = small_ring();
    let raw = Raw::join(&ring, "liar");
    let honest = producer(&ring, "honest");
    let observer = Observer::from_memfd(raw.memfd.try_clone().expect("another")).expect("a ring");
    let track = honest.track(&TrackInfo::new(TrackKind::Audio, TrackSource::Tab, "Ada")).expect("a track");
    let entry = raw.region.track(0).expect("the first");

    // Being written for ever.
    entry.version.store(7, Ordering::SeqCst);
    let told = in_time(|| ring.tracks());
    assert_eq!((told.len(), told[0].id, told[0].info), (1, track.id(), None));

    // Names without end that are no UTF-8, or that would drive a terminal; a kind and a source that don't exist.
    for bytes in [[0xff; 8], [0xf4; 8], [0x1b; 8], [0xe2; 8], *b"\xf0\x9f\x98\x80\x1b[2J"] {
        entry.version.store(8, Ordering::SeqCst);
        entry.info.iter().for_each(|word| word.store(u64::from_le_bytes(bytes), Ordering::SeqCst));
        for info in [ring.tracks()[0].info, observer.snapshot().tracks[0].info] {
            let info = info.expect("it is not being written");
            assert_eq!((info.kind, info.source), (TrackKind::Data, TrackSource::Unknown));
            let (label, participant) = (info.label.to_string(), info.participant.to_string());
            assert!(
                label.chars().count() <= 56 && participant.chars().count() <= 40,
                "{label} {participant}"
            );
            assert!(!label.contains('\x1b') && !participant.contains('\x1b'));
        }
    }
    let producers = raw.region.producer(honest.id());
    producers.label.iter().for_each(|word| word.store(u64::MAX, Ordering::SeqCst));
    assert_eq!(observer.snapshot().producers[1].1.label.to_string(), "\u{fffd}".repeat(56));

    // Ids, states and owners of nobody: the track can't be told from others any more, and nothing else comes of it.
    for (id, state) in [(0, 0), (u32::MAX, u32::MAX), (2, 256), (0xffff_0001, 0xff02), (5, 0x0103)] {
        entry.id.store(id, Ordering::SeqCst);
        entry.state.store(state, Ordering::SeqCst);
        assert!(!ring.set_demand(track.id(), frame_ring::Demand::NONE));
        let _ = (ring.tracks(), observer.snapshot(), track.demand(), honest.wants(id));
        works(&mut ring, &honest);
    }
    drop(track);
    works(&mut ring, &honest);
}

/// Who has the file can give its pages back, but for the seals: what is read there then is zeros, and no bus error.
#[test]
fn holes_in_the_memory_read_as_zeros() {
    let mut ring = small_ring();
    let raw = Raw::join(&ring, "scribbler");
    let honest = producer(&ring, "honest");
    honest.send(&[7; 9000], &Descriptor::opaque()).expect("room");
    let held = next(&mut ring);
    let data = ring.snapshot().header.data_offset;
    let all = ring.snapshot().mapped_bytes;
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(&raw.memfd, flags, data as i64, (all - data) as i64).expect("a hole");
    assert_eq!(held.payload().to_vec(), [0; 9000]);
    works(&mut ring, &honest);
    // All of it, header, control words and tables: an empty ring in the middle of its life.
    fallocate(&raw.memfd, flags, 0, all as i64).expect("a hole");
    drop(held);
    let outcome = in_time(|| honest.send(b"x", &Descriptor::opaque()));
    assert!(matches!(outcome, Ok(()) | Err(SendError::Claim(_))), "{outcome:?}");
    let received = in_time(|| ring.try_recv());
    assert!(matches!(received, Ok(_) | Err(RecvError::Poisoned(_))), "{received:?}");
    let _ = (ring.snapshot(), ring.tracks(), ring.producer_stats());
    assert!(nix::unistd::ftruncate(&raw.memfd, 0).is_err(), "the seals hold");
}

/// Makes an eventfd block its writers: an open file is shared by all who have it, its flags as well.
fn spoil(raw: &Raw) {
    fcntl(&raw.event, FcntlArg::F_SETFL(OFlag::empty())).expect("its flags");
    let _ = nix::unistd::write(&raw.event, &(u64::MAX - 1).to_ne_bytes());
}

#[test]
fn a_spoilt_bell_stops_neither_producers_nor_the_consumer() {
    let mut ring = small_ring();
    let raw = Raw::join(&ring, "scribbler");
    let (honest, mortal) = (producer(&ring, "honest"), producer(&ring, "mortal"));
    spoil(&raw);
    // Whoever publishes now writes to a bell.
    raw.region.control().wake.0.store(2, Ordering::SeqCst);
    let honest = returns("a commit", move || {
        honest.send(b"on", &Descriptor::opaque()).expect("room");
        honest
    });
    assert_eq!(text(&next(&mut ring)), "on");
    raw.region.control().wake.0.store(2, Ordering::SeqCst);
    drop(mortal);
    until("it is gone", || ring.producers() == 2);
    returns("the end of a consumer", move || drop(ring));
    assert!(!honest.is_connected());
}

#[test]
fn a_stolen_bell_stops_no_hub() {
    let mut hub = Hub::new().expect("a hub");
    let bad = small_ring();
    let raw = Raw::join(&bad, "thief");
    hub.add(bad).expect("added");
    let good = ring(1 << 16);
    let sender = producer(&good, "honest");
    let good = hub.add(good).expect("added");
    let stop = AtomicBool::new(false);
    fcntl(&raw.event, FcntlArg::F_SETFL(OFlag::empty())).expect("its flags");
    std::thread::scope(|scope| {
        // Rings and takes the ring back before the hub can: one that then reads the bell waits for the next ring.
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = nix::unistd::write(&raw.event, &1u64.to_ne_bytes());
                let _ = nix::unistd::read(&raw.event, &mut [0; 8]);
            }
        });
        for n in 0..2000u32 {
            sender.send(&n.to_le_bytes(), &Descriptor::opaque()).expect("room");
            match in_time(|| hub.recv_timeout(HANG)).expect("no error").expect("a frame in time") {
                HubItem::Frame(from, frame) => {
                    assert_eq!((from, frame.payload().to_vec()), (good, n.to_le_bytes().to_vec()));
                }
                other => panic!("{other:?}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Wipes the word that says that the consumer sleeps, and sees that it does: one that does not would say so again.
fn wipe_while_asleep(raw: &Raw, how: u32) {
    let wake = &raw.region.control().wake.0;
    until("the consumer announces that it sleeps", || wake.load(Ordering::SeqCst) == how);
    until("it says so no more", || {
        wake.store(0, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        wake.load(Ordering::SeqCst) == 0
    });
}

/// Who sleeps is told by a word that anybody can write: one that is wiped costs a moment, not for ever.
#[test]
fn a_wiped_wake_word_does_not_keep_the_consumer_asleep() {
    let mut ring = small_ring();
    let raw = Raw::join(&ring, "scribbler");
    let honest = producer(&ring, "honest");
    let receiver = std::thread::spawn(move || {
        let frame = recv(&mut ring).map(|frame| text(&frame));
        (frame, ring.found_late())
    });
    wipe_while_asleep(&raw, 1);
    honest.send(b"late", &Descriptor::opaque()).expect("room");
    let (frame, late) = receiver.join().expect("no panic");
    assert_eq!((frame.as_deref(), late), (Ok("late"), 1));
}

#[test]
fn a_wiped_wake_word_does_not_keep_a_hub_asleep() {
    let mut hub = Hub::new().expect("a hub");
    let ring = small_ring();
    let raw = Raw::join(&ring, "scribbler");
    let honest = producer(&ring, "honest");
    hub.add(ring).expect("added");
    let receiver = std::thread::spawn(move || {
        match in_time(|| hub.recv_timeout(HANG)).expect("no error").expect("a frame in time") {
            HubItem::Frame(_, frame) => text(&frame),
            other => panic!("{other:?}"),
        }
    });
    wipe_while_asleep(&raw, 2);
    honest.send(b"late", &Descriptor::opaque()).expect("room");
    assert_eq!(receiver.join().expect("no panic"), "late");
}
