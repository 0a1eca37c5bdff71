//! Audio samples as bytes: `f32` and 16 bit, little endian, as WAV and Matroska store them.

/// How a sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// 32-bit float, -1.0 to 1.0.
    F32,
    /// 16-bit signed integer.
    S16,
}

impl SampleFormat {
    /// Bytes of one sample of one channel.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::S16 => 2,
        }
    }

    /// Appends `samples` to `out` in this format; what does not fit into 16 bits is clipped.
    pub fn encode(self, samples: &[f32], out: &mut Vec<u8>) {
        out.reserve(samples.len() * self.bytes());
        match self {
            Self::F32 => out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            Self::S16 => out.extend(samples.iter().flat_map(|sample| to_s16(*sample).to_le_bytes())),
        }
    }
}

/// The nearest 16-bit value; full scale is 32768, so that reading it back as `value / 32768` is exact.
fn to_s16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_rounded_and_clipped() {
        let samples = [0.0, 0.5, -1.0, 1.0, 7.0, -7.0, 0.6 / 32_768.0, f32::NAN];
        let values = samples.map(to_s16);
        assert_eq!(values, [0, 16_384, -32_768, 32_767, 32_767, -32_768, 1, 0]);
    }

    #[test]
    fn bytes_are_little_endian() {
        let mut out = Vec::new();
        SampleFormat::S16.encode(&[0.5], &mut out);
        SampleFormat::F32.encode(&[1.0], &mut out);
        assert_eq!(out, [0x00, 0x40, 0x00, 0x00, 0x80, 0x3f]);
    }
}
