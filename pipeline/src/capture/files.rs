//! Files and pipes to send: y4m, WAV, raw frames.

use std::fmt;
use std::io::{BufRead, Read};
use std::str::FromStr;

use frame_ring::{AudioFormat, Body, FourCc, SampleFormat, TrackKind, VideoFormat};

use super::source::{encode, sample_time_ns, video_format, Item, Source, Ticks};
use crate::check::looped::LoopedFile;
use crate::convert;
use crate::error::CliError;
use crate::media::picture::MAX_SIDE;
use crate::media::{wav, y4m, FrameRate};

fn failed(why: impl fmt::Display) -> CliError {
    CliError::failed("read the input", why)
}

/// Pictures of a y4m stream.
#[derive(Debug)]
pub struct Y4mPictures<R> {
    reader: y4m::Reader<R>,
    format: VideoFormat,
    ticks: Ticks,
    picture: Vec<u8>,
}

impl<R: BufRead> Y4mPictures<R> {
    /// Reads the header.
    pub fn new(input: R) -> Result<Self, CliError> {
        let reader = y4m::Reader::new(input).map_err(failed)?;
        let header = reader.format();
        let format = video_format(header.layout, (header.width, header.height), header.rate, header.range)?;
        Ok(Self { reader, format, ticks: Ticks::new(header.rate), picture: Vec::new() })
    }
}

impl<R: BufRead + fmt::Debug> Source for Y4mPictures<R> {
    fn kind(&self) -> TrackKind {
        TrackKind::Video
    }

    fn due_ns(&self) -> u64 {
        self.ticks.due_ns()
    }

    fn next(&mut self) -> Result<Option<Item<'_>>, CliError> {
        let Some(picture) = self.reader.read().map_err(failed)? else { return Ok(None) };
        self.picture.clear();
        for plane in (0..picture.layout().plane_count()).filter_map(|plane| picture.contiguous_plane(plane)) {
            self.picture.extend(plane);
        }
        let (_, duration_ns) = self.ticks.step();
        Ok(Some(Item { body: Body::Video(self.format), bytes: &self.picture, duration_ns }))
    }
}

/// Pictures of a y4m file, again and again.
#[derive(Debug)]
pub struct LoopedPictures {
    file: LoopedFile,
    format: VideoFormat,
    ticks: Ticks,
}

impl LoopedPictures {
    /// The pictures of this file.
    pub fn new(file: LoopedFile) -> Result<Self, CliError> {
        let header = file.format();
        let format = video_format(header.layout, (header.width, header.height), header.rate, header.range)?;
        Ok(Self { file, format, ticks: Ticks::new(header.rate) })
    }
}

impl Source for LoopedPictures {
    fn kind(&self) -> TrackKind {
        TrackKind::Video
    }

    fn due_ns(&self) -> u64 {
        self.ticks.due_ns()
    }

    fn next(&mut self) -> Result<Option<Item<'_>>, CliError> {
        if self.file.read().map_err(failed)?.is_none() {
            return Ok(None);
        }
        let (_, duration_ns) = self.ticks.step();
        Ok(Some(Item { body: Body::Video(self.format), bytes: self.file.bytes(), duration_ns }))
    }
}

/// Sound of a WAV file, in blocks of 10 ms.
#[derive(Debug)]
pub struct WavSound<R> {
    reader: wav::Reader<R>,
    position: u64,
    samples: Vec<f32>,
    bytes: Vec<u8>,
}

impl<R: Read> WavSound<R> {
    /// Reads the header.
    pub fn new(input: R) -> Result<Self, CliError> {
        let reader = wav::Reader::new(input).map_err(failed)?;
        let format = reader.format();
        let block = (format.rate / 100).max(1) as usize;
        let samples = vec![0.0; block * usize::from(format.channels)];
        Ok(Self { reader, position: 0, samples, bytes: Vec::new() })
    }
}

impl<R: Read + fmt::Debug> Source for WavSound<R> {
    fn kind(&self) -> TrackKind {
        TrackKind::Audio
    }

    fn due_ns(&self) -> u64 {
        sample_time_ns(self.position, self.reader.format().rate)
    }

    fn next(&mut self) -> Result<Option<Item<'_>>, CliError> {
        let wav::Format { channels, rate } = self.reader.format();
        let count = self.reader.read(&mut self.samples).map_err(failed)?;
        if count == 0 {
            return Ok(None);
        }
        encode(&self.samples[..count], &mut self.bytes);
        // A block is a hundredth of a second.
        let frames = (count / usize::from(channels)) as u32;
        let format = AudioFormat {
            position: self.position,
            ..AudioFormat::interleaved(SampleFormat::F32, channels, rate, frames)
        };
        self.position += u64::from(frames);
        let duration_ns = sample_time_ns(frames.into(), rate);
        Ok(Some(Item { body: Body::Audio(format), bytes: &self.bytes, duration_ns }))
    }
}

/// What raw frames are: `WIDTHxHEIGHT:FOURCC@FPS`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawFormat {
    format: VideoFormat,
    rate: FrameRate,
}

impl FromStr for RawFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (size, rest) = text.split_once(':')?;
            let (code, rate) = rest.split_once('@')?;
            let code: [u8; 4] = code.as_bytes().try_into().ok()?;
            Some((parse_size(size).ok()?, FourCc::new(code), parse_rate(rate).ok()?))
        };
        let ((width, height), fourcc, rate) =
            parts().ok_or("expected WIDTHxHEIGHT:FOURCC@FPS, such as 1280x720:YU12@30")?;
        let format = VideoFormat::packed(fourcc, width, height).map_err(|why| why.to_string())?;
        Ok(Self { format: VideoFormat { fps_milli: convert::fps_milli(rate), ..format }, rate })
    }
}

/// A size as `WIDTHxHEIGHT`.
pub fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let in_range = |side: u32| (1..=MAX_SIDE).contains(&side);
    sides
        .filter(|(w, h)| in_range(*w) && in_range(*h))
        .ok_or("expected WIDTHxHEIGHT, such as 1280x720".into())
}

/// A rate in frames per second: `30`, `29.97` or `30000/1001`.
pub fn parse_rate(text: &str) -> Result<FrameRate, String> {
    let rate = match text.split_once('/') {
        Some((n, d)) => n.parse().ok().zip(d.parse().ok()).and_then(|(n, d)| FrameRate::new(n, d)),
        None => text.parse::<f64>().ok().filter(|fps| (0.001..=1000.0).contains(fps)).and_then(|fps| {
            // 29.97 and its kin are meant to be n/1.001.
            let ntsc = (fps * 1.001).round();
            match fps.fract() != 0.0 && (ntsc / 1.001 - fps).abs() < 0.005 {
                true => FrameRate::new(ntsc as u32 * 1000, 1001),
                false => FrameRate::new((fps * 1000.0).round() as u32, 1000),
            }
        }),
    };
    let plausible = |rate: &FrameRate| (1_000_000..=1_000_000_000_000).contains(&rate.frame_ns());
    rate.filter(plausible).ok_or("expected frames per second, such as 30, 29.97 or 30000/1001".into())
}

/// Raw frames, one directly after the other.
#[derive(Debug)]
pub struct RawPictures<R> {
    input: R,
    format: VideoFormat,
    ticks: Ticks,
    picture: Vec<u8>,
}

impl<R: Read> RawPictures<R> {
    /// Frames of this format.
    pub fn new(input: R, raw: RawFormat) -> Self {
        // Packed formats are checked to describe less than 4 GiB.
        let picture = vec![0; raw.format.payload_len() as usize];
        Self { input, format: raw.format, ticks: Ticks::new(raw.rate), picture }
    }
}

impl<R: Read + fmt::Debug> Source for RawPictures<R> {
    fn kind(&self) -> TrackKind {
        TrackKind::Video
    }

    fn due_ns(&self) -> u64 {
        self.ticks.due_ns()
    }

    fn next(&mut self) -> Result<Option<Item<'_>>, CliError> {
        let mut filled = 0;
        while filled < self.picture.len() {
            match self.input.read(&mut self.picture[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => {
                    let whole = self.picture.len();
                    return Err(failed(format!(
                        "it ends {filled} bytes into a frame of {whole}; is the format right?"
                    )));
                }
                Ok(n) => filled += n,
                Err(why) if why.kind() == std::io::ErrorKind::Interrupted => {}
                Err(why) => return Err(failed(why)),
            }
        }
        let (_, duration_ns) = self.ticks.step();
        Ok(Some(Item { body: Body::Video(self.format), bytes: &self.picture, duration_ns }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_formats_are_read() {
        let raw: RawFormat = "1280x720:YU12@30000/1001".parse().unwrap();
        assert_eq!((raw.format.fourcc, raw.format.payload_len()), (FourCc::I420, 1_382_400));
        assert_eq!((raw.rate, raw.format.fps_milli), (FrameRate::new(30_000, 1001).unwrap(), 29_970));
        let wrong =
            ["", "1280x720", "1280x720:YU12", "1280x720:YUV@30", "0x720:YU12@30", "8x8:YU12@0", "8x8:XXXX@5"];
        for text in wrong {
            assert!(text.parse::<RawFormat>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_read() {
        assert_eq!(parse_rate("30"), Ok(FrameRate::new(30_000, 1000).unwrap()));
        assert_eq!(parse_rate("29.97"), Ok(FrameRate::new(30_000, 1001).unwrap()));
        assert_eq!(parse_rate("23.976"), Ok(FrameRate::new(24_000, 1001).unwrap()));
        assert_eq!(parse_rate("12.5"), Ok(FrameRate::new(12_500, 1000).unwrap()));
        for text in ["", "0", "-1", "NaN", "inf", "1e9", "1/0", "4000000000/1"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn raw_frames_are_cut_at_their_length() {
        let raw: RawFormat = "2x2:YU12@10".parse().unwrap();
        let bytes: Vec<u8> = (0..15).collect();
        let mut source = RawPictures::new(&bytes[..12], raw);
        for number in 0..2 {
            assert_eq!(source.due_ns(), number * 100_000_000);
            assert_eq!(source.next().unwrap().unwrap().bytes, &bytes[6 * number as usize..][..6]);
        }
        assert!(source.next().unwrap().is_none());
        let mut cut = RawPictures::new(&bytes[..9], raw);
        assert!(cut.next().is_ok() && cut.next().is_err());
    }
}
