//! How far the picture and the sound of a participant are apart, by flash and beep.

use std::collections::BTreeMap;

use frame_ring::Descriptor;

use super::Seen;
use crate::media::marker::{BeepDetector, Skew, SkewMeter};
use crate::media::tone::{CHANNELS, SAMPLE_RATE};

/// Skews of all participants, who are told apart by a key of the caller.
#[derive(Debug, Default)]
pub struct Skews {
    participants: BTreeMap<u32, Participant>,
}

#[derive(Debug, Default)]
struct Participant {
    meter: Option<SkewMeter>,
    /// Beeps from before the first picture told the rate.
    early: Vec<u64>,
    /// The detector, and the position at which it goes on.
    beeps: Option<(BeepDetector, u64)>,
}

impl Skews {
    /// Takes what a frame of a participant showed.
    pub fn see(&mut self, participant: u32, about: &Descriptor, seen: &Seen<'_>) {
        let Some(pts_ns) = about.pts_ns.and_then(|pts| u64::try_from(pts).ok()) else { return };
        let participant = self.participants.entry(participant).or_default();
        match seen {
            Seen::Picture(picture) => {
                let early = std::mem::take(&mut participant.early);
                let meter = participant.meter.get_or_insert_with(|| SkewMeter::new(picture.rate));
                early.into_iter().for_each(|beep| meter.beep(beep));
                meter.picture(pts_ns, picture.number.into(), picture.lit);
            }
            Seen::Sound(position, samples) => participant.hear(pts_ns, *position, samples),
            Seen::Nothing => {}
        }
    }

    /// The skew of a participant, if both of its markers were seen.
    pub fn of(&self, participant: u32) -> Option<Skew> {
        self.participants.get(&participant)?.meter.as_ref()?.skew()
    }

    /// All participants whose markers were seen, with their skews.
    pub fn all(&self) -> Vec<(u32, Skew)> {
        self.participants.keys().filter_map(|key| Some((*key, self.of(*key)?))).collect()
    }
}

impl Participant {
    fn hear(&mut self, pts_ns: u64, position: u64, samples: &[f32]) {
        let mut detector = match self.beeps.take() {
            Some((detector, next)) if next == position => detector,
            // The first block, or one behind a gap.
            _ => BeepDetector::new(position),
        };
        for start in detector.push(samples.iter().step_by(CHANNELS).copied()) {
            // A beep may have started in a block before this one.
            let samples = i128::from(start) - i128::from(position);
            let since = samples * 1_000_000_000 / i128::from(SAMPLE_RATE);
            let at = u64::try_from(i128::from(pts_ns) + since).unwrap_or(0);
            match &mut self.meter {
                Some(meter) => meter.beep(at),
                // More than the start of a meeting is not worth keeping.
                None if self.early.len() < 100 => self.early.push(at),
                None => {}
            }
        }
        self.beeps = Some((detector, position + (samples.len() / CHANNELS) as u64));
    }
}
