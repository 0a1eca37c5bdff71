//! The messages of the hand-over, as bytes: one request, one answer, both of fixed size.
//!
//! | bytes | request | answer |
//! |---|---|---|
//! | 0..4 | `"FRHO"` | `"FRHO"` |
//! | 4..8 | ABI version of the asking side | ABI version of the ring |
//! | 8..12 | role: 1 producer, 2 observer | 0 welcome, else the reason of the refusal |
//! | 12..16 | 0 | producer id |
//! | 16..20 | 0 | generation: how many producers have had this id |
//! | 20..24 | 0 | 0 |
//! | 24..80 | label, UTF-8, zero-filled | 0 |
//!
//! A welcome carries the memfd, and for a producer also the eventfd, by `SCM_RIGHTS`.

use std::fmt;

use frame_ring_core::layout::ABI_VERSION;

/// Size of either message.
pub(crate) const MESSAGE_BYTES: usize = 80;
const MAGIC: &[u8; 4] = b"FRHO";
const LABEL: std::ops::Range<usize> = 24..80;

/// What a peer wants of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Producer = 1,
    Observer = 2,
}

/// Why the consumer does not hand the ring over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The request was not one of this protocol.
    Malformed = 1,
    /// The two sides speak different versions.
    Version = 2,
    /// The peer runs as a user that the consumer does not admit.
    User = 3,
    /// 255 producers are connected, or the consumer has no descriptors left for one more.
    Crowded = 4,
}

impl RefusalReason {
    fn from_code(code: u32) -> Option<Self> {
        [Self::Malformed, Self::Version, Self::User, Self::Crowded].into_iter().find(|r| *r as u32 == code)
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RefusalReason::Malformed => "it did not understand the request; is it a frame ring's socket?",
            RefusalReason::Version => "it speaks another version; update the older side",
            RefusalReason::User => "this user is not admitted; see RingBuilder::admit_user",
            RefusalReason::Crowded => "255 producers are connected already, or it is out of descriptors",
        })
    }
}

fn word(bytes: &[u8; MESSAGE_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn put(bytes: &mut [u8; MESSAGE_BYTES], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) role: Role,
    pub(crate) label: String,
}

impl Hello {
    pub(crate) fn encode(&self) -> [u8; MESSAGE_BYTES] {
        let mut bytes = [0; MESSAGE_BYTES];
        bytes[..4].copy_from_slice(MAGIC);
        put(&mut bytes, 4, ABI_VERSION);
        put(&mut bytes, 8, self.role as u32);
        let mut end = self.label.len().min(LABEL.len());
        while !self.label.is_char_boundary(end) {
            end -= 1;
        }
        bytes[LABEL.start..LABEL.start + end].copy_from_slice(&self.label.as_bytes()[..end]);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RefusalReason> {
        let bytes: &[u8; MESSAGE_BYTES] = bytes.try_into().map_err(|_| RefusalReason::Malformed)?;
        if &bytes[..4] != MAGIC {
            return Err(RefusalReason::Malformed);
        }
        if word(bytes, 4) != ABI_VERSION {
            return Err(RefusalReason::Version);
        }
        let role = match word(bytes, 8) {
            1 => Role::Producer,
            2 => Role::Observer,
            _ => return Err(RefusalReason::Malformed),
        };
        let label = bytes[LABEL].split(|b| *b == 0).next().unwrap_or_default();
        Ok(Self { role, label: String::from_utf8_lossy(label).into_owned() })
    }
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Welcome { owner: u8, generation: u32 },
    Refused { reason: RefusalReason, version: u32 },
}

impl Answer {
    pub(crate) fn encode(&self) -> [u8; MESSAGE_BYTES] {
        let mut bytes = [0; MESSAGE_BYTES];
        bytes[..4].copy_from_slice(MAGIC);
        put(&mut bytes, 4, ABI_VERSION);
        match self {
            Answer::Welcome { owner, generation } => {
                put(&mut bytes, 12, u32::from(*owner));
                put(&mut bytes, 16, *generation);
            }
            Answer::Refused { reason, .. } => put(&mut bytes, 8, *reason as u32),
        }
        bytes
    }

    /// `None` if it is not an answer of this protocol.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; MESSAGE_BYTES] = bytes.try_into().ok()?;
        if &bytes[..4] != MAGIC {
            return None;
        }
        let (version, code) = (word(bytes, 4), word(bytes, 8));
        if code != 0 {
            return Some(Answer::Refused { reason: RefusalReason::from_code(code)?, version });
        }
        if version != ABI_VERSION {
            return Some(Answer::Refused { reason: RefusalReason::Version, version });
        }
        Some(Answer::Welcome { owner: u8::try_from(word(bytes, 12)).ok()?, generation: word(bytes, 16) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_wire() {
        for (role, label) in
            [(Role::Producer, "tab 3"), (Role::Observer, ""), (Role::Producer, &"é".repeat(28))]
        {
            let hello = Hello { role, label: label.into() };
            assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
        }
        let long = Hello { role: Role::Producer, label: "é".repeat(40) };
        assert_eq!(Hello::decode(&long.encode()).unwrap().label, "é".repeat(28));
    }

    #[test]
    fn answers_survive_the_wire() {
        let refused = Answer::Refused { reason: RefusalReason::User, version: ABI_VERSION };
        for answer in [Answer::Welcome { owner: 255, generation: 7 }, refused] {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let good = Hello { role: Role::Producer, label: String::new() }.encode();
        let with = |at: usize, byte: u8| {
            let mut bytes = good;
            bytes[at] = byte;
            Hello::decode(&bytes)
        };
        assert_eq!(with(0, b'G'), Err(RefusalReason::Malformed));
        assert_eq!(with(4, 99), Err(RefusalReason::Version));
        assert_eq!(with(8, 3), Err(RefusalReason::Malformed));
        assert_eq!(Hello::decode(&good[..79]), Err(RefusalReason::Malformed));
        assert_eq!(Hello::decode(&[]), Err(RefusalReason::Malformed));
        assert_eq!(Answer::decode(&good[..4]), None);
        let mut unknown = Answer::Refused { reason: RefusalReason::User, version: 1 }.encode();
        unknown[8] = 200;
        assert_eq!(Answer::decode(&unknown), None);
    }
}
