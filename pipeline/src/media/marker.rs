//! Flash and beep: for the first 100 ms of each second of the sender's clock the box of the test picture is white
//! and the test tone twice as loud. A receiver finds both in what arrived and measures how far they are apart.

use std::collections::VecDeque;

use super::rate::SECOND_NS;
use super::tone::{AMPLITUDE, SAMPLE_RATE};
use super::FrameRate;

/// How long flash and beep last.
const MARK_NS: u64 = SECOND_NS / 10;
/// Samples of a beep.
const BEEP: u64 = SAMPLE_RATE as u64 / 10;
/// Markers further apart than this do not belong to the same second.
const PAIR_NS: u64 = SECOND_NS / 2;

/// Whether the box is white in frame `number`.
pub fn is_flash(number: u64, rate: FrameRate) -> bool {
    rate.time_ns(number) % SECOND_NS < MARK_NS
}

/// Whether the tone is loud at sample `position` (per channel, at 48 kHz).
pub fn is_beep(position: u64) -> bool {
    position % u64::from(SAMPLE_RATE) < BEEP
}

/// Finds where beeps start in received samples, to the sample; coding to 16 bits does not disturb it.
#[derive(Debug, Clone)]
pub struct BeepDetector {
    position: u64,
    last: f32,
    /// Where the signal last rose through zero: the start of the wave that turns out to be loud.
    rise: u64,
    /// Before this position a loud sample belongs to the beep already reported.
    deaf_until: u64,
}

impl BeepDetector {
    /// A detector for samples of one channel from sample `position` on.
    ///
    /// It is deaf for the first 50 ms: a beep that was already sounding has no start to find.
    pub fn new(position: u64) -> Self {
        Self { position, last: 0.0, rise: position, deaf_until: position + BEEP / 2 }
    }

    /// Takes the next samples of the left channel; returns the positions at which beeps started.
    pub fn push(&mut self, samples: impl IntoIterator<Item = f32>) -> Vec<u64> {
        let mut starts = Vec::new();
        for sample in samples {
            if self.last <= 0.0 && sample > 0.0 {
                // The wave leaves zero one sample before the first positive one.
                self.rise = self.position.saturating_sub(1);
            }
            if sample.abs() > AMPLITUDE * 1.2 {
                if self.position >= self.deaf_until {
                    starts.push(self.rise);
                }
                self.deaf_until = self.position + BEEP / 2;
            }
            self.last = sample;
            self.position += 1;
        }
        starts
    }
}

/// Skew between flashes and beeps: positive where the picture is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// Seconds in which both markers were seen.
    pub pairs: u64,
    /// The least, in nanoseconds.
    pub min_ns: i64,
    /// The mean, in nanoseconds.
    pub mean_ns: i64,
    /// The greatest, in nanoseconds.
    pub max_ns: i64,
}

/// Pairs flashes with beeps by their presentation times.
#[derive(Debug, Clone)]
pub struct SkewMeter {
    rate: FrameRate,
    flashes: VecDeque<u64>,
    beeps: VecDeque<u64>,
    skew: Option<(Skew, i128)>,
    wrong_flashes: u64,
}

impl SkewMeter {
    /// A meter for video at `rate`.
    pub fn new(rate: FrameRate) -> Self {
        Self { rate, flashes: VecDeque::new(), beeps: VecDeque::new(), skew: None, wrong_flashes: 0 }
    }

    /// Takes a received picture: its presentation time, its burnt-in number, and whether its box is white.
    ///
    /// Only the first frame of a second marks it, so a dropped frame costs a pair but falsifies none.
    pub fn picture(&mut self, pts_ns: u64, number: u64, lit: bool) {
        let expected = is_flash(number, self.rate);
        self.wrong_flashes += u64::from(lit != expected);
        let first = expected && (number == 0 || !is_flash(number - 1, self.rate));
        if first && lit {
            // Rates that do not divide a second start it a little late; that is no skew.
            let late = self.rate.time_ns(number) % SECOND_NS;
            self.flashes.push_back(pts_ns.saturating_sub(late));
            self.pair();
        }
    }

    /// Takes the presentation time at which a beep started.
    pub fn beep(&mut self, pts_ns: u64) {
        self.beeps.push_back(pts_ns);
        self.pair();
    }

    /// The skew over all pairs so far; `None` before the first.
    pub fn skew(&self) -> Option<Skew> {
        self.skew.map(|(skew, _)| skew)
    }

    /// Pictures whose box was white when it should not be, or not white when it should.
    pub fn wrong_flashes(&self) -> u64 {
        self.wrong_flashes
    }

    fn pair(&mut self) {
        while let (Some(&flash), Some(&beep)) = (self.flashes.front(), self.beeps.front()) {
            if flash.abs_diff(beep) < PAIR_NS {
                self.flashes.pop_front();
                self.beeps.pop_front();
                self.add(flash as i64 - beep as i64);
            } else if flash < beep {
                self.flashes.pop_front();
            } else {
                self.beeps.pop_front();
            }
        }
        // One side alone must not grow without bound.
        for lonely in [&mut self.flashes, &mut self.beeps] {
            while lonely.len() > 1000 {
                lonely.pop_front();
            }
        }
    }

    fn add(&mut self, skew_ns: i64) {
        let zero = Skew { pairs: 0, min_ns: i64::MAX, mean_ns: 0, max_ns: i64::MIN };
        let (skew, sum) = self.skew.get_or_insert((zero, 0));
        *sum += i128::from(skew_ns);
        skew.pairs += 1;
        skew.min_ns = skew.min_ns.min(skew_ns);
        skew.max_ns = skew.max_ns.max(skew_ns);
        skew.mean_ns = (*sum / i128::from(skew.pairs)) as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tone::Tone;
    use super::*;

    fn left(tone: &Tone, from: u64, samples: usize) -> Vec<f32> {
        let mut block = vec![0.0; samples * 2];
        tone.fill(from, &mut block);
        block.into_iter().step_by(2).collect()
    }

    #[test]
    fn markers_fill_the_first_tenth_of_each_second() {
        let flashes: Vec<u64> = (0..90).filter(|&n| is_flash(n, FrameRate::whole(30))).collect();
        assert_eq!(flashes, [0, 1, 2, 30, 31, 32, 60, 61, 62]);
        assert!(is_flash(0, FrameRate::whole(5)) && !is_flash(1, FrameRate::whole(5)));
        let beep: Vec<bool> = [0, 4_799, 4_800, 47_999, 48_000].map(is_beep).to_vec();
        assert_eq!(beep, [true, true, false, false, true]);
    }

    #[test]
    fn beeps_are_found_to_the_sample_at_every_frequency_and_cut() {
        for participant in [0, 1, 37, 399] {
            let samples = left(&Tone::new(participant), 40_000, 120_000);
            for cut in [480, 1009, 120_000] {
                let mut detector = BeepDetector::new(40_000);
                let starts: Vec<u64> =
                    samples.chunks(cut).flat_map(|block| detector.push(block.iter().copied())).collect();
                assert_eq!(starts, [48_000, 96_000, 144_000], "participant {participant}, blocks of {cut}");
            }
        }
    }

    #[test]
    fn sixteen_bits_are_enough_to_find_beeps() {
        let samples = left(&Tone::new(9), 0, 100_000);
        let coarse = samples.iter().map(|sample| (sample * 32_768.0).round() / 32_768.0);
        assert_eq!(BeepDetector::new(0).push(coarse), [48_000, 96_000]);
    }

    #[test]
    fn a_beep_that_already_sounds_is_not_reported() {
        let samples = left(&Tone::new(9), 50_000, 60_000);
        assert_eq!(BeepDetector::new(50_000).push(samples), [96_000]);
    }

    #[test]
    fn skew_is_what_was_put_in() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let mut meter = SkewMeter::new(rate);
        for number in 0..300 {
            // The frame that starts second 3 is lost.
            let lost = number == 90;
            if !lost {
                let lit = is_flash(number, rate);
                meter.picture(5_000_000 + rate.time_ns(number), number, lit);
            }
        }
        assert_eq!(meter.skew(), None);
        (0..10).for_each(|second| meter.beep(second * SECOND_NS + second % 2));
        let skew = meter.skew().unwrap();
        assert_eq!((skew.pairs, skew.min_ns, skew.max_ns), (10 - 1, 4_999_999, 5_000_000));
        assert_eq!(skew.mean_ns, 4_999_999);
        assert_eq!(meter.wrong_flashes(), 0);
        meter.picture(0, 10, true);
        meter.picture(0, 0, false);
        assert_eq!(meter.wrong_flashes(), 2);
    }
}
