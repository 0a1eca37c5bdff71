//! The format of a compressed audio or video frame.

use super::wire::{byte, half, low, pair};
use super::{timestamp, timestamp_word, DescriptorError, FourCc, WORDS};

/// Describes one compressed frame. The payload is one access unit, and its bytes are the codec's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EncodedFormat {
    /// The codec.
    pub codec: FourCc,
    /// When to decode it, if that is known and not the order of arrival.
    pub dts_ns: Option<i64>,
    /// Whether it decodes alone. [`Flags::KEY`](super::Flags::KEY) must say the same.
    pub key: bool,
    /// Width of the picture if known, else 0. A hint: the bit stream decides.
    pub width: u16,
    /// Height of the picture if known, else 0. A hint: the bit stream decides.
    pub height: u16,
    /// Temporal layer, 0 = base.
    pub temporal_layer: u8,
    /// Spatial layer, 0 = base.
    pub spatial_layer: u8,
}

impl EncodedFormat {
    /// Writes words 8 to 10.
    #[inline]
    pub(super) fn write(&self, words: &mut [u64; WORDS]) -> Result<(), DescriptorError> {
        words[8] = pair(self.codec.0, u32::from(self.width) | u32::from(self.height) << 16);
        words[9] = timestamp_word("dts_ns", self.dts_ns)?;
        words[10] =
            u64::from_le_bytes([self.key.into(), self.temporal_layer, self.spatial_layer, 0, 0, 0, 0, 0]);
        Ok(())
    }

    /// Reads words 8 to 10.
    #[inline]
    pub(super) fn read(words: &[u64; WORDS]) -> Result<Self, DescriptorError> {
        let key = match byte(words[10], 0) {
            0 => false,
            1 => true,
            found => return Err(DescriptorError::UnknownValue { field: "key", found }),
        };
        Ok(Self {
            codec: FourCc(low(words[8])),
            dts_ns: timestamp(words[9]),
            key,
            width: half(words[8], 2),
            height: half(words[8], 3),
            temporal_layer: byte(words[10], 1),
            spatial_layer: byte(words[10], 2),
        })
    }
}
