//! Frames on the wire: their heads, and masks.

/// The longest head: two bytes, a 64-bit length, a mask.
pub(super) const MAX_HEAD: usize = 14;
/// The largest content of a control frame.
pub(super) const MAX_CONTROL: u64 = 125;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    const ALL: [(Self, u8); 6] = [
        (Self::Continuation, 0),
        (Self::Text, 1),
        (Self::Binary, 2),
        (Self::Close, 8),
        (Self::Ping, 9),
        (Self::Pong, 10),
    ];

    fn from_bits(bits: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, value)| *value == bits).map(|(opcode, _)| opcode)
    }

    fn to_bits(self) -> u8 {
        Self::ALL.into_iter().find(|(opcode, _)| *opcode == self).map_or(0, |(_, value)| value)
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Whether the message ends with this frame.
    pub(super) last: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) length: u64,
}

impl Head {
    /// Writes the head to the start of `out` and returns its length.
    pub(super) fn write(&self, out: &mut [u8; MAX_HEAD]) -> usize {
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        out[0] = u8::from(self.last) << 7 | self.opcode.to_bits();
        let mut end = match self.length {
            length @ 0..=125 => {
                out[1] = masked | length as u8;
                2
            }
            length @ 126..=0xFFFF => {
                out[1] = masked | 126;
                out[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                4
            }
            length => {
                out[1] = masked | 127;
                out[2..10].copy_from_slice(&length.to_be_bytes());
                10
            }
        };
        if let Some(mask) = self.mask {
            out[end..end + 4].copy_from_slice(&mask);
            end += 4;
        }
        end
    }

    /// Reads a head from the start of `bytes`: the head and its length, `None` if there are too few bytes, or what
    /// is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, &'static str> {
        let &[first, second, ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err("reserved bits are set although no extension was agreed on");
        }
        let opcode = Opcode::from_bits(first & 0x0F).ok_or("a frame of unknown kind")?;
        let length_bytes = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if second & 0x80 != 0 { 4 } else { 0 };
        let end = 2 + length_bytes + mask_bytes;
        let Some(rest) = bytes.get(2..end) else { return Ok(None) };
        let (length, mask) = rest.split_at(length_bytes);
        let length = match length {
            [] => u64::from(second & 0x7F),
            _ => length.iter().fold(0, |length, &byte| length << 8 | u64::from(byte)),
        };
        let head = Self { last: first & 0x80 != 0, opcode, mask: mask.try_into().ok(), length };
        if opcode.is_control() && (!head.last || length > MAX_CONTROL) {
            return Err("a control frame that is fragmented or too long");
        }
        Ok(Some((head, end)))
    }
}

/// Copies `from` to `to`, of the same length, and masks it; `phase` is the place of the first byte in its frame.
pub(super) fn mask_copy(to: &mut [u8], from: &[u8], key: [u8; 4], phase: usize) {
    let key = wide_key(key, phase);
    let (mut to_words, mut from_words) = (to.chunks_exact_mut(8), from.chunks_exact(8));
    for (to, from) in (&mut to_words).zip(&mut from_words) {
        to.copy_from_slice(&(word(from) ^ word(&key)).to_ne_bytes());
    }
    let rest = to_words.into_remainder().iter_mut().zip(from_words.remainder());
    rest.zip(key).for_each(|((to, from), key)| *to = from ^ key);
}

/// Masks or unmasks in place.
pub(super) fn mask(bytes: &mut [u8], key: [u8; 4], phase: usize) {
    let key = wide_key(key, phase);
    let mut words = bytes.chunks_exact_mut(8);
    for bytes in &mut words {
        bytes.copy_from_slice(&(word(bytes) ^ word(&key)).to_ne_bytes());
    }
    words.into_remainder().iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
}

/// `key` as it applies from byte `phase` of a frame on, for eight bytes at a time.
fn wide_key(key: [u8; 4], phase: usize) -> [u8; 8] {
    std::array::from_fn(|at| key[(phase + at) % 4])
}

/// Eight bytes at once.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_round_trip_at_every_length_and_wait_for_every_byte() {
        for length in [0, 1, 125, 126, 65_535, 65_536, u64::MAX] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let head = Head { last: length % 2 == 0, opcode: Opcode::Binary, mask, length };
                let mut bytes = [0; MAX_HEAD];
                let end = head.write(&mut bytes);
                assert_eq!(Head::read(&bytes), Ok(Some((head, end))));
                for cut in 0..end {
                    assert_eq!(Head::read(&bytes[..cut]), Ok(None));
                }
            }
        }
    }

    #[test]
    fn bad_heads_are_refused() {
        for bytes in [[0xC2, 0], [0x83, 0], [0x8F, 0], [0x09, 0]] {
            assert!(Head::read(&bytes).is_err(), "{bytes:x?}");
        }
        assert!(Head::read(&[0x88, 126, 0, 126]).is_err());
    }

    #[test]
    fn masking_follows_the_phase_at_every_length() {
        let key = [0x11, 0x22, 0x44, 0x88];
        let plain: Vec<u8> = (0..100).collect();
        for phase in 0..9 {
            for length in 0..plain.len() {
                let expected: Vec<u8> = (0..length).map(|at| plain[at] ^ key[(phase + at) % 4]).collect();
                let mut copied = vec![0; length];
                mask_copy(&mut copied, &plain[..length], key, phase);
                assert_eq!(copied, expected);
                mask(&mut copied, key, phase);
                assert_eq!(copied, plain[..length]);
            }
        }
    }
}
