//! RIFF WAVE (`.wav`): uncompressed sound, streamed in both directions.
//!
//! The writer starts with sizes that say "to the end of the file", so a file whose writer was killed plays, and so
//! does a pipe. [`Writer::finish`] patches the true sizes in; above 4 GiB it turns the file into RF64 with the
//! room that it kept for that. The reader takes 16, 24 and 32-bit integers and 32-bit floats and reads over chunks
//! it does not know.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

pub use super::samples::SampleFormat;

const TAG_INT: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_EXTENSIBLE: u16 = 0xFFFE;
/// A size that is not known (or, in RF64, stands in the `ds64` chunk).
const UNKNOWN: u32 = u32::MAX;
/// Payload of a `ds64` chunk without a table.
const DS64: u32 = 28;
const MAX_CHANNELS: u16 = 64;
const MAX_RATE: u32 = 768_000;
/// The longest `fmt ` chunk worth reading; an extensible one has 40 bytes.
const MAX_FMT: u64 = 1024;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Interleaved channels.
    pub channels: u16,
    /// Samples per second and channel.
    pub rate: u32,
}

impl Format {
    fn check(self) -> Result<Self, WavError> {
        let plausible = (1..=MAX_CHANNELS).contains(&self.channels) && (1..=MAX_RATE).contains(&self.rate);
        plausible.then_some(self).ok_or(WavError::Format(self))
    }
}

/// Writes interleaved samples as they come.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    format: Format,
    samples: SampleFormat,
    data_bytes: u64,
    encoded: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header; `output` should be buffered.
    pub fn new(mut output: W, format: Format, samples: SampleFormat) -> Result<Self, WavError> {
        format.check()?;
        output.write_all(&header(format, samples, None)).map_err(WavError::Io)?;
        Ok(Self { output, format, samples, data_bytes: 0, encoded: Vec::new() })
    }

    /// Appends interleaved samples of all channels.
    pub fn write(&mut self, block: &[f32]) -> Result<(), WavError> {
        let (samples, channels) = (block.len(), self.format.channels);
        if samples % usize::from(channels) != 0 {
            return Err(WavError::Uneven { samples, channels });
        }
        self.encoded.clear();
        self.samples.encode(block, &mut self.encoded);
        self.output.write_all(&self.encoded).map_err(WavError::Io)?;
        self.data_bytes += self.encoded.len() as u64;
        Ok(())
    }

    /// Flushes without patching the header, for pipes. What was written stays playable.
    pub fn end(mut self) -> Result<W, WavError> {
        self.output.flush().map_err(WavError::Io)?;
        Ok(self.output)
    }
}

impl<W: Write + Seek> Writer<W> {
    /// Patches the sizes into the header and flushes.
    pub fn finish(mut self) -> Result<W, WavError> {
        let patched = header(self.format, self.samples, Some(self.data_bytes));
        let mut patch = || {
            self.output.seek(SeekFrom::Start(0))?;
            self.output.write_all(&patched)?;
            self.output.seek(SeekFrom::End(0))?;
            self.output.flush()
        };
        patch().map_err(WavError::Io)?;
        Ok(self.output)
    }
}

/// The bytes before the samples; always equally many, whatever the sizes are.
fn header(format: Format, samples: SampleFormat, data_bytes: Option<u64>) -> Vec<u8> {
    let frame = samples.bytes() as u16 * format.channels;
    let frames = data_bytes.map(|bytes| bytes / u64::from(frame));
    let tag = match samples {
        SampleFormat::F32 => TAG_FLOAT,
        SampleFormat::S16 => TAG_INT,
    };

    let mut body = Vec::new();
    body.extend(b"fmt ");
    body.extend(18u32.to_le_bytes());
    body.extend(tag.to_le_bytes());
    body.extend(format.channels.to_le_bytes());
    body.extend(format.rate.to_le_bytes());
    body.extend((format.rate.saturating_mul(u32::from(frame))).to_le_bytes());
    body.extend(frame.to_le_bytes());
    body.extend((samples.bytes() as u16 * 8).to_le_bytes());
    body.extend(0u16.to_le_bytes());
    body.extend(b"fact");
    body.extend(4u32.to_le_bytes());
    body.extend(small(frames).to_le_bytes());
    body.extend(b"data");
    body.extend(small(data_bytes).to_le_bytes());

    // "WAVE", the room for ds64, the body and the samples, which never need padding: their size is even.
    let riff_bytes = data_bytes.map(|bytes| 4 + 8 + u64::from(DS64) + body.len() as u64 + bytes);
    let large = riff_bytes.is_some_and(|bytes| bytes >= u64::from(UNKNOWN));
    let mut all = Vec::new();
    all.extend(if large { b"RF64" } else { b"RIFF" });
    all.extend(small(riff_bytes).to_le_bytes());
    all.extend(b"WAVE");
    all.extend(if large { b"ds64" } else { b"JUNK" });
    all.extend(DS64.to_le_bytes());
    let sizes = [riff_bytes, data_bytes, frames].map(|size| if large { size.unwrap_or(0) } else { 0 });
    all.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
    all.extend(0u32.to_le_bytes());
    all.extend(body);
    all
}

/// A size as 32 bits, [`UNKNOWN`] if it does not fit.
fn small(size: Option<u64>) -> u32 {
    size.and_then(|size| u32::try_from(size).ok()).unwrap_or(UNKNOWN)
}

/// How samples are stored in the file read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    S16,
    S24,
    S32,
    F32,
}

impl Coding {
    fn bytes(self) -> usize {
        match self {
            Self::S16 => 2,
            Self::S24 => 3,
            Self::S32 | Self::F32 => 4,
        }
    }

    /// One little-endian sample of [`Coding::bytes`] bytes; integers become -1.0 to 1.0.
    fn decode(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Self::S16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::S24, &[a, b, c]) => (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0,
            (Self::S32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            _ => unreachable!("chunks have the size of a sample"),
        }
    }
}

/// Reads interleaved samples as `f32`.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    format: Format,
    coding: Coding,
    /// Bytes of samples still to come; unknown for a pipe or a file that was not finished.
    left: Option<u64>,
    raw: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads everything before the samples; `input` should be buffered.
    pub fn new(mut input: R) -> Result<Self, WavError> {
        let [riff, _, wave] = words(&mut input)?.ok_or(WavError::NotWav)?;
        if !matches!(&riff, b"RIFF" | b"RF64") || &wave != b"WAVE" {
            return Err(WavError::NotWav);
        }
        let mut coding = None;
        let mut long_data = None;
        loop {
            let [name, size] = words(&mut input)?.ok_or(WavError::NoData)?;
            let size = u32::from_le_bytes(size);
            match &name {
                b"fmt " => coding = Some(parse_fmt(&chunk(&mut input, size)?)?),
                b"ds64" => long_data = Some(parse_ds64(&chunk(&mut input, size)?)?),
                b"data" => {
                    let (format, coding) = coding.ok_or(WavError::NoFmt)?;
                    let left = if size == UNKNOWN { long_data } else { Some(u64::from(size)) };
                    return Ok(Self { input, format, coding, left, raw: Vec::new() });
                }
                _ => skip(&mut input, u64::from(size).next_multiple_of(2))?,
            }
        }
    }

    /// Channels and rate.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Fills `block` with interleaved samples and returns how many it holds: fewer than asked for, in whole sets
    /// of channels, only at the end of the file. A set cut off by the end of the file is left out.
    pub fn read(&mut self, block: &mut [f32]) -> Result<usize, WavError> {
        let channels = usize::from(self.format.channels);
        let set = self.coding.bytes() * channels;
        let mut wanted = block.len() / channels * set;
        if let Some(left) = self.left {
            wanted = wanted.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.raw.clear();
        (&mut self.input).take(wanted as u64).read_to_end(&mut self.raw).map_err(WavError::Io)?;
        if let Some(left) = &mut self.left {
            *left -= self.raw.len() as u64;
        }
        let whole = self.raw.len() / set * set;
        let samples = self.raw[..whole].chunks_exact(self.coding.bytes());
        block.iter_mut().zip(samples).for_each(|(sample, bytes)| *sample = self.coding.decode(bytes));
        Ok(whole / self.coding.bytes())
    }
}

/// The next `N` four-byte words; `None` if the input ends before or within them.
fn words<const N: usize>(input: &mut impl Read) -> Result<Option<[[u8; 4]; N]>, WavError> {
    let mut words = [[0; 4]; N];
    match input.read_exact(words.as_flattened_mut()) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other.map(|()| Some(words)).map_err(WavError::Io),
    }
}

/// The content of a chunk that is short by nature.
fn chunk(input: &mut impl Read, size: u32) -> Result<Vec<u8>, WavError> {
    let padded = u64::from(size).next_multiple_of(2);
    let mut content = Vec::new();
    input.take(padded.min(MAX_FMT)).read_to_end(&mut content).map_err(WavError::Io)?;
    skip(input, padded.saturating_sub(MAX_FMT))?;
    content.truncate(size as usize);
    Ok(content)
}

fn skip(input: &mut impl Read, bytes: u64) -> Result<(), WavError> {
    let skipped = io::copy(&mut input.take(bytes), &mut io::sink()).map_err(WavError::Io)?;
    (skipped == bytes).then_some(()).ok_or(WavError::NoData)
}

fn parse_fmt(content: &[u8]) -> Result<(Format, Coding), WavError> {
    let half = |at: usize| content.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let fields = || Some((half(0)?, half(2)?, half(4)?, half(6)?, half(14)?));
    let (mut tag, channels, rate_low, rate_high, bits) = fields().ok_or(WavError::NoFmt)?;
    if tag == TAG_EXTENSIBLE {
        // The sub-format's GUID starts with the tag proper.
        tag = half(24).ok_or(WavError::NoFmt)?;
    }
    let rate = u32::from(rate_high) << 16 | u32::from(rate_low);
    let coding = match (tag, bits) {
        (TAG_INT, 16) => Coding::S16,
        (TAG_INT, 24) => Coding::S24,
        (TAG_INT, 32) => Coding::S32,
        (TAG_FLOAT, 32) => Coding::F32,
        _ => return Err(WavError::Coding { tag, bits }),
    };
    Ok((Format { channels, rate }.check()?, coding))
}

fn parse_ds64(content: &[u8]) -> Result<u64, WavError> {
    let size = content.get(8..16).and_then(|size| size.try_into().ok());
    size.map(u64::from_le_bytes).ok_or(WavError::NoData)
}

/// Why a WAV file cannot be read or written.
#[derive(Debug)]
pub enum WavError {
    /// The input does not start like a WAV file.
    NotWav,
    /// No `fmt ` chunk before the samples, or one that is too short.
    NoFmt,
    /// The input ends before the samples.
    NoData,
    /// No or too many channels, or a rate out of bounds.
    Format(Format),
    /// Samples stored in a way that is not supported.
    Coding {
        /// The format tag.
        tag: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// A block that does not hold whole sets of channels.
    Uneven {
        /// Samples in the block.
        samples: usize,
        /// Channels of the file.
        channels: u16,
    },
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav => write!(f, "not a WAV file: it does not start with RIFF or RF64 and WAVE"),
            Self::NoFmt => write!(f, "the WAV file has no usable fmt chunk before its samples"),
            Self::NoData => write!(f, "the WAV file ends before its samples"),
            Self::Format(Format { channels, rate }) => write!(
                f,
                "{channels} channels at {rate} Hz; 1 to {MAX_CHANNELS} channels at up to {MAX_RATE} Hz work"
            ),
            Self::Coding { tag, bits } => write!(
                f,
                "WAV format {tag} with {bits} bits; 16, 24 and 32-bit integers and 32-bit floats work: convert \
                 with ffmpeg -c:a pcm_f32le"
            ),
            Self::Uneven { samples, channels } => {
                write!(f, "a block of {samples} samples does not divide into {channels} channels")
            }
            Self::Io(error) => write!(f, "WAV: {error}"),
        }
    }
}

impl std::error::Error for WavError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
