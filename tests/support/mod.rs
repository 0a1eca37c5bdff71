//! What the integration tests share: patience, temporary paths, child processes, and a ring seen from below.
//!
//! Every test binary compiles this module and uses a part of it.
#![allow(dead_code)]

pub mod child;
pub mod page;
pub mod raw;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use frame_ring::{ClaimError, Class, Consumer, Frame, Grant, Producer, RecvError, RingBuilder};

/// How long anything may take before a test gives up on it. Only a hang guard: no test waits it out.
pub const HANG: Duration = Duration::from_secs(120);

/// A ring of `data_bytes`.
pub fn ring(data_bytes: u64) -> Consumer {
    RingBuilder::new().data_bytes(data_bytes).name("test").build().expect("a ring")
}

/// A producer in this process.
pub fn producer(ring: &Consumer, label: &str) -> Producer {
    Producer::from_fd(ring.invite().expect("an invitation"), label).expect("a producer")
}

/// What `wait` returns if it did not use up its time: what is only found then was there before, and nobody was woken.
pub fn in_time<T>(wait: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let outcome = wait();
    assert!(start.elapsed() < HANG, "a wake-up was lost");
    outcome
}

/// Waits for the next frame or an error.
pub fn recv(ring: &mut Consumer) -> Result<Frame, RecvError> {
    in_time(|| ring.recv_timeout(HANG)).map(|frame| frame.expect("a frame in time"))
}

/// Waits for room.
pub fn claim(producer: &Producer, len: usize, class: Class) -> Result<Grant<'_>, ClaimError> {
    in_time(|| producer.claim_timeout(len, class, HANG))
}

/// The next frame; panics if there is none.
pub fn next(ring: &mut Consumer) -> Frame {
    recv(ring).expect("no error")
}

/// The bytes of the next frame as text.
pub fn next_text(ring: &mut Consumer) -> String {
    text(&next(ring))
}

/// The bytes of a frame as text.
pub fn text(frame: &Frame) -> String {
    String::from_utf8(frame.payload().to_vec()).expect("text")
}

/// Waits until `done`, by asking again and again.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < HANG, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Receives, and drops, whatever is left until everybody is gone; returns how many frames that were.
pub fn drain_to_the_end(ring: &mut Consumer) -> usize {
    let mut frames = 0;
    loop {
        match recv(ring) {
            Ok(_) => frames += 1,
            Err(RecvError::Disconnected) => return frames,
            Err(why) => panic!("{why}"),
        }
    }
}

/// Claims as much as the ring ever takes, which succeeds only if nothing is in use any more.
pub fn claim_all(producer: &Producer) -> Result<Grant<'_>, ClaimError> {
    producer.try_claim(producer.longest(Class::Event), Class::Event)
}

/// Sends one numbered frame after the other, the next one only when `received` says that the last one arrived: a later
/// frame would make good for a wake-up that an earlier one has missed. After random pauses, so that some come while the
/// receiver is on its way to sleep. Ends early on a machine that has other things to do.
pub fn feed_one_at_a_time(frames: u64, received: &AtomicU64, seed: u64, mut send: impl FnMut(u64)) {
    let mut random = Random::new(seed);
    let start = Instant::now();
    for n in 0..frames {
        // Sometimes at once, so that the pauses below hit the instants between the receiver's steps; sometimes not.
        let patience = [1, 512][random.below(2) as usize];
        let mut spins = 0u32;
        while received.load(Ordering::Acquire) < n {
            spins += 1;
            match spins % patience {
                0 => std::thread::yield_now(),
                _ => std::hint::spin_loop(),
            }
        }
        let longest = 1 << random.below(12);
        for _ in 0..random.below(longest) {
            std::hint::spin_loop();
        }
        send(n);
        if start.elapsed() > Duration::from_secs(20) {
            break;
        }
    }
}

/// How many descriptors this process has open.
pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// A directory of its own for one test, removed at the end. Its path is short: those of sockets have 107 bytes at most.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("frt-{}-{count}", std::process::id()));
        // A process of the same id may have been killed before it could clear up.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A small generator of numbers that look random and are the same in every run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.word() % end
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.word().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}
