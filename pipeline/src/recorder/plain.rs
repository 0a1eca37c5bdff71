//! Uncompressed files of one track: y4m and WAV. A change of format starts another file.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use frame_ring::{Body, Descriptor};

use super::names::Names;
use super::writer::{FileReport, Files, RecordError};
use crate::convert;
use crate::media::{wav, y4m, FrameRate};

/// The rate of files whose track says none.
const FALLBACK: FrameRate = FrameRate::whole(30);
/// The longest gap in sound that is filled with silence, in seconds; beyond, the file goes on without it.
const LONGEST_GAP: u64 = 600;

/// Where the files of a track go.
#[derive(Debug)]
pub struct Place {
    /// Gives names.
    pub names: Names,
    /// Of the producer.
    pub producer: String,
    /// Of the track.
    pub label: String,
}

impl Place {
    fn create(&self, extension: &str) -> Result<(BufWriter<File>, PathBuf), RecordError> {
        let made = self.names.create(&[&self.producer, &self.label], extension);
        let (file, path) = made.map_err(RecordError::Create)?;
        Ok((BufWriter::with_capacity(1 << 18, file), path))
    }
}

/// A file that is being written.
#[derive(Debug)]
struct Open<F, W> {
    format: F,
    writer: W,
    path: PathBuf,
    frames: u64,
}

fn report(path: PathBuf, frames: u64) -> FileReport {
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    FileReport { path, bytes, frames }
}

/// y4m files of a track.
#[derive(Debug)]
pub struct Y4mFiles {
    place: Place,
    open: Option<Open<y4m::Format, y4m::Writer<BufWriter<File>>>>,
    scratch: Vec<u8>,
    done: Vec<FileReport>,
}

impl Y4mFiles {
    /// No file yet.
    pub fn new(place: Place) -> Self {
        Self { place, open: None, scratch: Vec::new(), done: Vec::new() }
    }

    fn close(&mut self) -> Result<(), RecordError> {
        if let Some(open) = self.open.take() {
            open.writer.finish().map_err(RecordError::Y4m)?;
            self.done.push(report(open.path, open.frames));
        }
        Ok(())
    }
}

/// What a y4m header says of pictures of this format.
pub fn y4m_format(format: &frame_ring::VideoFormat) -> Result<y4m::Format, convert::ConvertError> {
    Ok(y4m::Format {
        width: format.visible.width.into(),
        height: format.visible.height.into(),
        layout: convert::layout(format.fourcc)?,
        rate: convert::rate(format).unwrap_or(FALLBACK),
        range: convert::range(format),
    })
}

impl Files for Y4mFiles {
    fn name(&mut self, _: u32, _: &str) {}

    fn frame(&mut self, _: u32, about: &Descriptor, bytes: &[u8]) -> Result<(), RecordError> {
        let Body::Video(video) = about.body else { return Ok(()) };
        let format = y4m_format(&video).map_err(RecordError::Unusable)?;
        if self.open.as_ref().is_some_and(|open| open.format != format) {
            self.close()?;
        }
        let picture = convert::picture(&video, bytes, &mut self.scratch).map_err(RecordError::Unusable)?;
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let (file, path) = self.place.create("y4m")?;
                let writer = y4m::Writer::new(file, format).map_err(RecordError::Y4m)?;
                self.open.insert(Open { format, writer, path, frames: 0 })
            }
        };
        open.writer.write(&picture).map_err(RecordError::Y4m)?;
        open.frames += 1;
        Ok(())
    }

    fn end(&mut self, _: u32) -> Result<(), RecordError> {
        self.close()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<FileReport>, RecordError> {
        self.close()?;
        Ok(self.done)
    }
}

/// WAV files of a track, 32-bit float.
#[derive(Debug)]
pub struct WavFiles {
    place: Place,
    open: Option<Open<wav::Format, wav::Writer<BufWriter<File>>>>,
    gaps: Gaps,
    samples: Vec<f32>,
    done: Vec<FileReport>,
}

impl WavFiles {
    /// No file yet.
    pub fn new(place: Place) -> Self {
        Self { place, open: None, gaps: Gaps::default(), samples: Vec::new(), done: Vec::new() }
    }

    fn close(&mut self) -> Result<(), RecordError> {
        if let Some(open) = self.open.take() {
            open.writer.finish().map_err(RecordError::Wav)?;
            self.done.push(report(open.path, open.frames));
        }
        Ok(())
    }
}

impl Files for WavFiles {
    fn name(&mut self, _: u32, _: &str) {}

    fn frame(&mut self, _: u32, about: &Descriptor, bytes: &[u8]) -> Result<(), RecordError> {
        let Body::Audio(audio) = about.body else { return Ok(()) };
        let format = wav::Format { channels: audio.channels, rate: audio.rate };
        convert::sound(&audio, bytes, &mut self.samples).map_err(RecordError::Unusable)?;
        if self.open.as_ref().is_some_and(|open| open.format != format) {
            self.close()?;
            self.gaps = Gaps::default();
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let (file, path) = self.place.create("wav")?;
                let writer =
                    wav::Writer::new(file, format, wav::SampleFormat::F32).map_err(RecordError::Wav)?;
                self.open.insert(Open { format, writer, path, frames: 0 })
            }
        };
        let missing = self.gaps.before(audio.position, audio.frames, audio.rate);
        silence(missing, audio.channels, |block| open.writer.write(block)).map_err(RecordError::Wav)?;
        open.writer.write(&self.samples).map_err(RecordError::Wav)?;
        open.frames += 1;
        Ok(())
    }

    fn end(&mut self, _: u32) -> Result<(), RecordError> {
        self.close()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<FileReport>, RecordError> {
        self.close()?;
        Ok(self.done)
    }
}

/// Where sound is missing, by the positions of its blocks.
#[derive(Debug, Default)]
pub struct Gaps {
    next: Option<u64>,
}

impl Gaps {
    /// Samples missing before a block.
    pub fn before(&mut self, position: u64, frames: u32, rate: u32) -> u64 {
        let expected = self.next.replace(position.saturating_add(frames.into())).unwrap_or(position);
        match position.saturating_sub(expected) {
            missing if missing <= LONGEST_GAP * u64::from(rate) => missing,
            _ => 0,
        }
    }
}

/// Writes so many samples of silence on each channel.
pub fn silence<E>(
    samples: u64,
    channels: u16,
    mut write: impl FnMut(&[f32]) -> Result<(), E>,
) -> Result<(), E> {
    const BLOCK: u64 = 4096;
    let mut left = samples;
    while left > 0 {
        let step = left.min(BLOCK);
        write(&vec![0.0; step as usize * usize::from(channels)])?;
        left -= step;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_where_positions_jump_forward_a_little() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.before(7000, 480, 48_000), 0);
        assert_eq!(gaps.before(7480, 480, 48_000), 0);
        assert_eq!(gaps.before(8440, 480, 48_000), 480);
        assert_eq!(gaps.before(0, 480, 48_000), 0);
        assert_eq!(gaps.before(u64::MAX, 480, 48_000), 0);
        assert_eq!(gaps.before(u64::MAX, 480, 48_000), 0);
    }

    #[test]
    fn silence_is_as_long_as_asked_for() {
        let mut written = 0;
        silence(10_000, 2, |block| {
            written += block.len();
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(written, 20_000);
    }
}
