//! The cluster that is being filled: blocks of about one second with times relative to its start.

use super::super::ebml::{head, long_size, uint};
use super::id;

/// The longest cluster, in steps of a timestamp: one second.
const MAX_STEPS: u64 = 1_000_000_000 / super::SCALE_NS;
/// The largest cluster, unless a single block is larger.
const MAX_BYTES: usize = 8 << 20;
/// Id and size of the Cluster; the size is patched when the cluster is complete.
const HEAD: usize = 4 + 8;
/// Track number, relative time and flags at the start of a SimpleBlock.
const BLOCK_HEAD: usize = 4;

/// Blocks not yet written.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    bytes: Vec<u8>,
    /// The Timestamp, while there are blocks.
    start: u64,
    /// Tracks that have a block in here, one bit each.
    tracks: u128,
}

impl Cluster {
    /// Whether a block of that time and size may still go in here.
    pub(super) fn has_room(&self, time: u64, bytes: usize) -> bool {
        // A block that comes late is earlier than the start; its relative time is then negative.
        let in_time = time < self.start + MAX_STEPS && time + MAX_STEPS > self.start;
        self.bytes.is_empty() || (in_time && self.bytes.len() + bytes <= MAX_BYTES)
    }

    /// Adds a block for which there is room; returns whether it is the first of its track.
    pub(super) fn add(&mut self, time: u64, track: usize, data: &[u8]) -> bool {
        if self.bytes.is_empty() {
            self.start = time;
            self.tracks = 0;
            self.bytes.extend(id::CLUSTER.to_be_bytes());
            self.bytes.extend(long_size(None));
            uint(&mut self.bytes, id::TIMESTAMP, time);
        }
        let relative = time.wrapping_sub(self.start) as i16;
        head(&mut self.bytes, id::SIMPLE_BLOCK, (BLOCK_HEAD + data.len()) as u64);
        self.bytes.push(0x80 | (track as u8 + 1));
        self.bytes.extend(relative.to_be_bytes());
        // Every block is a key frame.
        self.bytes.push(0x80);
        self.bytes.extend(data);
        let bit = 1 << track;
        let first = self.tracks & bit == 0;
        self.tracks |= bit;
        first
    }

    /// The complete cluster, if there is anything in it; leaves an empty one.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        if self.bytes.is_empty() {
            return None;
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        let size = long_size(Some((bytes.len() - HEAD) as u64));
        bytes[HEAD - 8..HEAD].copy_from_slice(&size);
        Some(bytes)
    }

    /// Takes back the memory of a cluster that was written.
    pub(super) fn reuse(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.bytes = bytes;
    }
}
