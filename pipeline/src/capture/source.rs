//! What can be sent, and the test pattern and tone as such.

use std::fmt;

use frame_ring::{AudioFormat, Body, Colour, ColourRange, SampleFormat, TrackKind, VideoFormat};

use crate::convert;
use crate::error::CliError;
use crate::media::pattern::Pattern;
use crate::media::rate::SECOND_NS;
use crate::media::tone::{Tone, CHANNELS, SAMPLE_RATE};
use crate::media::{FrameRate, Layout, Range};

/// Samples of each channel in a block of sound: 10 ms.
pub const BLOCK: u32 = SAMPLE_RATE / 100;

/// One series of frames.
pub trait Source: fmt::Debug {
    /// What it is a series of.
    fn kind(&self) -> TrackKind;

    /// When the next frame is due on the media's time line.
    fn due_ns(&self) -> u64;

    /// The next frame; `None` at the end.
    fn next(&mut self) -> Result<Option<Item<'_>>, CliError>;
}

/// A frame to send.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its format, without padding.
    pub body: Body,
    /// Its payload.
    pub bytes: &'a [u8],
    /// How long it lasts.
    pub duration_ns: u64,
}

/// Counts frames at a rate.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    rate: FrameRate,
    number: u64,
}

impl Ticks {
    /// From frame 0 on.
    pub fn new(rate: FrameRate) -> Self {
        Self { rate, number: 0 }
    }

    /// When the next frame is due.
    pub fn due_ns(&self) -> u64 {
        self.rate.time_ns(self.number)
    }

    /// Goes on; returns the number of the frame that was due, and how long it lasts.
    pub fn step(&mut self) -> (u64, u64) {
        let number = self.number;
        self.number += 1;
        (number, self.due_ns() - self.rate.time_ns(number))
    }
}

/// The format of packed pictures, as descriptors have it.
pub fn video_format(
    layout: Layout,
    (width, height): (u32, u32),
    rate: FrameRate,
    range: Range,
) -> Result<VideoFormat, CliError> {
    let format = VideoFormat::packed(convert::fourcc(layout), width, height);
    let format =
        format.map_err(|why| CliError::Usage(format!("cannot send pictures of {width}x{height}: {why}")))?;
    let range = match range {
        Range::Limited => ColourRange::Limited,
        Range::Full => ColourRange::Full,
    };
    let colour = Colour { range, ..Colour::UNSPECIFIED };
    Ok(VideoFormat { fps_milli: convert::fps_milli(rate), colour, ..format })
}

/// Test pictures.
#[derive(Debug)]
pub struct TestPictures {
    pattern: Pattern,
    format: VideoFormat,
    ticks: Ticks,
}

impl TestPictures {
    /// The pictures of a participant.
    pub fn new(size: (u32, u32), participant: u16, rate: FrameRate) -> Result<Self, CliError> {
        let pattern = Pattern::new(size.0, size.1, participant, rate);
        let pattern = pattern.map_err(|why| CliError::Usage(why.to_string()))?;
        let format = video_format(Layout::I420, size, rate, Range::Limited)?;
        Ok(Self { pattern, format, ticks: Ticks::new(rate) })
    }
}

impl Source for TestPictures {
    fn kind(&self) -> TrackKind {
        TrackKind::Video
    }

    fn due_ns(&self) -> u64 {
        self.ticks.due_ns()
    }

    fn next(&mut self) -> Result<Option<Item<'_>>, CliError> {
        let (number, duration_ns) = self.ticks.step();
        // The picture has room for 32 bits: four years at 30 per second.
        self.pattern.draw(number as u32);
        Ok(Some(Item { body: Body::Video(self.format), bytes: self.pattern.bytes(), duration_ns }))
    }
}

/// The test tone, in blocks of 10 ms.
#[derive(Debug)]
pub struct TestTone {
    tone: Tone,
    position: u64,
    samples: Vec<f32>,
    bytes: Vec<u8>,
}

impl TestTone {
    /// The tone of a participant.
    pub fn new(participant: u16) -> Self {
        let samples = vec![0.0; BLOCK as usize * CHANNELS];
        Self { tone: Tone::new(participant), position: 0, samples, bytes: Vec::new() }
    }
}

impl Source for TestTone {
    fn kind(&self) -> TrackKind {
        TrackKind::Audio
    }

    fn due_ns(&self) -> u64 {
        sample_time_ns(self.position, SAMPLE_RATE)
    }

    fn next(&mut self) -> Result<Option<Item<'_>>, CliError> {
        self.tone.fill(self.position, &mut self.samples);
        encode(&self.samples, &mut self.bytes);
        let format = AudioFormat {
            position: self.position,
            ..AudioFormat::interleaved(SampleFormat::F32, CHANNELS as u16, SAMPLE_RATE, BLOCK)
        };
        let duration_ns = sample_time_ns(BLOCK.into(), SAMPLE_RATE);
        self.position += u64::from(BLOCK);
        Ok(Some(Item { body: Body::Audio(format), bytes: &self.bytes, duration_ns }))
    }
}

/// When sample `position` is due.
pub fn sample_time_ns(position: u64, rate: u32) -> u64 {
    let ns = u128::from(position) * u128::from(SECOND_NS) / u128::from(rate.max(1));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// Samples as the bytes of a payload.
pub fn encode(samples: &[f32], bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
}
