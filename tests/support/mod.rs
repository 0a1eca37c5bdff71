//! What the integration tests share: patience, temporary paths, child processes, and a ring seen from below.
//!
//! Every test binary compiles this module and uses a part of it.
#![allow(dead_code)]

pub mod child;
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

/// The next frame; panics if there is none.
pub fn next(ring: &mut Consumer) -> Frame {
    ring.recv_timeout(HANG).expect("no error").expect("a frame in time")
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
        match ring.recv_timeout(HANG) {
            Ok(frame) => frame.map(|_| frames += 1).expect("a frame or the end in time"),
            Err(RecvError::Disconnected) => return frames,
            Err(why) => panic!("{why}"),
        }
    }
}

/// Claims as much as the ring ever takes, which succeeds only if nothing is in use any more.
pub fn claim_all(producer: &Producer) -> Result<Grant<'_>, ClaimError> {
    producer.try_claim(producer.longest(Class::Event), Class::Event)
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
