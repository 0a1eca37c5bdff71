//! The frames that every transport carries, and what reading one means.
//!
//! A frame begins with a stamp of four words; the rest is the same for all frames of a length, so that the receiving
//! side knows its sum without being told. Reading a frame is adding up all of it: every cache line is loaded, and a byte
//! that did not arrive shows.

/// Bytes of the stamp; no frame is shorter.
pub const STAMP_BYTES: usize = 32;

/// The last frame before the measured ones.
const WARM_END: u64 = 1;
/// The last frame of its producer.
const LAST: u64 = 2;

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// `CLOCK_MONOTONIC` when its producer began to send it.
    pub sent_ns: u64,
    /// Its number among those of its producer, from 0.
    pub sequence: u64,
    /// Number of its producer.
    pub producer: u32,
    /// The next frame of the producer is measured.
    pub warm_end: bool,
    /// It is the producer's last one.
    pub last: bool,
}

/// One frame to send again and again.
#[derive(Debug)]
pub struct Source {
    bytes: Vec<u8>,
}

impl Source {
    /// A frame of `len` bytes, which is at least [`STAMP_BYTES`].
    pub fn new(len: usize) -> Self {
        // Numbers without a pattern that a page, a line or a word could hide behind.
        let body = (0..len).map(|i| (i as u32).wrapping_mul(0x9e37_79b9).rotate_left(7) as u8);
        Self { bytes: body.collect() }
    }

    /// The frame with this stamp.
    pub fn stamped(&mut self, stamp: Stamp) -> &[u8] {
        let flags = u64::from(stamp.warm_end) * WARM_END + u64::from(stamp.last) * LAST;
        let words = [stamp.sent_ns, stamp.sequence, u64::from(stamp.producer), flags];
        for (to, word) in self.bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        &self.bytes
    }

    /// The sum of what follows the stamp.
    pub fn body_sum(&self) -> u64 {
        sum(&self.bytes[STAMP_BYTES..])
    }
}

/// Reads a whole frame: its stamp and the sum of the rest; `None` if it is too short for a stamp.
pub fn read(bytes: &[u8]) -> Option<(Stamp, u64)> {
    let (stamp, body) = bytes.split_at_checked(STAMP_BYTES)?;
    let word = |i: usize| word(&stamp[8 * i..]);
    let stamp = Stamp {
        sent_ns: word(0),
        sequence: word(1),
        producer: word(2) as u32,
        warm_end: word(3) & WARM_END != 0,
        last: word(3) & LAST != 0,
    };
    Some((stamp, sum(body)))
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The sum of all words: the least that somebody can do who looks at every byte. Compiles to vector code.
#[inline(never)]
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.split_at(bytes.len() - bytes.len() % 8);
    let add = |sum: u64, bytes: &[u8]| {
        // `chunks_exact` yields eight bytes, always.
        sum.wrapping_add(bytes.try_into().map_or(0, u64::from_le_bytes))
    };
    words.chunks_exact(8).fold(0, add).wrapping_add(word(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_gives_back_its_stamp_and_every_byte_counts() {
        for len in [STAMP_BYTES, 64, 1001] {
            let mut source = Source::new(len);
            let stamp = Stamp { sent_ns: 7, sequence: u64::MAX, producer: 31, warm_end: false, last: true };
            let expected = source.body_sum();
            let mut bytes = source.stamped(stamp).to_vec();
            assert_eq!(read(&bytes), Some((stamp, expected)));
            for i in STAMP_BYTES..len {
                bytes[i] ^= 1;
                assert_ne!(read(&bytes), Some((stamp, expected)), "byte {i} of {len}");
                bytes[i] ^= 1;
            }
        }
        assert_eq!(read(&[0; STAMP_BYTES - 1]), None);
    }
}
