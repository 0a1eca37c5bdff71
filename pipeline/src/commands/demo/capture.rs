//! `frame-ring capture`, hidden: a capture process of the demo, as a browser's would be.

use std::net::SocketAddr;
use std::path::PathBuf;

use frame_ring::{Producer, TrackInfo};

use crate::capture::files::{parse_rate, parse_size, LoopedPictures};
use crate::capture::outlet::{Outlet, RingOutlet, WebSocketOutlet};
use crate::capture::source::{Source, TestPictures, TestTone};
use crate::capture::{self, Plan, TrackReport};
use crate::check::looped::LoopedFile;
use crate::commands::output::print_json;
use crate::commands::send::info;
use crate::error::CliError;
use crate::media::FrameRate;
use crate::receive::positive;
use crate::signals;

/// Be a capture process of the demo
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long)]
    participant: u16,
    #[arg(long)]
    label: String,
    #[arg(long, value_parser = positive)]
    seconds: f64,
    #[arg(long, value_parser = parse_size)]
    size: (u32, u32),
    #[arg(long, value_parser = parse_rate)]
    fps: FrameRate,
    #[arg(long)]
    input: Option<PathBuf>,
    /// Send through a WebSocket instead of the ring
    #[arg(long)]
    websocket: Option<SocketAddr>,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let mut sources = sources(&args)?;
    let plan = Plan {
        participant: args.participant.into(),
        end_ns: Some((args.seconds * 1e9) as u64),
        realtime: true,
    };
    let reports = match args.websocket {
        Some(address) => send(&plan, &mut sources, WebSocketOutlet::connect(address, 2)?)?,
        None => {
            // SAFETY: the demo has started this process with an invitation, and nothing has taken it up yet.
            let producer = unsafe { Producer::from_env(&args.label) };
            let producer = producer.map_err(|why| CliError::failed("connect to the ring", why))?;
            let infos: Vec<TrackInfo> =
                sources.iter().map(|source| info(source.kind(), &args.label, args.participant)).collect();
            send(&plan, &mut sources, RingOutlet::open(&producer, &infos, false)?)?
        }
    };
    print_json(&reports)
}

fn sources(args: &Args) -> Result<Vec<Box<dyn Source>>, CliError> {
    let pictures: Box<dyn Source> = match &args.input {
        None => Box::new(TestPictures::new(args.size, args.participant, args.fps)?),
        Some(path) => {
            let file = LoopedFile::open(path);
            let file = file.map_err(|why| CliError::failed(format!("read {}", path.display()), why))?;
            Box::new(LoopedPictures::new(file)?)
        }
    };
    Ok(vec![pictures, Box::new(TestTone::new(args.participant))])
}

fn send(
    plan: &Plan,
    sources: &mut [Box<dyn Source>],
    mut outlet: impl Outlet,
) -> Result<Vec<TrackReport>, CliError> {
    let reports = capture::run(plan, sources, &mut outlet)?;
    outlet.finish()?;
    Ok(reports)
}
