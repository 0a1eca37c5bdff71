//! `frame-ring soak`: everything that happens in a meeting, and much that should not, for as long as one likes.
//!
//! | module | owns |
//! |---|---|
//! | `stamp` | the bytes of frames, made and checked |
//! | `formats` | what tracks carry, and when it changes |
//! | `feed`, `produce` | a track, and a producer process, from inside |
//! | `wire`, `process` | what is said to a producer process, and the process from outside |
//! | `cast` | all processes and participants: who is there, who goes, who is settled |
//! | `mischief` | what is done to them, and when |
//! | `workers` | who checks, holds and gives back frames |
//! | `books`, `settle` | what came, and whether it adds up |
//! | `stage`, `close` | the loop, and the end |
//! | `checks`, `health`, `report` | verdicts, memory and descriptors, what is said in the end |
//! | `random` | chance, from a seed |

mod books;
mod cast;
mod checks;
mod close;
mod feed;
mod formats;
mod health;
mod mischief;
mod process;
pub mod produce;
mod random;
mod report;
mod settle;
mod stage;
mod stamp;
mod wire;
mod workers;

use std::time::Duration;

use super::output::{print, print_json};
use crate::error::CliError;
use crate::receive::positive;
use crate::signals;

/// Run a meeting of many participants through a ring for a long time, with kills, restarts, overload and slow workers
///
/// Each participant is a picture of 360p at 30 Hz and two tracks of sound in blocks of 10 ms; five of them share a
/// producer process. Processes leave, are killed and come back, participants leave and come back, formats and demand
/// change, workers are slow, hold frames and give them back in any order, and now and then the ring is too small for all
/// that comes. Every frame is checked, and every drop accounted for. On a machine that is too slow more is dropped, but
/// nothing else changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring soak --minutes 30
  frame-ring soak --seconds 60 --participants 10 --json

Ctrl-C ends it early with a report. Exit code 3 if a check failed.")]
pub struct Args {
    /// How long [default: 1]
    #[arg(long, value_name = "N", value_parser = positive)]
    minutes: Option<f64>,
    /// How long, in seconds
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "minutes")]
    seconds: Option<f64>,
    /// How many participants; the ring grows with them
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=200))]
    participants: u16,
    /// Where chance begins [default: by chance]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let seconds = args.seconds.unwrap_or(60.0 * args.minutes.unwrap_or(1.0));
    let seed = args.seed.unwrap_or_else(|| frame_ring::mono_ns() % 1_000_000);
    let report = close::run(args.participants, Duration::from_secs_f64(seconds), seed)?;
    match args.json {
        true => print_json(&report)?,
        false => print(&report.text())?,
    }
    let complaints = report.complaints();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(CliError::Wrong(complaints.join("\n"))),
    }
}
