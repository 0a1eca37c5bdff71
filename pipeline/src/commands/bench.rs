//! `frame-ring bench`: what it costs to carry frames from process to process, in the ring and in what it replaces.
//!
//! Every row includes the producer's copy of the frame into the transport and a read of all of it by the consumer, the
//! CPU time of both processes, and nothing else: connections, first touches of memory and a warm-up come before.
//!
//! | module | owns |
//! |---|---|
//! | `job` | what a run is, and what a producer says of it |
//! | `frame` | the frames, and what reading one means |
//! | `series`, `meter` | the two ends of every transport: frames in turn, and their measurement |
//! | `memcpy`, `ring`, `streams`, `websocket` | the transports |
//! | `peer`, `produce` | the producer process, seen from outside and from inside |
//! | `histogram`, `cpu` | what is counted |
//! | `row` | the result |
//! | `idle` | what waiting costs |

mod cpu;
mod frame;
pub(crate) mod histogram;
mod idle;
mod job;
mod memcpy;
mod meter;
mod peer;
mod produce;
mod ring;
mod row;
mod series;
mod size;
mod streams;
mod websocket;

use std::io::{self, IsTerminal};

use job::{Job, Transport, Until};
use meter::Measured;
use ring::Size;
use row::Row;
use size::parse_bytes;

use super::output::{print, print_json};
use crate::error::CliError;

/// Measure what carrying frames from process to process costs, in the ring and in what it replaces
///
/// One row for each transport and length of frame: throughput, CPU time of both processes for 10^9 bytes, latency, lost
/// frames. The producer's copy into the transport and a full read by the consumer are included. Producers send as fast
/// as they can and wait for room; latency then is mostly that of a full buffer: use --paced for that of a free one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring bench
  frame-ring bench --json --transports frame-ring,memcpy --sizes 3110400 --repeat 5
  frame-ring bench --transports memcpy,frame-ring --sizes 3110400 --paced 120 --ring-bytes 8MiB,64MiB,512MiB
  frame-ring bench --transports frame-ring --sizes 3840 --producers 1,2,4,8,16,32
  frame-ring bench --transports frame-ring --sizes 3840 --held 1,10,100,1000
  frame-ring bench --idle")]
pub struct Args {
    /// Print one JSON object for each row
    #[arg(long)]
    json: bool,
    /// Which ones
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "LIST",
        default_value = "memcpy,frame-ring,websocket-chromium,websocket,uds,pipe"
    )]
    transports: Vec<Transport>,
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

/// One row to be measured.
#[derive(Debug, Clone, Copy)]
struct Plan {
    transport: Transport,
    ring: Option<Size>,
}

/// The ring's size unless one is asked for.
const RING_BYTES: u64 = 64 << 20;
/// About as many bytes are sent before the measurement as the largest caches hold.
const WARM_UP_BYTES: usize = 32 << 20;

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    if args.produce {
        return produce::main();
    }
    if args.idle {
        return idle::run(args.seconds.unwrap_or(5.0), args.json);
    }
    let mut lost = 0;
    for size in &args.sizes {
        let size = *size as usize;
        let rows = measure(&args, size, &plans(&args, size)?)?;
        lost += rows.iter().map(|row| row.lost).sum::<u64>();
        if args.json {
            rows.iter().try_for_each(print_json)?;
        } else {
            print(&format!("{}\n", row::table(size, &rows)))?;
        }
    }
    match lost {
        0 => Ok(()),
        _ => Err(CliError::Wrong(format!("{lost} frames were lost in transports that must lose none"))),
    }
}

/// All rows with frames of one length.
fn plans(args: &Args, payload_bytes: usize) -> Result<Vec<Plan>, CliError> {
    if !(frame::STAMP_BYTES..=1 << 30).contains(&payload_bytes) {
        let least = frame::STAMP_BYTES;
        return Err(CliError::Usage(format!(
            "frames have {least} bytes to 1 GiB, not {payload_bytes} bytes"
        )));
    }
    let mut plans = Vec::new();
    for transport in &args.transports {
        let plan = |ring| Plan { transport: *transport, ring };
        match transport {
            Transport::FrameRing => {
                plans.extend(rings(args, payload_bytes)?.into_iter().map(|size| plan(Some(size))))
            }
            _ => plans.push(plan(None)),
        }
    }
    Ok(plans)
}

fn rings(args: &Args, payload_bytes: usize) -> Result<Vec<Size>, CliError> {
    let mut sizes = Vec::new();
    for (held, producers) in args.held.iter().flat_map(|h| args.producers.iter().map(move |p| (*h, *p))) {
        let (held, producers) = (held as usize, producers as usize);
        let least = Size::least_bytes(held, payload_bytes);
        let default = [if least <= RING_BYTES / 2 { RING_BYTES } else { RING_BYTES + least }];
        for ring_bytes in if args.ring_bytes.is_empty() { &default[..] } else { &args.ring_bytes } {
            if *ring_bytes < least {
                return Err(CliError::Usage(format!(
                    "a ring of {ring_bytes} bytes is too small: {held} frames held and \
                     {payload_bytes} bytes in each need {least}"
                )));
            }
            sizes.push(Size { ring_bytes: *ring_bytes, held, producers });
        }
    }
    Ok(sizes)
}

/// Measures all rows, several times if asked to, so that whatever else the machine does hits all of them alike.
fn measure(args: &Args, payload_bytes: usize, plans: &[Plan]) -> Result<Vec<Row>, CliError> {
    let mut runs: Vec<Vec<Measured>> = vec![Vec::new(); plans.len()];
    for round in 1..=args.repeat {
        for (plan, runs) in plans.iter().zip(&mut runs) {
            if io::stderr().is_terminal() {
                let (name, repeat) = (plan.transport.name(), args.repeat);
                eprint!("\r\x1b[K{payload_bytes} bytes, round {round} of {repeat}: {name}");
            }
            runs.push(carry(&job(args, payload_bytes, plan), plan.ring)?);
        }
    }
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    let rows = plans.iter().zip(&runs);
    Ok(rows
        .filter_map(|(p, runs)| Row::median(p.transport, payload_bytes, args.paced, p.ring, runs))
        .collect())
}

fn job(args: &Args, payload_bytes: usize, plan: &Plan) -> Job {
    Job {
        transport: plan.transport,
        payload_bytes,
        warm_up: ((WARM_UP_BYTES / payload_bytes).clamp(16, 2000) + plan.ring.map_or(0, |ring| ring.held))
            as u64,
        until: args.frames.map_or(Until::Seconds(args.seconds.unwrap_or(1.0)), Until::Frames),
        paced_fps: args.paced,
        producer: 0,
        port: 0,
    }
}

fn carry(job: &Job, ring: Option<Size>) -> Result<Measured, CliError> {
    match (job.transport, ring) {
        (Transport::Memcpy, _) => memcpy::run(job),
        (Transport::Uds | Transport::Pipe, _) => streams::run(job),
        (Transport::Websocket | Transport::WebsocketChromium, _) => websocket::run(job),
        (Transport::FrameRing, size) => {
            ring::run(job, size.unwrap_or(Size { ring_bytes: RING_BYTES, held: 1, producers: 1 }))
        }
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e6 => Ok(number),
        _ => Err("a number above 0, up to 1000000, is needed".into()),
    }
}
