//! Sound, compared with the test tone, bit by bit.

use frame_ring::{AudioFormat, Descriptor};

use super::WrongFrame;
use crate::convert;
use crate::media::tone::{Tone, CHANNELS, SAMPLE_RATE};

/// The check of one track's sound.
#[derive(Debug, Default)]
pub struct SoundCheck {
    tone: Option<(u16, Tone)>,
    /// Where the next block starts if none is missing.
    next_position: Option<u64>,
    samples: Vec<f32>,
}

impl SoundCheck {
    /// Compares a block, before which `missing` others are missing; returns its samples.
    pub fn check(
        &mut self,
        about: &Descriptor,
        format: &AudioFormat,
        bytes: &[u8],
        missing: u64,
    ) -> Result<&[f32], WrongFrame> {
        let (rate, channels) = (format.rate, format.channels);
        if rate != SAMPLE_RATE || usize::from(channels) != CHANNELS {
            return Err(WrongFrame::SoundFormat { rate, channels });
        }
        convert::sound(format, bytes, &mut self.samples).map_err(WrongFrame::Format)?;
        let found = format.position;
        let expected = self.next_position.replace(found.saturating_add(format.frames.into()));
        if let Some(expected) = expected {
            // Blocks that are missing leave a gap, others must not.
            if found < expected || (found > expected && missing == 0) {
                return Err(WrongFrame::Position { expected, found });
            }
        }
        let participant = about.source as u16;
        let tone = match self.tone.take() {
            Some((of, tone)) if of == participant => tone,
            _ => Tone::new(participant),
        };
        let checked = tone.check(found, &self.samples);
        self.tone = Some((participant, tone));
        checked.map(|()| &self.samples[..]).map_err(WrongFrame::Sound)
    }
}
