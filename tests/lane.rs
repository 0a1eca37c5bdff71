//! Lanes: a producer that can only read and write a file at positions.

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use frame_ring::{
    Consumer, Demand, Frame, Hub, HubItem, LaneError, LaneFault, LaneOptions, LaneRead, RecvError, TrackInfo,
    TrackKind, TrackSource,
};
use support::child;
use support::page::{Page, DEMAND};
use support::{drain_to_the_end, in_time, next, recv, TempDir, HANG};

const BOTH: [LaneRead; 2] = [LaneRead::Guarded, LaneRead::Copied];

fn open(path: &Path, read: LaneRead) -> Consumer {
    Consumer::open_lane(path, LaneOptions { read }).expect("a lane")
}

fn lane(read: LaneRead, entries: u32, data_bytes: u64) -> (Page, Consumer, TempDir) {
    let dir = TempDir::new();
    let path = dir.path().join("lane");
    let page = Page::new(&path, entries, data_bytes);
    (page, open(&path, read), dir)
}

/// Bytes that differ from frame to frame.
fn payload(n: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (n.wrapping_mul(31) ^ (i * 7) ^ (i >> 8)) as u8).collect()
}

#[test]
fn frames_of_all_lengths_arrive_as_they_were() {
    for read in BOTH {
        let (mut page, mut ring, _dir) = lane(read, 16, 1 << 16);
        let mut held: Vec<(u64, usize, Frame)> = Vec::new();
        let (mut sent, mut seen) = (0u64, 0u64);
        while seen < 5000 {
            let len = (sent.wrapping_mul(2_654_435_761) % 9000) as usize;
            if page.send(0, sent, &payload(sent, len)) {
                sent += 1;
            } else {
                assert!(!held.is_empty() || seen < sent, "the page never gets room");
            }
            while let Some(frame) = ring.try_recv().expect("no error") {
                assert_eq!(frame.descriptor().sequence, seen);
                held.push((seen, (seen.wrapping_mul(2_654_435_761) % 9000) as usize, frame));
                seen += 1;
            }
            // Some are held for a while and given back in another order; none changes meanwhile.
            while held.len() > (seen % 5) as usize {
                let (n, len, frame) = held.swap_remove((seen % held.len() as u64) as usize);
                assert_eq!(frame.payload().to_vec(), payload(n, len), "frame {n} of {len}");
                assert_eq!(frame.payload().as_slice().is_some(), read == LaneRead::Copied);
            }
        }
    }
}

#[test]
fn a_waiting_consumer_is_woken() {
    for read in BOTH {
        let (mut page, mut ring, _dir) = lane(read, 16, 1 << 16);
        let start = Instant::now();
        let sender = std::thread::spawn(move || {
            for n in 0..20 {
                std::thread::sleep(Duration::from_millis(20));
                assert!(page.send(0, n, b"up"));
            }
            page
        });
        for n in 0..20 {
            assert_eq!(next(&mut ring).descriptor().sequence, n);
        }
        // A wake-up that is lost costs a second.
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        drop(sender.join().expect("sent"));
    }
}

#[test]
fn tracks_demand_and_notes_go_their_way() {
    let (mut page, mut ring, _dir) = lane(LaneRead::Guarded, 64, 1 << 16);
    page.look();
    let mut ada = TrackInfo::new(TrackKind::Video, TrackSource::Camera, "Ada");
    assert!(page.tell(3, false, &ada));
    assert!(page.send(3, 0, b"first"));
    let frame = next(&mut ring);
    let tracks = ring.tracks();
    assert_eq!(tracks.len(), 1);
    assert_eq!((tracks[0].id, tracks[0].info, tracks[0].live), (frame.descriptor().track, Some(ada), true));
    assert_eq!((tracks[0].sent, tracks[0].received, tracks[0].sent_bytes), (1, 1, 5));
    assert!(
        frame.descriptor().mono_ns.abs_diff(frame_ring::mono_ns()) < 1_000_000_000,
        "a time of this machine"
    );
    assert_eq!((ring.lane().expect("a lane").url.as_str(), ring.producers()), ("https://a.test/b", 1));

    let demand = Demand { wanted: false, max_size: (640, 360), max_fps_milli: 15_000 };
    assert!(ring.set_demand(tracks[0].id, demand));
    let mut bytes = [0; 16];
    std::os::unix::fs::FileExt::read_exact_at(&page.file, &mut bytes, DEMAND + 2 * 16).expect("read");
    assert_eq!(bytes, [1, 0, 128, 2, 104, 1, 0, 0, 152, 58, 0, 0, 0, 0, 0, 0]);

    ada.source_id = 9;
    assert!(page.tell(3, false, &ada) && page.post(4, &[], b"a note"));
    let counters = [3u64, 7, 700, 2, 5].map(u64::to_le_bytes).concat();
    assert!(page.post(2, &[], &counters) && page.send(3, 1, b"second"));
    assert_eq!(next(&mut ring).descriptor().track, tracks[0].id);
    let track = ring.tracks()[0];
    assert_eq!((track.info.map(|info| info.source_id), track.dropped, track.unwanted), (Some(9), 2, 5));
    assert_eq!((ring.take_notes(), ring.take_notes()), (vec!["a note".to_string()], vec![]));

    assert!(page.tell(3, true, &ada) && page.send(3, 2, b"late"));
    assert_eq!(next(&mut ring).descriptor().sequence, 2);
    assert!(!ring.tracks()[0].live);
    // Another track with that number is wanted again, until somebody says otherwise.
    assert!(page.tell(3, false, &ada) && page.send(3, 3, b"another"));
    assert_ne!(next(&mut ring).descriptor().track, track.id);
    assert_eq!(page.byte(DEMAND + 2 * 16), 0);
    // Whatever number a page makes up, it is none of a track.
    assert!(page.tell(900, false, &ada) && page.send(900, 0, b"nobody's"));
    assert_eq!((next(&mut ring).descriptor().track, ring.tracks().len()), (0, 2));
}

#[test]
fn the_end_of_the_page_is_heard_after_its_last_frame() {
    for read in BOTH {
        let (mut page, mut ring, dir) = lane(read, 16, 1 << 16);
        assert!(matches!(
            Consumer::open_lane(dir.path().join("lane"), LaneOptions { read }),
            Err(LaneError::Taken)
        ));
        // Who is refused leaves no trace: to the one that is there the page still is.
        assert!(page.send(0, 0, b"one"));
        let first = next(&mut ring);
        assert!(ring.try_recv().expect("no end").is_none());
        assert_eq!(ring.producers(), 1);
        assert!(page.send(0, 1, b"two"));
        drop(page);
        assert_eq!(drain_to_the_end(&mut ring), 1);
        assert_eq!((first.payload().to_vec(), ring.producers()), (b"one".to_vec(), 0));
        drop(ring);
        // Frames keep the lane's file open, and its lock: it is still in use.
        drop(first);
        assert!(matches!(
            Consumer::open_lane(dir.path().join("lane"), LaneOptions { read }),
            Err(LaneError::Left)
        ));
        assert!(matches!(Consumer::open_lane(dir.path(), LaneOptions { read }), Err(LaneError::Os(_))));
    }
}

#[test]
fn another_consumer_begins_another_epoch() {
    let dir = TempDir::new();
    let path = dir.path().join("lane");
    let mut page = Page::new(&path, 8, 1 << 16);
    for turn in 0..300u64 {
        let mut ring = open(&path, BOTH[turn as usize % 2]);
        let mut sent = 0;
        // More than there is room for: nobody releases them.
        while page.send(0, turn * 100 + sent, &payload(turn, 3000)) {
            sent += 1;
        }
        assert_eq!(sent, 8, "turn {turn}");
        for n in 0..1 + turn % 8 {
            let frame = next(&mut ring);
            assert_eq!(frame.descriptor().sequence, turn * 100 + n);
            assert_eq!(frame.payload().to_vec(), payload(turn, 3000));
        }
    }
}

/// Frames that are in hand, and a loop that reads more, while the page takes the file away.
#[test]
fn a_page_that_shortens_the_file_ends_its_lane_and_nothing_else() {
    for read in BOTH {
        for (to, again) in [(0, false), (0, true), (4096, true), (12288, true), (20000, false)] {
            let (mut page, mut ring, _dir) = lane(read, 64, 1 << 20);
            let held: Vec<Frame> = (0..8)
                .map(|n| {
                    assert!(page.send(0, n, &payload(n, 50_000)));
                    next(&mut ring)
                })
                .collect();
            let whole = page.file.metadata().expect("there").len();
            page.file.set_len(to).expect("shortened");
            if again {
                page.file.set_len(whole).expect("and made longer again");
            }
            for (n, frame) in held.iter().enumerate() {
                let bytes = frame.payload().to_vec();
                assert_eq!(bytes.len(), 50_000);
                if read == LaneRead::Copied {
                    assert_eq!(bytes, payload(n as u64, 50_000));
                } else if to <= 12288 {
                    assert_eq!(bytes, [0; 50_000], "pages that are gone");
                }
            }
            drop(held);
            let why = in_time(|| ring.recv_timeout(Duration::from_millis(300)));
            match why {
                Err(RecvError::Lane(LaneFault::Shortened | LaneFault::Posted { .. })) => {}
                // Zeros by the page's own hand, as if it had written them.
                Ok(None) if again => {}
                other => panic!("{read:?}, shortened to {to}, {again}: {other:?}"),
            }
        }
    }
}

/// The role of a child: a lane's guard is there, and a page of a file that is no lane's is gone.
fn touch_what_is_gone(path: &str) {
    let mut page = Page::new(&Path::new(path).join("lane"), 16, 1 << 16);
    let mut ring = open(&Path::new(path).join("lane"), LaneRead::Guarded);
    assert!(page.send(0, 0, b"there"));
    assert_eq!(next(&mut ring).payload().to_vec(), b"there");
    let file = std::fs::File::create_new(Path::new(path).join("other")).expect("a file");
    file.set_len(4096).expect("room");
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(Path::new(path).join("other"))
        .expect("a file");
    let map = memmap2::MmapOptions::new().len(4096).map_raw(&file).expect("mapped");
    file.set_len(0).expect("shortened");
    // SAFETY: in the mapping; its page is gone, which is what this is about.
    unsafe { map.as_ptr().read_volatile() };
}

#[test]
fn a_bus_error_that_is_about_no_lane_ends_the_process_as_ever() {
    let dir = TempDir::new();
    let path = dir.path().to_str().expect("a name");
    let status = child::command("touch", path).status().expect("a child");
    assert_eq!(status.signal(), Some(7), "{status:?}");
    assert!(dir.join("other").exists());
}

#[test]
fn child_entry() {
    child::play(|_, path| touch_what_is_gone(path));
}

/// A page that takes its own word for it that frames were released.
#[test]
fn a_page_that_posts_over_frames_in_use_changes_none_of_them() {
    for read in BOTH {
        let (mut page, mut ring, _dir) = lane(read, 16, 1 << 16);
        let mut held = Vec::new();
        let mut sent = 0;
        let why = loop {
            page.forget();
            if page.send(0, sent, &payload(sent, 9000)) {
                sent += 1;
            }
            match ring.try_recv() {
                Ok(Some(frame)) => held.push(frame),
                Ok(None) => {}
                Err(why) => break why,
            }
            assert!(sent < 100, "the page went round and round");
        };
        assert!(matches!(why, RecvError::Lane(LaneFault::Length { .. })), "{why:?}");
        assert!(!held.is_empty());
        for frame in held.iter().filter(|_| read == LaneRead::Copied) {
            assert_eq!(frame.payload().to_vec(), payload(frame.descriptor().sequence, 9000));
        }
    }
}

/// A page that writes whatever it likes, wherever it likes, at any moment.
#[test]
fn a_page_that_scribbles_costs_its_own_frames() {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut roll = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let (mut frames, mut faults, mut bad) = (0u32, 0u32, 0u32);
    for round in 0..600 {
        let read = BOTH[round % 2];
        let (mut page, mut ring, _dir) = lane(read, 16, 1 << 16);
        let mut held = Vec::new();
        for n in 0..200 {
            page.send(0, n, &payload(n, roll(3000) as usize));
            let at = match roll(4) {
                0 => 4096 + roll(64),
                1 => 5120 + roll(16),
                2 => 12288 + page.at.saturating_sub(roll(2000)),
                _ => 4096 + roll(1 << 16),
            };
            if roll(6) == 0 {
                let bytes: Vec<u8> = (0..1 + roll(24)).map(|_| roll(256) as u8).collect();
                std::os::unix::fs::FileExt::write_all_at(&page.file, &bytes, at).expect("written");
            }
            match ring.try_recv() {
                Ok(Some(frame)) => {
                    frames += 1;
                    let _ = frame.payload().to_vec();
                    held.push(frame);
                    held.truncate(roll(4) as usize);
                }
                Ok(None) => {}
                Err(RecvError::BadFrame { .. }) => bad += 1,
                Err(RecvError::Lane(_)) => {
                    faults += 1;
                    break;
                }
                Err(why) => panic!("{why}"),
            }
        }
    }
    assert!(frames > 10_000 && faults > 100 && bad > 2, "{frames} frames, {faults} faults, {bad} bad frames");
}

#[test]
fn a_hub_finds_lanes_below_a_profile_as_they_appear() {
    let profile = TempDir::new();
    let store = profile.path().join("Default/File System/000/t/00");
    std::fs::create_dir_all(&store).expect("made");
    std::fs::write(store.join("00000000"), b"some other file").expect("written");
    let mut early = Page::new(&store.join("00000001"), 16, 1 << 16);
    let mut hub = Hub::new().expect("a hub");
    hub.watch_profile(profile.path(), LaneOptions::default()).expect("watched");
    let joined = |hub: &mut Hub| match in_time(|| hub.recv_timeout(HANG)).expect("no error") {
        Some(HubItem::Joined(id)) => id,
        other => panic!("{other:?}"),
    };
    let first = joined(&mut hub);
    // Directories that come later, and a file that is empty at first.
    let later = profile.path().join("Profile 1/WebStorage/7/FileSystem/t/00");
    std::fs::create_dir_all(&later).expect("made");
    std::fs::write(later.join("00000003"), b"").expect("made");
    let mut late = Page::new(&later.join("00000003"), 16, 1 << 16);
    let second = joined(&mut hub);
    assert_ne!(first, second);
    for (page, id, text) in [(&mut early, first, "early"), (&mut late, second, "late")] {
        assert!(page.send(0, 0, text.as_bytes()));
        match in_time(|| hub.recv_timeout(HANG)).expect("no error") {
            Some(HubItem::Frame(from, frame)) => assert_eq!((from, support::text(&frame)), (id, text.into())),
            other => panic!("{other:?}"),
        }
    }
    drop(early);
    match in_time(|| hub.recv_timeout(HANG)).expect("no error") {
        Some(HubItem::Error(id, RecvError::Disconnected, Some(_))) => assert_eq!(id, first),
        other => panic!("{other:?}"),
    }
    assert_eq!(hub.ids().collect::<Vec<_>>(), [second]);
}

#[test]
fn a_page_that_posts_no_frames_keeps_nobody_waiting() {
    let (mut page, mut ring, _dir) = lane(LaneRead::Guarded, 1024, 1 << 20);
    page.look();
    for _ in 0..1000 {
        assert!(page.post(3, &[], &[]));
    }
    assert!(page.send(0, 7, b"at last"));
    assert_eq!(recv(&mut ring).expect("a frame").descriptor().sequence, 7);
    assert!(ring.try_recv().expect("no error").is_none());
    page.look();
    assert_eq!(page.waiting(), 0);
}
