//! What tracks carry, and when it changes.

use std::time::{Duration, Instant};

use frame_ring::{AudioFormat, Body, Demand, FormatError, FourCc, SampleFormat, VideoFormat};

use super::random::Random;

/// Tracks of a participant: the picture, and two of sound.
pub const PARTS: usize = 3;
/// Pictures per second.
const FPS: u32 = 30;
/// Blocks of sound per second.
const BLOCKS: u32 = 100;

/// Sizes of pictures: the usual one, a large one, a small one.
const SIZES: [(u32, u32); 3] = [(640, 360), (1280, 720), SMALL];
const SMALL: (u32, u32) = (320, 180);
/// Rates and channels of sound: the usual ones first.
const SOUNDS: [(u32, u16); 3] = [(48_000, 1), (44_100, 2), (16_000, 1)];
/// For how long tracks keep a format, in milliseconds: the usual one long, the others not.
const PICTURE_MS: [(u64, u64); 3] = [(4_000, 24_000), (200, 800), (500, 3_000)];
const SOUND_MS: [(u64, u64); 3] = [(4_000, 24_000), (500, 3_000), (500, 3_000)];

/// Bytes of the longest frame there is.
pub fn longest() -> usize {
    // Half a byte for each chroma sample of I420.
    SIZES.iter().map(|(width, height)| (width * height * 3 / 2) as usize).max().unwrap_or(0)
}

/// The time from one frame of a track to the next.
pub fn interval(part: usize) -> Duration {
    Duration::from_secs(1) / if part == 0 { FPS } else { BLOCKS }
}

/// The formats of one track, in turn.
#[derive(Debug)]
pub struct Formats {
    part: usize,
    at: usize,
    until: Instant,
}

impl Formats {
    /// Those of a new track. The first change may come soon.
    pub fn new(part: usize, now: Instant, random: &mut Random) -> Self {
        Self { part, at: 0, until: now + random.ms(300, 20_000) }
    }

    /// The format of the frame that is due.
    pub fn now(&mut self, now: Instant, demand: &Demand, random: &mut Random) -> Result<Body, FormatError> {
        let times = if self.part == 0 { PICTURE_MS } else { SOUND_MS };
        if now >= self.until {
            self.at = (self.at + 1) % times.len();
            let (from, to) = times[self.at];
            self.until = now + random.ms(from, to);
        }
        if self.part > 0 {
            let (rate, channels) = SOUNDS[self.at];
            return Ok(sound(rate, channels));
        }
        let (width, height) = SIZES[self.at];
        let is_too_large = demand.max_size != (0, 0) && width > u32::from(demand.max_size.0);
        picture(if is_too_large { SMALL } else { (width, height) })
    }
}

fn picture((width, height): (u32, u32)) -> Result<Body, FormatError> {
    VideoFormat::packed(FourCc::I420, width, height).map(Body::Video)
}

fn sound(rate: u32, channels: u16) -> Body {
    Body::Audio(AudioFormat::interleaved(SampleFormat::F32, channels, rate, rate / BLOCKS))
}

/// Whether a frame of a track may have this format.
pub fn is_known(part: usize, body: &Body) -> bool {
    match part {
        0 => SIZES.into_iter().any(|size| picture(size).as_ref() == Ok(body)),
        _ => SOUNDS.into_iter().any(|(rate, channels)| sound(rate, channels) == *body),
    }
}
