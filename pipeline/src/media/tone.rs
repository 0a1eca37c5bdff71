//! The test tone: a sine per participant, exact to the bit at every sample position.
//!
//! 48 kHz, two interleaved channels; the right one is half as loud, so that swapped channels show. The frequency
//! is a multiple of 10 Hz: a period table of 4,800 samples holds it exactly, blocks join without a step wherever
//! they are cut, and each second starts at a rising zero crossing. For the first 100 ms of each second the tone is
//! twice as loud; see [`marker`].

use std::f64::consts::TAU;
use std::fmt;

use super::marker;

/// Samples per second and channel.
pub const SAMPLE_RATE: u32 = 48_000;
/// Interleaved channels.
pub const CHANNELS: usize = 2;
/// Peak of the left channel outside of beeps.
pub const AMPLITUDE: f32 = 0.25;

const PERIOD: usize = 4_800;
const FREQUENCIES: u32 = 400;

/// A generator and checker of one participant's tone.
#[derive(Debug, Clone)]
pub struct Tone {
    frequency: u32,
    /// The left channel outside of beeps.
    table: Vec<f32>,
}

impl Tone {
    /// The tone of `participant`: 200 to 4190 Hz, the same again only 400 participants later.
    pub fn new(participant: u16) -> Self {
        let frequency = 200 + 10 * (u32::from(participant) % FREQUENCIES);
        let step = TAU * f64::from(frequency) / f64::from(SAMPLE_RATE);
        let table = (0..PERIOD).map(|index| (step * index as f64).sin() as f32 * AMPLITUDE).collect();
        Self { frequency, table }
    }

    /// In Hz.
    pub fn frequency(&self) -> u32 {
        self.frequency
    }

    /// Fills `block` with interleaved samples from sample `position` (per channel) on.
    ///
    /// # Panics
    /// If `block` does not hold whole sample pairs.
    pub fn fill(&self, position: u64, block: &mut [f32]) {
        assert!(block.len() % CHANNELS == 0, "a stereo block of {} samples", block.len());
        for (pair, position) in block.chunks_exact_mut(CHANNELS).zip(position..) {
            pair.copy_from_slice(&self.pair(position));
        }
    }

    /// Checks a received block, bit by bit, against the tone from sample `position` on.
    pub fn check(&self, position: u64, block: &[f32]) -> Result<(), ToneError> {
        if block.len() % CHANNELS != 0 {
            return Err(ToneError::Uneven { samples: block.len() });
        }
        for (pair, position) in block.chunks_exact(CHANNELS).zip(position..) {
            for (channel, (&found, expected)) in pair.iter().zip(self.pair(position)).enumerate() {
                if found.to_bits() != expected.to_bits() {
                    return Err(ToneError::Sample { position, channel, expected, found });
                }
            }
        }
        Ok(())
    }

    fn pair(&self, position: u64) -> [f32; CHANNELS] {
        let sample = self.table[(position % PERIOD as u64) as usize];
        let left = if marker::is_beep(position) { sample * 2.0 } else { sample };
        [left, left / 2.0]
    }
}

/// Why a block is not the tone it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ToneError {
    /// The block does not hold whole sample pairs.
    Uneven {
        /// Samples of both channels together.
        samples: usize,
    },
    /// A sample differs.
    Sample {
        /// Position of the sample in the stream.
        position: u64,
        /// 0 for left, 1 for right.
        channel: usize,
        /// What the tone has there.
        expected: f32,
        /// What came.
        found: f32,
    },
}

impl fmt::Display for ToneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Uneven { samples } => write!(f, "a stereo block of {samples} samples, which is odd"),
            Self::Sample { position, channel, expected, found } => write!(
                f,
                "the tone is damaged: sample {position} of channel {channel} is {found} instead of {expected}"
            ),
        }
    }
}

impl std::error::Error for ToneError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_join_wherever_they_are_cut() {
        let tone = Tone::new(5);
        let mut whole = vec![0.0; 2 * 10_000];
        tone.fill(47_000, &mut whole);
        let mut position = 47_000;
        for cut in whole.chunks(2 * 331) {
            let mut block = vec![0.0; cut.len()];
            tone.fill(position, &mut block);
            assert_eq!(block, cut);
            assert_eq!(tone.check(position, cut), Ok(()));
            position += cut.len() as u64 / 2;
        }
    }

    #[test]
    fn it_is_a_sine_of_its_frequency() {
        let tone = Tone::new(24);
        assert_eq!(tone.frequency(), 440);
        let mut second = vec![0.0; 2 * 48_000];
        tone.fill(0, &mut second);
        let left: Vec<f32> = second.iter().step_by(2).copied().collect();
        let rises = left.windows(2).filter(|pair| pair[0] <= 0.0 && pair[1] > 0.0).count();
        assert_eq!(rises, 440);
        let peak = |samples: &[f32]| samples.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak(&left[..4800]) - 0.5).abs() < 1e-3);
        assert!((peak(&left[4800..]) - 0.25).abs() < 1e-3);
    }

    #[test]
    fn a_lost_sample_swapped_channels_and_a_stranger_are_found() {
        let tone = Tone::new(1);
        let mut block = vec![0.0; 960];
        tone.fill(960, &mut block);
        assert!(tone.check(961, &block).is_err());
        assert!(Tone::new(2).check(960, &block).is_err());
        assert_eq!(tone.check(960, &block[1..]), Err(ToneError::Uneven { samples: 959 }));
        let mut swapped = block.clone();
        swapped.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        assert!(tone.check(960, &swapped).is_err());
        block[701] += 1e-6;
        let (expected, found) = (block[700] / 2.0, block[701]);
        let wrong = ToneError::Sample { position: 960 + 350, channel: 1, expected, found };
        assert_eq!(tone.check(960, &block), Err(wrong));
    }

    #[test]
    fn participants_differ() {
        let mut frequencies: Vec<u32> = (0..400).map(|who| Tone::new(who).frequency()).collect();
        frequencies.dedup();
        assert_eq!(frequencies.len(), 400);
    }
}
