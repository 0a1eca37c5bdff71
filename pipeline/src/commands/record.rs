//! `frame-ring record`.

use std::path::PathBuf;

use super::output::print;
use super::tally::Counter;
use crate::error::CliError;
use crate::receive::{receive, Until};
use crate::recorder::{Format, Options, Recorder};
use crate::serve::RingArgs;
use crate::signals;

/// Serve a ring at a socket and record every track that comes
///
/// Ends when all producers have left, or at Ctrl-C, with complete files. A picture that changes its size starts another
/// file. File names come from the producers' and tracks' labels; files that are there already are not overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring record /tmp/ring.sock --out recordings
  frame-ring record /tmp/ring.sock --out recordings --format wav --producers 0
  frame-ring record /tmp/ring.sock --wait & frame-ring send --to /tmp/ring.sock --fast talk.y4m")]
pub struct Args {
    /// Where to listen for producers
    socket: PathBuf,
    /// Directory for the files; made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// What kind of files
    #[arg(long, value_enum, default_value = "mkv")]
    format: Format,
    /// JPEG quality in mkv files
    #[arg(long, value_name = "Q", default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Let producers wait when writing is slow, instead of leaving pictures out: for files, not for live capture
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    ring: RingArgs,
    #[command(flatten)]
    until: Until,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let mut ring = args.ring.serve("record", &args.socket)?;
    let options = Options { format: args.format, quality: args.quality, wait: args.wait, replace: false };
    let mut counter = Counter::new(Some(Recorder::new(&args.out, options)?));
    let received = receive(&mut ring, args.until, &mut counter);
    // Producers that go on see that nobody reads any more, before the files are completed.
    drop(ring);
    let (report, recorded) = counter.finish();
    print(&report)?;
    recorded.and(received.map(drop))
}
