//! `frame-ring demo`: capture processes, a ring, files; and the same frames through a WebSocket.
//!
//! | module | owns |
//! |---|---|
//! | `capture` | the capture processes, from inside |
//! | `children` | the same, from outside |
//! | `ring`, `websocket` | the two transports, received |
//! | `accounts` | checks, latency and processor time of what comes |
//! | `show` | the tables |

mod accounts;
pub mod capture;
mod children;
mod ring;
mod show;
mod websocket;

use std::path::PathBuf;

use self::accounts::{Outcome, Reference};
use self::children::Shape;
use super::output::print;
use crate::capture::files::{parse_rate, parse_size};
use crate::check::looped::LoopedFile;
use crate::error::CliError;
use crate::media::FrameRate;
use crate::receive::positive;
use crate::signals;

/// Two capture processes, one ring, two playable files; then the same frames through a WebSocket
///
/// Starts two capture processes, each with a picture and a sound track, receives them through shared memory, compares
/// every pixel and sample with what was sent, and writes one Matroska file for each. Then the same processes send the
/// same frames through a WebSocket on loopback, as Chromium would, and both are shown side by side.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring demo
  frame-ring demo --seconds 5 --size 1920x1080 --out /tmp/demo
  frame-ring demo --input talk.y4m --no-websocket

Exit code 3 if a frame arrived damaged, or is missing without a word. Frames that the ring or a file had no room for are
shown, and no failure.")]
pub struct Args {
    /// How long to capture
    #[arg(long, value_name = "S", default_value = "10", value_parser = positive)]
    seconds: f64,
    /// Pictures of this y4m file, again and again, instead of the test picture
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "fps"])]
    input: Option<PathBuf>,
    /// Directory for the files; those of an earlier demo are replaced
    #[arg(long, value_name = "DIR", default_value = "frame-ring-demo")]
    out: PathBuf,
    /// Size of the test picture
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Pictures per second
    #[arg(long, default_value = "30", value_parser = parse_rate)]
    fps: FrameRate,
    /// Leave the WebSocket out
    #[arg(long)]
    no_websocket: bool,
}

/// Who takes part.
const PARTICIPANTS: [&str; 2] = ["ada", "grace"];

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let shape = shape(&args)?;
    print(&show::introduction(&shape, args.seconds))?;
    let ring = ring::run(&shape, &args.out)?;
    print(&show::outcome(&ring, "1. Through shared memory", &shape))?;
    let mut outcomes = vec![ring];
    if !args.no_websocket && !signals::stop_requested() {
        let rival = websocket::run(&shape)?;
        print(&show::outcome(&rival, "2. The same frames through a WebSocket", &shape))?;
        if !rival.stopped {
            print(&show::side_by_side(&outcomes[0], &rival))?;
        }
        outcomes.push(rival);
    }
    verdict(&outcomes)
}

/// What to capture; wrong arguments show before anything is started.
fn shape(args: &Args) -> Result<Shape, CliError> {
    let reference = match &args.input {
        Some(path) => {
            let file = LoopedFile::open(path);
            let file =
                file.map_err(|why| CliError::Usage(format!("cannot use {}: {why}", path.display())))?;
            let format = file.format();
            let shape = Shape {
                size: (format.width, format.height),
                fps: format.rate,
                seconds: args.seconds,
                input: Some(path.clone()),
            };
            return Ok(shape);
        }
        None => crate::capture::source::TestPictures::new(args.size, 1, args.fps),
    };
    reference.map(|_| Shape { size: args.size, fps: args.fps, seconds: args.seconds, input: None })
}

fn verdict(outcomes: &[Outcome]) -> Result<(), CliError> {
    let wrong: Vec<String> = outcomes.iter().flat_map(Outcome::complaints).collect();
    if !wrong.is_empty() {
        return Err(CliError::Wrong(wrong.join("\n")));
    }
    let failed: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.failures.clone()).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(CliError::Failed(failed.join("\n"))),
    }
}

impl Shape {
    /// What pictures are compared with.
    fn reference(&self) -> Reference {
        self.input.clone().map_or(Reference::Pattern, Reference::File)
    }
}
