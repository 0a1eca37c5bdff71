//! `frame-ring bench`: what it costs to carry frames from process to process, in the ring and in what it replaces.
//!
//! Every row includes the producer's copy of the frame into the transport and a read of all of it by the consumer, the
//! CPU time of both processes, and nothing else: connections, first touches of memory and a warm-up come before.
//!
//! A program that links more transports than this one hands them to [`run`]; `benches/rivals` does.
//!
//! | module | owns |
//! |---|---|
//! | `browser` | frames out of a real browser, another benchmark |
//! | `transport` | what a transport is, and the list of them |
//! | `plan` | which rows are measured, in which order |
//! | `job` | what a run is, and what a producer says of it |
//! | `frame` | the frames, and what reading one means |
//! | `series`, `meter` | the two ends of every transport: frames in turn, and their measurement |
//! | `memcpy`, `ring`, `streams`, `websocket` | the transports |
//! | `peer`, `produce` | the producer process, seen from outside and from inside |
//! | `histogram`, `cpu` | what is counted |
//! | `row` | the result at a terminal |
//! | `report` | the result for others |
//! | `idle` | what waiting costs |

mod browser;
mod cpu;
mod frame;
pub(crate) mod histogram;
mod idle;
mod job;
mod memcpy;
mod meter;
mod peer;
mod plan;
mod produce;
mod report;
mod ring;
mod row;
mod series;
mod size;
mod streams;
mod transport;
mod websocket;

pub use frame::STAMP_BYTES;
pub use job::{Job, Report, Until};
pub use meter::{Measured, Meter};
pub use peer::{Control, Peer};
pub use series::Series;
pub use transport::{parser, Transport, OWN};

use size::parse_bytes;

use super::output::{print, print_json};
use crate::error::CliError;
use crate::report::{Line, Machine};

/// Measure what carrying frames from process to process costs, in the ring and in what it replaces
///
/// One row for each transport and length of frame: throughput, CPU time of both processes for 10^9 bytes, latency, lost
/// frames. The producer's copy into the transport and a full read by the consumer are included. Producers send as fast
/// as they can and wait for room; latency then is mostly that of a full buffer: use --paced for that of a free one.
///
/// iceoryx2, tokio-tungstenite and fastwebsockets are transports of the program in benches/rivals, which is this one
/// with more to build.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  frame-ring bench
  frame-ring bench --json --transports frame-ring,memcpy --sizes 3110400 --repeat 5
  frame-ring bench --transports memcpy,frame-ring --sizes 3110400 --paced 120 --ring-bytes 8MiB,64MiB,512MiB
  frame-ring bench --transports frame-ring --sizes 3840 --producers 1,2,4,8,16,32
  frame-ring bench --transports frame-ring --sizes 3840 --held 1,10,100,1000
  frame-ring bench --idle")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print one JSON object for the machine and one for each row
    #[arg(long)]
    json: bool,
    /// Which ones [default: all]
    #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = parser(&OWN))]
    transports: Vec<String>,
    /// Bytes in each frame
    #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = parse_bytes,
        default_value = "64,3840,1382400,3110400")]
    sizes: Vec<u64>,
    /// Measure each row for so long [default: 1, with --idle 5]
    #[arg(long, value_name = "S", value_parser = parse_positive, conflicts_with = "frames")]
    seconds: Option<f64>,
    /// Measure so many frames of each producer instead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Run everything so many times, in turn, and print the medians
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// Send so many frames per second from each producer, instead of as many as possible
    #[arg(long, value_name = "FPS", value_parser = parse_positive)]
    paced: Option<f64>,
    /// Numbers of producer processes that share the ring, 1 to 255
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=255))]
    producers: Vec<u32>,
    /// Numbers of frames that the ring's consumer holds at once
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    held: Vec<u32>,
    /// Sizes of the ring [default: 64MiB, or more if the frames held need it]
    #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = parse_bytes)]
    ring_bytes: Vec<u64>,
    /// Measure the CPU time of a consumer that waits for frames that don't come
    #[arg(long, conflicts_with_all = ["transports", "sizes", "frames", "repeat", "paced", "producers", "held", "ring_bytes"])]
    idle: bool,
    /// Be a producer process
    #[arg(long, hide = true)]
    produce: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Browser(browser::Args),
    Report(report::Args),
}

/// Runs the command, with `rivals` behind the transports of this program.
pub fn run(args: Args, rivals: &'static [Transport]) -> Result<(), CliError> {
    match &args.command {
        Some(Command::Browser(args)) => return browser::run(args),
        Some(Command::Report(args)) => return report::run(args),
        None => {}
    }
    let transports: Vec<&'static Transport> = OWN.iter().chain(rivals).collect();
    if args.produce {
        return produce::main(&transports);
    }
    if args.idle {
        return idle::run(args.seconds.unwrap_or(5.0), args.json);
    }
    let sizes = args.sizes.iter().map(|size| *size as usize);
    let plans: Vec<_> = sizes.map(|size| plan::plans(&args, size, &transports)).collect::<Result<_, _>>()?;
    if args.json {
        let subject = concat!("frame-ring bench ", env!("CARGO_PKG_VERSION"));
        print_json(&Line::Machine(&Machine::here(subject)))?;
    }
    let (mut lost, mut notes) = (0, String::new());
    for (size, plans) in args.sizes.iter().zip(plans) {
        let rows = plan::measure(&args, &plans)?;
        lost += rows.iter().map(|row| row.lost).sum::<u64>();
        if args.json {
            rows.iter().try_for_each(|row| print_json(&Line::Process(row)))?;
        } else {
            print(&format!("{}\n", row::table(*size as usize, &rows)))?;
        }
        notes = row::notes(&rows);
    }
    if !args.json {
        print(&notes)?;
    }
    match lost {
        0 => Ok(()),
        _ => Err(CliError::Wrong(format!("{lost} frames were lost in transports that must lose none"))),
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e6 => Ok(number),
        _ => Err("a number above 0, up to 1000000, is needed".into()),
    }
}
