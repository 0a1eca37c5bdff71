//! `frame-ring pipe`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use frame_ring::{AudioFormat, Body, Consumer, Demand, Descriptor, Flags, Frame, VideoFormat, VideoView};

use crate::convert;
use crate::error::CliError;
use crate::media::wav::{self, WavError};
use crate::media::y4m::{self, Y4mError};
use crate::receive::{receive, Sink, Until, Wish};
use crate::recorder::plain::{silence, y4m_format, Gaps};
use crate::serve::RingArgs;
use crate::signals;
use crate::track::{TrackKey, Tracks};

/// Serve a ring at a socket and write one track to standard output, for ffmpeg and the like
///
/// The track is the first one that fits; its producer is told that no other is wanted. Ends when the track ends, when
/// nobody reads any more, or at Ctrl-C. While the reader is slow the ring fills up, and producers drop frames or wait.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring pipe /tmp/ring.sock --format y4m | ffmpeg -i - talk.mp4
  frame-ring pipe /tmp/ring.sock --track audio --format wav | ffplay -
  frame-ring pipe /tmp/ring.sock --track 'ada video' --format raw | ffmpeg -f rawvideo -pix_fmt yuv420p -s 1280x720 -i - ada.mp4")]
pub struct Args {
    /// Where to listen for producers
    socket: PathBuf,
    /// Which track: its label, or `video` or `audio` for the first one of that kind
    #[arg(long, value_name = "LABEL|KIND")]
    track: Option<String>,
    /// What to write
    #[arg(long, value_enum)]
    format: Format,
    #[command(flatten)]
    ring: RingArgs,
    #[command(flatten)]
    until: Until,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// YUV4MPEG2: pictures, with a header that says what they are
    Y4m,
    /// WAV: sound as 32-bit float; gaps are filled with silence
    Wav,
    /// Frames as they are, without padding and without a header
    Raw,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let output = io::stdout().as_fd().try_clone_to_owned();
    let output = output.map_err(|why| CliError::failed("write to standard output", why))?;
    let mut ring = args.ring.serve("pipe", &args.socket)?;
    let mut pipe = Pipe {
        wanted: args.track,
        format: args.format,
        tracks: Tracks::default(),
        chosen: None,
        writer: Writer::Nothing(output.into()),
        ended: false,
        copy: Vec::new(),
        scratch: Vec::new(),
    };
    receive(&mut ring, args.until, &mut pipe)?;
    match (pipe.chosen, pipe.wanted) {
        (Some(_), _) => Ok(()),
        (None, None) => Err(CliError::Failed("no track came that can be written in this format".into())),
        (None, Some(wanted)) => Err(CliError::Failed(format!("no track {wanted:?} came"))),
    }
}

/// Writes one track.
#[derive(Debug)]
struct Pipe {
    wanted: Option<String>,
    format: Format,
    tracks: Tracks,
    chosen: Option<TrackKey>,
    writer: Writer,
    /// The track has ended, or nobody reads.
    ended: bool,
    copy: Vec<u8>,
    scratch: Vec<u8>,
}

/// Standard output. Not buffered: a frame is a few large writes, and whoever reads wants it now.
#[derive(Debug)]
enum Writer {
    /// Before the first frame.
    Nothing(File),
    Y4m(y4m::Writer<File>),
    Wav(wav::Writer<File>, wav::Format, Gaps),
    Raw(File),
    /// Nobody reads, or the format cannot go on.
    Closed,
}

impl Pipe {
    fn fits(&self, key: TrackKey, about: &Descriptor) -> bool {
        let fits_format = match (self.format, about.body) {
            (Format::Y4m, Body::Video(_)) | (Format::Wav, Body::Audio(_)) => true,
            (Format::Raw, body) => !matches!(body, Body::Event(_)),
            _ => false,
        };
        let name = || self.tracks.name(key);
        fits_format
            && match self.wanted.as_deref() {
                None => true,
                Some("video") => matches!(about.body, Body::Video(_)),
                Some("audio") => matches!(about.body, Body::Audio(_)),
                Some(label) => name().label == label || name().producer == label,
            }
    }

    fn write(&mut self, frame: &Frame) -> Result<(), WriteError> {
        let writer = std::mem::replace(&mut self.writer, Writer::Closed);
        self.writer = match (writer, frame.descriptor().body) {
            (Writer::Nothing(output), Body::Video(format)) if self.format == Format::Y4m => {
                let format = y4m_format(&format).map_err(|why| WriteError::Other(why.to_string()))?;
                self.write_picture(y4m::Writer::new(output, format)?, frame)?
            }
            (Writer::Y4m(writer), Body::Video(_)) => self.write_picture(writer, frame)?,
            (Writer::Nothing(output), Body::Audio(audio)) if self.format == Format::Wav => {
                let format = wav::Format { channels: audio.channels, rate: audio.rate };
                let writer = wav::Writer::new(output, format, wav::SampleFormat::F32)?;
                self.write_sound(writer, format, Gaps::default(), &audio, frame)?
            }
            (Writer::Wav(writer, format, gaps), Body::Audio(audio)) => {
                self.write_sound(writer, format, gaps, &audio, frame)?
            }
            (Writer::Nothing(output) | Writer::Raw(output), _) => {
                self.write_raw(&output, frame).map_err(WriteError::from_io)?;
                Writer::Raw(output)
            }
            // A track that turned into something else.
            (writer, _) => writer,
        };
        Ok(())
    }

    fn write_picture(&mut self, mut writer: y4m::Writer<File>, frame: &Frame) -> Result<Writer, WriteError> {
        let Body::Video(format) = frame.descriptor().body else { return Ok(Writer::Y4m(writer)) };
        let payload = frame.payload();
        let bytes = convert::bytes(&payload, &mut self.copy);
        let picture = convert::picture(&format, bytes, &mut self.scratch);
        writer.write(&picture.map_err(|why| WriteError::Other(why.to_string()))?)?;
        Ok(Writer::Y4m(writer))
    }

    fn write_sound(
        &mut self,
        mut writer: wav::Writer<File>,
        format: wav::Format,
        mut gaps: Gaps,
        audio: &AudioFormat,
        frame: &Frame,
    ) -> Result<Writer, WriteError> {
        if (audio.channels, audio.rate) != (format.channels, format.rate) {
            return Err(WriteError::Other("the sound changed its rate or channels, which WAV cannot".into()));
        }
        let payload = frame.payload();
        let mut samples = Vec::new();
        convert::sound(audio, convert::bytes(&payload, &mut self.copy), &mut samples)
            .map_err(|why| WriteError::Other(why.to_string()))?;
        let missing = gaps.before(audio.position, audio.frames, audio.rate);
        silence(missing, audio.channels, |block| writer.write(block))?;
        writer.write(&samples)?;
        Ok(Writer::Wav(writer, format, gaps))
    }

    /// Straight from the ring, if rows have no padding.
    fn write_raw(&mut self, mut output: &File, frame: &Frame) -> io::Result<()> {
        match frame.video() {
            Some(picture) if is_padded(picture.format()) => {
                pack(&picture, &mut self.scratch);
                output.write_all(&self.scratch)
            }
            _ => frame.payload().write_to(output),
        }
    }
}

/// Whether a payload holds more than the pixels.
fn is_padded(format: &VideoFormat) -> bool {
    let packed = VideoFormat::packed(format.fourcc, format.coded_width, format.coded_height);
    packed.is_ok_and(|packed| packed.planes != format.planes && format.plane_count > 0)
}

/// All rows of all planes, without padding.
fn pack(picture: &VideoView<'_>, out: &mut Vec<u8>) {
    out.clear();
    for plane in picture.planes() {
        let start = out.len();
        out.resize(start + plane.rows() * plane.row_bytes(), 0);
        plane.copy_to(&mut out[start..], plane.row_bytes());
    }
}

impl Sink for Pipe {
    fn frame(&mut self, ring: &Consumer, frame: Frame) -> Result<(), CliError> {
        let key = self.tracks.of(ring, &frame);
        let about = *frame.descriptor();
        if self.chosen.is_none() && self.fits(key, &about) {
            self.chosen = Some(key);
        }
        if self.chosen != Some(key) {
            if about.kind() != frame_ring::Kind::Event {
                // Also before one is chosen: what this track carries will not become what is wanted.
                ring.set_demand(about.track, Demand::NONE);
            }
            return Ok(());
        }
        if self.ended {
            return Ok(());
        }
        if !frame.payload().is_empty() {
            match self.write(&frame) {
                Ok(()) => {}
                Err(WriteError::NobodyReads) => self.ended = true,
                Err(WriteError::Other(why)) => return Err(CliError::failed("go on writing", why)),
            }
        }
        self.ended |= about.flags.contains(Flags::EOS);
        Ok(())
    }

    fn gone(&mut self, producer: u8) -> Result<(), CliError> {
        self.ended |= self.chosen.is_some_and(|key| key.producer == producer);
        self.tracks.forget(producer);
        Ok(())
    }

    fn tick(&mut self, _: &Consumer) -> Wish {
        if self.ended {
            Wish::End
        } else {
            Wish::GoOn
        }
    }

    fn status(&self) -> String {
        self.chosen.map_or("waiting for the track".into(), |key| self.tracks.name(key).label)
    }
}

/// Why a frame could not be written.
#[derive(Debug)]
enum WriteError {
    /// The other end of the pipe is closed: the reader has what it wants.
    NobodyReads,
    Other(String),
}

impl WriteError {
    fn from_io(why: io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Other(why.to_string()),
        }
    }
}

impl From<Y4mError> for WriteError {
    fn from(why: Y4mError) -> Self {
        match why {
            Y4mError::Io(why) => Self::from_io(why),
            why => Self::Other(why.to_string()),
        }
    }
}

impl From<WavError> for WriteError {
    fn from(why: WavError) -> Self {
        match why {
            WavError::Io(why) => Self::from_io(why),
            why => Self::Other(why.to_string()),
        }
    }
}
