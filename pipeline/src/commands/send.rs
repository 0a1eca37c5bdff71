//! `frame-ring send`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use frame_ring::{ConnectError, Producer, TrackInfo, TrackKind, TrackSource};

use crate::capture::files::{
    parse_rate, parse_size, LoopedPictures, RawFormat, RawPictures, WavSound, Y4mPictures,
};
use crate::capture::outlet::{Outlet, RingOutlet};
use crate::capture::source::{Source, TestPictures, TestTone};
use crate::capture::{self, Plan, TrackReport};
use crate::check::looped::LoopedFile;
use crate::error::CliError;
use crate::media::FrameRate;
use crate::receive::positive;
use crate::signals;

/// Send pictures or sound into a ring: the test pattern, a y4m or WAV file, or raw frames
///
/// Without --to, the ring is the one that the environment names (FRAME_RING_FD or FRAME_RING_SOCKET), as `frame-ring run`
/// sets it. Frames are sent at their times, and dropped if the ring is full; with --fast, as fast as the other side takes
/// them, and none is dropped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring send --to /tmp/ring.sock --pattern --seconds 10
  frame-ring send --to /tmp/ring.sock --fast talk.y4m
  ffmpeg -i talk.mp4 -pix_fmt yuv420p -f yuv4mpegpipe - | frame-ring send --to /tmp/ring.sock -
  ffmpeg -i talk.mp4 -pix_fmt nv12 -f rawvideo - | frame-ring send --to /tmp/ring.sock --raw 1280x720:NV12@30")]
pub struct Args {
    /// A y4m or WAV file, or - for standard input
    #[arg(required_unless_present_any = ["pattern", "raw"], conflicts_with = "pattern")]
    input: Option<PathBuf>,
    /// The socket of the ring
    #[arg(long, value_name = "SOCKET")]
    to: Option<PathBuf>,
    /// Send the test picture with its number burnt in, and the test tone
    #[arg(long)]
    pattern: bool,
    /// Size of the test picture
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Rate of the test picture
    #[arg(long, value_name = "FPS", default_value = "30", value_parser = parse_rate)]
    fps: FrameRate,
    /// Number of the participant in the test picture and tone
    #[arg(long, value_name = "N", default_value_t = 1)]
    participant: u16,
    /// The input is raw frames: WIDTHxHEIGHT:FOURCC@FPS, such as 1280x720:YU12@30, from standard input if there is no file
    #[arg(long, value_name = "FORMAT")]
    raw: Option<RawFormat>,
    /// What people call this producer
    #[arg(long, default_value = "send")]
    label: String,
    /// Stop after so many seconds of media
    #[arg(long, value_name = "S", value_parser = positive)]
    seconds: Option<f64>,
    /// Begin a y4m file again when it ends
    #[arg(long = "loop", conflicts_with_all = ["pattern", "raw"])]
    again: bool,
    /// Send frames at their times [default]
    #[arg(long, conflicts_with = "fast")]
    realtime: bool,
    /// Send frames as fast as the ring has room for them
    #[arg(long)]
    fast: bool,
}

/// How long a consumer may take to listen at its socket.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let mut sources = sources(&args)?;
    let producer = connect(&args).map_err(|why| CliError::failed("connect to the ring", why))?;
    let infos: Vec<TrackInfo> =
        sources.iter().map(|source| info(source.kind(), &args.label, args.participant)).collect();
    let mut outlet = RingOutlet::open(&producer, &infos, args.fast)?;
    let end_ns = args.seconds.map(|seconds| (seconds * 1e9) as u64);
    let plan = Plan { participant: args.participant.into(), end_ns, realtime: !args.fast };
    let reports = capture::run(&plan, &mut sources, &mut outlet)?;
    outlet.finish()?;
    for (source, report) in sources.iter().zip(&reports) {
        let TrackReport { sent, dropped, unwanted, .. } = report;
        let word = word(source.kind());
        eprintln!("{word}: {sent} frames sent, {dropped} dropped, {unwanted} not wanted");
    }
    Ok(())
}

/// Connects; waits a moment for a consumer that was started together with this program.
fn connect(args: &Args) -> Result<Producer, ConnectError> {
    let start = Instant::now();
    let mut said = false;
    loop {
        let connected = match &args.to {
            Some(path) => Producer::connect(path, &args.label),
            // SAFETY: nothing else in this program takes up the descriptor that the variable names.
            None => return unsafe { Producer::from_env(&args.label) },
        };
        let too_early = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
        };
        match connected {
            Err(ConnectError::Unreachable { path, error })
                if too_early(&error) && start.elapsed() < PATIENCE && !signals::stop_requested() =>
            {
                if !std::mem::replace(&mut said, true) {
                    eprintln!("waiting for a consumer: {error}: {}", path.display());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            connected => return connected,
        }
    }
}

fn word(kind: TrackKind) -> &'static str {
    crate::commands::names::kind(kind)
}

/// What is said of a track.
pub fn info(kind: TrackKind, label: &str, participant: u16) -> TrackInfo {
    let source = match kind {
        TrackKind::Video => TrackSource::Camera,
        TrackKind::Audio => TrackSource::Microphone,
        TrackKind::Data => TrackSource::Unknown,
    };
    let own = match label {
        "" => word(kind).to_owned(),
        label => format!("{label} {}", word(kind)),
    };
    TrackInfo { source_id: participant.into(), ..TrackInfo::new(kind, source, &own) }
}

fn sources(args: &Args) -> Result<Vec<Box<dyn Source>>, CliError> {
    if args.pattern {
        let pictures = TestPictures::new(args.size, args.participant, args.fps)?;
        return Ok(vec![Box::new(pictures), Box::new(TestTone::new(args.participant))]);
    }
    let path = args.input.as_deref().unwrap_or(Path::new("-"));
    if let Some(raw) = args.raw {
        return Ok(vec![Box::new(RawPictures::new(open(path)?, raw))]);
    }
    let mut input = BufReader::with_capacity(1 << 16, open(path)?);
    let start = input.fill_buf().map_err(|why| cannot_read(path, why))?;
    let source: Box<dyn Source> = match start {
        [b'Y', b'U', b'V', b'4', ..] if args.again => {
            let file = LoopedFile::open(path).map_err(|why| cannot_read(path, why))?;
            Box::new(LoopedPictures::new(file)?)
        }
        [b'Y', b'U', b'V', b'4', ..] => Box::new(Y4mPictures::new(input)?),
        [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', ..] if !args.again => Box::new(WavSound::new(input)?),
        [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', ..] => {
            return Err(CliError::Usage("--loop is for y4m files".into()));
        }
        _ => {
            let shown = path.display();
            return Err(CliError::Failed(format!(
                "{shown} is neither a y4m nor a WAV file; for raw frames say what they are: --raw 1280x720:YU12@30"
            )));
        }
    };
    Ok(vec![source])
}

fn cannot_read(path: &Path, why: impl std::fmt::Display) -> CliError {
    CliError::failed(format!("read {}", path.display()), why)
}

/// A file, or standard input for `-`.
fn open(path: &Path) -> Result<Box<dyn ReadDebug>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(
        File::open(path).map_err(|why| CliError::Usage(format!("cannot open {}: {why}", path.display())))?,
    ))
}

/// An input that can be printed, as sources can.
trait ReadDebug: Read + std::fmt::Debug {}
impl<T: Read + std::fmt::Debug> ReadDebug for T {}
