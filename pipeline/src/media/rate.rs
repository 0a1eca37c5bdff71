//! Frame rates as exact fractions, so that a frame's time never drifts.

use std::fmt;

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// Frames per second as a fraction: 30/1, or 30000/1001 for NTSC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// A rate of `numerator / denominator` frames per second; `None` if either is 0.
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        (numerator > 0 && denominator > 0).then_some(Self { numerator, denominator })
    }

    /// A whole number of frames per second; 0 counts as 1.
    pub const fn whole(fps: u32) -> Self {
        Self { numerator: if fps == 0 { 1 } else { fps }, denominator: 1 }
    }

    /// The upper number of the fraction, never 0.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The lower number of the fraction, never 0.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// When frame `number` is due, counted from frame 0, rounded to the nearest nanosecond.
    pub fn time_ns(self, number: u64) -> u64 {
        let numerator = u128::from(self.numerator);
        let scaled = u128::from(number) * u128::from(self.denominator) * u128::from(SECOND_NS);
        u64::try_from((scaled + numerator / 2) / numerator).unwrap_or(u64::MAX)
    }

    /// How long one frame lasts, rounded to the nearest nanosecond.
    pub fn frame_ns(self) -> u64 {
        self.time_ns(1)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            return write!(f, "{}", self.numerator);
        }
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_ntsc_does_not_drift() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(rate.time_ns(0), 0);
        assert_eq!(rate.time_ns(1), 33_366_667);
        assert_eq!(rate.time_ns(30_000), 1001 * SECOND_NS);
        assert_eq!(rate.time_ns(u64::MAX), u64::MAX);
    }

    #[test]
    fn zero_is_no_rate() {
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(1, 0), None);
        assert_eq!(FrameRate::whole(0), FrameRate::whole(1));
    }
}
