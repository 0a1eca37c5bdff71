//! The format of a block of raw audio.

use core::ops::Range;

use super::wire::{byte, half, high, low, pair};
use super::{DescriptorError, FormatError, WORDS};

/// Describes one block of raw audio completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFormat {
    /// The type of one sample.
    pub sample: SampleFormat,
    /// Whether all samples of a channel lie together (`LL..RR..`) instead of all of an instant (`LRLR..`).
    pub planar: bool,
    /// Number of channels, at least 1.
    pub channels: u16,
    /// Sample frames per second, at least 1.
    pub rate: u32,
    /// Number of sample frames: samples of one channel. 0 in a block without a payload.
    pub frames: u32,
    /// Bytes from one channel's plane to the next if planar, 0 if not.
    pub plane_stride: u32,
    /// Which speakers the channels are for, as in the `dwChannelMask` of WAVE files; 0 = not said.
    pub channel_mask: u64,
    /// Number of sample frames of this track before this one: loss and drift are then arithmetic.
    pub position: u64,
}

/// The type of one sample; little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SampleFormat {
    /// Unsigned 8 bits, silence is 128.
    U8 = 1,
    /// Signed 16 bits.
    S16 = 2,
    /// Signed 32 bits.
    S32 = 3,
    /// 32-bit float, full scale is -1 to 1.
    F32 = 4,
}

impl SampleFormat {
    /// Bytes of one sample.
    #[inline]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::U8 => 1,
            Self::S16 => 2,
            Self::S32 | Self::F32 => 4,
        }
    }
}

impl AudioFormat {
    /// A block whose channels alternate: `LRLR..`.
    pub const fn interleaved(sample: SampleFormat, channels: u16, rate: u32, frames: u32) -> Self {
        let (channel_mask, position) = (0, 0);
        Self { sample, planar: false, channels, rate, frames, plane_stride: 0, channel_mask, position }
    }

    /// A block of one plane for each channel, directly after each other: `LL..RR..`.
    pub const fn planar(sample: SampleFormat, channels: u16, rate: u32, frames: u32) -> Self {
        // Too many frames for the 32 bits of a stride are left to `check`.
        let plane_stride = frames.saturating_mul(sample.bytes());
        Self { planar: true, plane_stride, ..Self::interleaved(sample, channels, rate, frames) }
    }

    /// Number of planes: one for each channel if planar, one if not.
    #[inline]
    pub const fn plane_count(&self) -> u16 {
        if self.planar {
            self.channels
        } else {
            1
        }
    }

    /// Bytes of one plane.
    #[inline]
    pub const fn plane_len(&self) -> u64 {
        let channels = if self.planar { 1 } else { self.channels };
        self.frames as u64 * channels as u64 * self.sample.bytes() as u64
    }

    /// The bytes of the payload that a plane fills; empty if there is no such plane.
    pub const fn plane_bytes(&self, plane: u16) -> Range<u64> {
        if plane >= self.plane_count() {
            return 0..0;
        }
        let start = self.plane_stride as u64 * plane as u64;
        start..start + self.plane_len()
    }

    /// Bytes of payload that the samples need.
    #[inline]
    pub const fn payload_len(&self) -> u64 {
        // At most 2^16 times 2^32, and 2^50 on top.
        self.plane_stride as u64 * self.plane_count().saturating_sub(1) as u64 + self.plane_len()
    }

    /// Whether this describes samples within a payload of `payload_len` bytes.
    #[inline]
    pub const fn check(&self, payload_len: u64) -> Result<(), FormatError> {
        if self.channels == 0 {
            return Err(FormatError::NoChannels);
        }
        if self.rate == 0 {
            return Err(FormatError::NoRate);
        }
        let (least, most) = if self.planar { (self.plane_len(), u32::MAX) } else { (0, 0) };
        if (self.plane_stride as u64) < least || self.plane_stride > most {
            return Err(FormatError::PlaneStride { least, most, found: self.plane_stride });
        }
        let needed = self.payload_len();
        if needed > payload_len {
            return Err(FormatError::SamplesOutside { needed, payload_len });
        }
        Ok(())
    }

    /// Writes words 8 to 11.
    #[inline]
    pub(super) fn write(&self, words: &mut [u64; WORDS]) {
        let first =
            u32::from(self.sample as u8) | u32::from(self.planar) << 8 | u32::from(self.channels) << 16;
        words[8] = pair(first, self.rate);
        words[9] = pair(self.frames, self.plane_stride);
        words[10] = self.channel_mask;
        words[11] = self.position;
    }

    /// Reads words 8 to 11. The format still has to pass [`check`](Self::check).
    #[inline]
    pub(super) fn read(words: &[u64; WORDS]) -> Result<Self, DescriptorError> {
        let first = words[8];
        let sample = match byte(first, 0) {
            1 => SampleFormat::U8,
            2 => SampleFormat::S16,
            3 => SampleFormat::S32,
            4 => SampleFormat::F32,
            found => return Err(DescriptorError::UnknownValue { field: "sample format", found }),
        };
        let planar = match byte(first, 1) {
            0 => false,
            1 => true,
            found => return Err(DescriptorError::UnknownValue { field: "planar", found }),
        };
        Ok(Self {
            sample,
            planar,
            channels: half(first, 1),
            rate: high(first),
            frames: low(words[9]),
            plane_stride: high(words[9]),
            channel_mask: words[10],
            position: words[11],
        })
    }
}
