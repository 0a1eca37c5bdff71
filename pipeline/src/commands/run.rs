//! `frame-ring run`.

pub mod browser;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use frame_ring::{Consumer, Frame, LaneRead, FD_VARIABLE, SOCKET_VARIABLE};

use browser::Capture;

use super::tally::Counter;
use crate::browser::launch::is_browser;
use crate::error::CliError;
use crate::receive::{receive, Sink, Until, Wish};
use crate::recorder::{Format, Options, Recorder};
use crate::serve::RingArgs;
use crate::supervise::{block_signals, how, Supervised};

/// Make a ring, start a command with it, record or count what it sends, report how it ended
///
/// The command finds the ring's socket in FRAME_RING_SOCKET, and so does everything that it starts. Its standard input
/// and output are those of this program, which writes to standard error alone. Signals are handed on to it.
///
/// A Chromium is known by its name: its profile is put into memory, every page gets the capture library, and the remote tracks
/// of the pages' calls come through files that both sides have mapped, or a WebSocket where that cannot be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring run --out recordings -- frame-ring send --pattern --seconds 10
  frame-ring run --out recordings --example-call 3 -- chromium --headless
  frame-ring run --out recordings -- chromium https://meet.example/our-call
  frame-ring run -- sh -c 'frame-ring send a.y4m & frame-ring send b.y4m; wait'

Exit code 0 if the command's is 0, else 1.")]
pub struct Args {
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "CMD")]
    command: Vec<OsString>,
    /// Where to listen for producers [default: a new path in the directory for temporary files]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Record to this directory instead of only counting
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What kind of files
    #[arg(long, value_enum, default_value = "mkv", requires = "out")]
    format: Format,
    /// Also hand the ring over as an inherited descriptor, in FRAME_RING_FD: for one producer that can open no path
    #[arg(long)]
    fd: bool,
    #[command(flatten)]
    ring: RingArgs,
    /// The command is a Chromium, whatever its name
    #[arg(long, help_heading = "With a browser")]
    browser: bool,
    /// How pages get the capture library
    #[arg(long, value_enum, default_value = "cdp", help_heading = "With a browser")]
    capture: Capture,
    /// Capture also what getUserMedia and getDisplayMedia give to pages
    #[arg(long, help_heading = "With a browser")]
    capture_local: bool,
    /// Open an example page with a call of so many people
    #[arg(long, value_name = "PEOPLE", help_heading = "With a browser")]
    example_call: Option<u32>,
    /// Leave pages their content security policies, which may forbid the capture's worker
    #[arg(long, help_heading = "With a browser")]
    keep_csp: bool,
    /// How lanes are read
    #[arg(long, value_enum, default_value = "guarded", help_heading = "With a browser")]
    read: Read,
    /// Serve the WebSocket for pages that can use no lane here
    #[arg(long, value_name = "PORT", default_value_t = 0, help_heading = "With a browser")]
    websocket_port: u16,
    /// Have no WebSocket for them
    #[arg(long, help_heading = "With a browser")]
    no_websocket: bool,
}

/// How lanes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Read {
    /// In place, with a handler for SIGBUS against pages that shorten their files
    Guarded,
    /// Copied out first
    Copied,
}

impl From<Read> for LaneRead {
    fn from(read: Read) -> Self {
        match read {
            Read::Guarded => Self::Guarded,
            Read::Copied => Self::Copied,
        }
    }
}

/// Producers may stay for so long when the command has ended.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    let signals = block_signals().map_err(|why| CliError::failed("block signals", why))?;
    let name = args.command[0].to_string_lossy().into_owned();
    let socket = args.socket.clone().unwrap_or_else(new_path);
    if args.browser || is_browser(&args.command[0]) {
        return browser::run(&args, signals, &socket);
    }
    let mut ring = args.ring.serve("run", &socket)?;
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]).env(SOCKET_VARIABLE, &socket).env_remove(FD_VARIABLE);
    let options = Options { format: args.format, quality: 85, wait: false, replace: false };
    let recorder = args.out.as_deref().map(|out| Recorder::new(out, options)).transpose()?;
    let spawn = |mut command: Command| match args.fd {
        true => ring.invite()?.spawn(command),
        false => command.spawn(),
    };
    let supervised = Supervised::start(signals, command, spawn);
    let supervised = supervised.map_err(|why| CliError::Usage(format!("cannot start {name}: {why}")))?;
    let mut sink = Run { counter: Counter::new(recorder), command: Watched::new(supervised) };
    let received = receive(&mut ring, Until { seconds: None, producers: 0 }, &mut sink);
    let left = ring.producers();
    drop(ring);
    let (report, recorded) = sink.counter.finish();
    eprint!("{report}");
    if left > 0 {
        eprintln!("{left} producers were still connected {} s after {name} had ended", AFTERWARDS.as_secs());
    }
    received.map(drop).and(recorded)?;
    match sink.command.status() {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(CliError::Failed(format!("{name} {}", how(status)))),
        None => Err(CliError::Failed(format!("the ring ended before {name}"))),
    }
}

/// A path that nobody else uses.
fn new_path() -> PathBuf {
    std::env::temp_dir().join(format!("frame-ring-run-{}.sock", std::process::id()))
}

/// The command, and what its end means for what is received.
#[derive(Debug)]
struct Watched {
    supervised: Supervised,
    /// How it ended, and when.
    ended: Option<(ExitStatus, Instant)>,
}

impl Watched {
    fn new(supervised: Supervised) -> Self {
        Self { supervised, ended: None }
    }

    /// How it ended, if it has.
    fn status(&self) -> Option<ExitStatus> {
        self.ended.map(|(status, _)| status)
    }

    /// Looks whether it has ended; so many producers are connected.
    fn wish(&mut self, producers: usize) -> Wish {
        if self.ended.is_none() {
            self.ended = self.supervised.end().map(|status| (status, Instant::now()));
        }
        match self.ended {
            None => Wish::GoOn,
            Some((_, since)) if since.elapsed() > AFTERWARDS => Wish::End,
            // What the command has started may go on for a moment.
            Some(_) if producers > 0 => Wish::GoOn,
            Some(_) => Wish::Drain,
        }
    }
}

#[derive(Debug)]
struct Run {
    counter: Counter,
    command: Watched,
}

impl Sink for Run {
    fn frame(&mut self, ring: &Consumer, frame: Frame) -> Result<(), CliError> {
        self.counter.frame(ring, frame)
    }

    fn gone(&mut self, producer: u8) -> Result<(), CliError> {
        self.counter.gone(producer)
    }

    fn tick(&mut self, ring: &Consumer) -> Wish {
        self.command.wish(ring.producers())
    }

    fn status(&self) -> String {
        self.counter.status()
    }
}
