//! What every frame carries, so that its receiver can tell whose it is, where it belongs and whether all of it is right.
//!
//! A frame is a window of one long pattern; where the window lies follows from the stamp, which lies over the first and
//! the last bytes of the frame. Both sides have the pattern: a frame is made without copying it first, and all of it is
//! compared in one pass.

use std::fmt;

use super::random::{mix, Random};

/// Bytes of a stamp; a frame has at least two of them.
pub const STAMP_BYTES: usize = 8 * WORDS;
const WORDS: usize = 8;
const MAGIC: u64 = u64::from_le_bytes(*b"soakmark");
/// Windows begin at so many places.
const PLACES: usize = 1 << 16;

/// Whose frame it is and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Which track.
    pub origin: Origin,
    /// Frames that the track was offered before this one.
    pub offered: u64,
    /// Those of them that were not wanted.
    pub unwanted: u64,
    /// Frames that the process made before this one, on all tracks.
    pub serial: u64,
    /// Length of the frame.
    pub len: u32,
}

/// One incarnation of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Number of the process: every one that is started gets the next.
    pub launch: u32,
    /// Participant, from 0 on.
    pub participant: u16,
    /// Which of the participant's tracks; 0 is the picture.
    pub part: u8,
    /// How often the participant has come back to this process.
    pub incarnation: u32,
    /// The track's id in the ring.
    pub track: u32,
}

impl Stamp {
    fn bytes(&self) -> [u8; STAMP_BYTES] {
        let Stamp { origin, offered, unwanted, serial, len } = *self;
        let who =
            u64::from(origin.launch) | u64::from(origin.participant) << 32 | u64::from(origin.part) << 48;
        let track = u64::from(origin.incarnation) | u64::from(origin.track) << 32;
        let mut words = [MAGIC, who, track, offered, unwanted, serial, u64::from(len), 0];
        words[WORDS - 1] = sum(&words);
        let mut bytes = [0; STAMP_BYTES];
        bytes.chunks_exact_mut(8).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    /// The stamp at the head of a frame.
    pub fn of(payload: &[u8]) -> Result<Self, Damage> {
        let head = payload.first_chunk::<STAMP_BYTES>().ok_or(Damage::Head)?;
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(head.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        let [magic, who, track, offered, unwanted, serial, len, found] = words;
        if magic != MAGIC || found != sum(&words) {
            return Err(Damage::Head);
        }
        let origin = Origin {
            launch: who as u32,
            participant: (who >> 32) as u16,
            part: (who >> 48) as u8,
            incarnation: track as u32,
            track: (track >> 32) as u32,
        };
        Ok(Self { origin, offered, unwanted, serial, len: len as u32 })
    }
}

/// A sum over all words but the last.
fn sum(words: &[u64; WORDS]) -> u64 {
    words[..WORDS - 1].iter().fold(0, |sum, word| mix(sum ^ word))
}

/// What is wrong with the bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// There is no stamp at its head, or not the one it came with.
    Head,
    /// It has another length than its stamp says.
    Length,
    /// The stamp at its end is not that at its head.
    Tail,
    /// A byte between the two is not that of the pattern.
    Body {
        /// Where the first one is.
        at: usize,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Head => write!(f, "the stamp at its head is damaged"),
            Damage::Length => write!(f, "it has another length than its stamp says"),
            Damage::Tail => write!(f, "its end is not that of the same frame"),
            Damage::Body { at } => write!(f, "byte {at} is wrong"),
        }
    }
}

/// The bytes that frames are made of.
#[derive(Debug)]
pub struct Pattern {
    bytes: Vec<u8>,
}

impl Pattern {
    /// Enough of them for frames of up to `longest` bytes.
    pub fn new(longest: usize) -> Self {
        let mut random = Random::new(1);
        let words = (longest + PLACES).div_ceil(8);
        Self { bytes: (0..words).flat_map(|_| random.any().to_le_bytes()).collect() }
    }

    fn place(stamp: &Stamp) -> usize {
        let Origin { launch, participant, part, incarnation, .. } = stamp.origin;
        let who = u64::from(launch) << 32 | u64::from(participant) << 16 | u64::from(part);
        mix(mix(who ^ u64::from(incarnation) << 40) ^ stamp.offered) as usize % PLACES
    }

    /// Makes a frame and hands it to `send`.
    pub fn frame<R>(&mut self, stamp: &Stamp, send: impl FnOnce(&[u8]) -> R) -> R {
        let len = stamp.len as usize;
        let window = &mut self.bytes[Self::place(stamp)..][..len];
        let bytes = stamp.bytes();
        let mut kept = [[0; STAMP_BYTES]; 2];
        for (at, kept) in [0, len - STAMP_BYTES].into_iter().zip(&mut kept) {
            kept.copy_from_slice(&window[at..at + STAMP_BYTES]);
            window[at..at + STAMP_BYTES].copy_from_slice(&bytes);
        }
        let sent = send(window);
        for (at, kept) in [0, len - STAMP_BYTES].into_iter().zip(&kept) {
            window[at..at + STAMP_BYTES].copy_from_slice(kept);
        }
        sent
    }

    /// Checks the two ends of a frame.
    pub fn check_ends(&self, payload: &[u8], stamp: &Stamp) -> Result<(), Damage> {
        if payload.len() != stamp.len as usize || payload.len() < 2 * STAMP_BYTES {
            return Err(Damage::Length);
        }
        let bytes = stamp.bytes();
        if !payload.starts_with(&bytes) {
            return Err(Damage::Head);
        }
        if !payload.ends_with(&bytes) {
            return Err(Damage::Tail);
        }
        Ok(())
    }

    /// Checks every byte of a frame.
    pub fn check_all(&self, payload: &[u8], stamp: &Stamp) -> Result<(), Damage> {
        self.check_ends(payload, stamp)?;
        let window = self.bytes.get(Self::place(stamp)..).and_then(|rest| rest.get(..payload.len()));
        let window = window.ok_or(Damage::Length)?;
        let body = STAMP_BYTES..payload.len() - STAMP_BYTES;
        if payload[body.clone()] == window[body.clone()] {
            return Ok(());
        }
        let at = body.clone().find(|at| payload[*at] != window[*at]);
        Err(Damage::Body { at: at.unwrap_or(body.start) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(offered: u64) -> Stamp {
        let origin = Origin { launch: 7, participant: 24, part: 2, incarnation: 3, track: 0x0102_0019 };
        Stamp { origin, offered, unwanted: 5, serial: 1 << 40, len: 1000 }
    }

    #[test]
    fn a_frame_is_what_its_stamp_says_and_every_other_byte_is_found() {
        let mut pattern = Pattern::new(4000);
        let stamp = stamp(9);
        let frame = pattern.frame(&stamp, <[u8]>::to_vec);
        assert_eq!(Stamp::of(&frame), Ok(stamp));
        assert_eq!(pattern.check_all(&frame, &stamp), Ok(()));
        for at in 0..frame.len() {
            let mut damaged = frame.clone();
            damaged[at] ^= 0x10;
            let damage = match at {
                0..64 => Damage::Head,
                936.. => Damage::Tail,
                at => Damage::Body { at },
            };
            assert_eq!(pattern.check_all(&damaged, &stamp), Err(damage));
        }
        assert_eq!(pattern.check_all(&frame[..999], &stamp), Err(Damage::Length));
        // The pattern is whole again.
        assert_eq!(pattern.bytes, Pattern::new(4000).bytes);
    }

    #[test]
    fn a_frame_passes_for_no_other_one() {
        let mut pattern = Pattern::new(4000);
        let frame = pattern.frame(&stamp(9), <[u8]>::to_vec);
        for offered in (0..9).chain(10..1000) {
            assert_eq!(pattern.check_all(&frame, &stamp(offered)), Err(Damage::Head));
            // Nor with stamps of the other one over its own.
            let mut other = pattern.frame(&stamp(offered), <[u8]>::to_vec);
            other[STAMP_BYTES..1000 - STAMP_BYTES].copy_from_slice(&frame[STAMP_BYTES..1000 - STAMP_BYTES]);
            assert!(matches!(pattern.check_all(&other, &stamp(offered)), Err(Damage::Body { .. })));
        }
    }
}
