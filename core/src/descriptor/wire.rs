//! Fields inside the 64-bit words of a descriptor. Byte `k` of a descriptor is byte `k % 8` of word `k / 8`, counted
//! from the low end, so everything here is a shift and the same on every machine.

/// Two 32-bit fields as one word.
#[inline]
pub(super) const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// The 32-bit field in the lower half of a word.
#[inline]
pub(super) const fn low(word: u64) -> u32 {
    word as u32
}

/// The 32-bit field in the upper half of a word.
#[inline]
pub(super) const fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

/// Four 16-bit fields as one word.
#[inline]
pub(super) const fn quad(fields: [u16; 4]) -> u64 {
    let [a, b, c, d] = fields;
    a as u64 | (b as u64) << 16 | (c as u64) << 32 | (d as u64) << 48
}

/// The 16-bit field `at` (0 to 3) of a word.
#[inline]
pub(super) const fn half(word: u64, at: u32) -> u16 {
    (word >> (16 * at)) as u16
}

/// The 8-bit field `at` (0 to 7) of a word.
#[inline]
pub(super) const fn byte(word: u64, at: u32) -> u8 {
    (word >> (8 * at)) as u8
}
