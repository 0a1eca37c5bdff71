//! Short names in shared memory: UTF-8 in a fixed number of words, filled up with zeros.

use core::fmt;

use crate::sync::{AtomicU64, Ordering};

/// A private copy of a name of at most `8 * N` bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize> {
    words: [u64; N],
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self { words: [0; N] }
    }
}

impl<const N: usize> Text<N> {
    /// The name, cut at a character's end if it is too long, and before its first NUL.
    pub fn new(name: &str) -> Self {
        let mut end = name.len().min(8 * N);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Self::from_bytes(&name.as_bytes()[..end])
    }

    /// The name in these bytes, up to the first NUL; what is not UTF-8 shows when it is printed.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut words = [0; N];
        for (i, byte) in bytes.iter().take(8 * N).take_while(|byte| **byte != 0).enumerate() {
            words[i / 8] |= u64::from(*byte) << (8 * (i % 8));
        }
        Self { words }
    }

    pub(crate) fn from_words(from: &[u64]) -> Self {
        let mut words = [0; N];
        for (to, from) in words.iter_mut().zip(from) {
            *to = *from;
        }
        Self { words }
    }

    /// A copy of what shared memory holds at this moment.
    pub fn load(shared: &[AtomicU64]) -> Self {
        let mut words = [0; N];
        for (to, from) in words.iter_mut().zip(shared) {
            *to = from.load(Ordering::Relaxed);
        }
        Self { words }
    }

    /// Writes the name to shared memory.
    pub fn store(&self, shared: &[AtomicU64]) {
        for (from, to) in self.words.iter().zip(shared) {
            to.store(*from, Ordering::Relaxed);
        }
    }
}

/// The name up to its first NUL; what is not UTF-8, or is a control character, prints as `\u{fffd}`.
impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        // Byte by byte into a small buffer would need an allocation of 8 * N: characters are decoded in place instead.
        let byte = |i: usize| (self.words[i / 8] >> (8 * (i % 8))) as u8;
        let (mut i, len) = (0, (0..8 * N).find(|&i| byte(i) == 0).unwrap_or(8 * N));
        while i < len {
            let width = match byte(i) {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            }
            .min(len - i);
            let mut bytes = [0; 4];
            for (k, to) in bytes[..width].iter_mut().enumerate() {
                *to = byte(i + k);
            }
            match core::str::from_utf8(&bytes[..width]).ok().and_then(|s| s.chars().next()) {
                Some(c) if !c.is_control() => {
                    f.write_char(c)?;
                    i += width;
                }
                _ => {
                    f.write_char('\u{fffd}')?;
                    i += 1;
                }
            }
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn names_are_cut_at_a_characters_end() {
        assert_eq!(Text::<1>::new("abcdefgh").to_string(), "abcdefgh");
        assert_eq!(Text::<1>::new("abcdefgé").to_string(), "abcdefg");
        assert_eq!(Text::<1>::new("a\0b").to_string(), "a");
        assert_eq!(Text::<2>::new("Zoë 🎥").to_string(), "Zoë 🎥");
    }

    #[test]
    fn garbage_prints_without_harm() {
        let garbage = [AtomicU64::new(u64::MAX), AtomicU64::new(u64::from_le_bytes(*b"\x1b[2Jab\xf0\x9f"))];
        let text = Text::<2>::load(&garbage).to_string();
        assert!(text.ends_with("\u{fffd}[2Jab\u{fffd}\u{fffd}"), "{text:?}");
        assert!(!text.contains('\x1b'));
    }
}
