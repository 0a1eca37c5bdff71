//! `frame-ring top`: what goes through a ring, track by track, again and again.

mod rates;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use frame_ring::{Observer, Snapshot};

use super::output::{print, print_json};
use super::table::Table;
use super::{names, target};
use crate::error::CliError;
use crate::signals;
use rates::{Ring, Stalled, Track};

/// Watch a live ring, track by track
///
/// Rates are those of the last interval, frames and drops are counted from the track's beginning. FILL and HELD are
/// those of the track's producer: how much of the ring its frames take up, and for how long the consumer has had the
/// oldest of them. STALLED lines name claims that were being written all through the interval. S is R for a track that runs, U for one that is unwanted, E for one that has ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring top /run/user/1000/ring.sock
  frame-ring top $(pgrep -n my-recorder) --interval 0.5
  frame-ring top /run/user/1000/ring.sock --json -n 60 | jq '.tracks[].fps'")]
pub struct Args {
    /// A consumer's socket, /proc/PID/fd/N, or the PID of a process that has a ring
    #[arg(value_name = "SOCKET|/proc/PID/fd/N|PID")]
    target: PathBuf,
    /// Seconds from one look to the next
    #[arg(long, value_name = "S", default_value = "1", value_parser = parse_interval)]
    interval: Duration,
    /// Print table below table instead of redrawing one; the default where output is not a terminal
    #[arg(long)]
    batch: bool,
    /// End after so many tables
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    n: Option<u64>,
    /// Print one JSON object per interval
    #[arg(long)]
    json: bool,
}

/// Home, and below the text nothing of what was there before.
const REDRAW: &str = "\x1b[H";
const ERASE_LINE: &str = "\x1b[K\n";
const ERASE_BELOW: &str = "\x1b[J";

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    let observer = target::open(&args.target)?;
    signals::install()?;
    let redraw = !args.batch && !args.json && io::stdout().is_terminal();
    let mut before = observer.snapshot();
    for _ in 0..args.n.unwrap_or(u64::MAX) {
        let Some(now) = next(&observer, args.interval) else { break };
        let ring = Ring::between(&before, &now);
        if args.json {
            print_json(&ring)?;
        } else if redraw {
            print(&format!("{REDRAW}{}{ERASE_BELOW}", text(&ring).replace('\n', ERASE_LINE)))?;
        } else {
            print(&format!("{}\n", text(&ring)))?;
        }
        if now.closed {
            break;
        }
        before = now;
    }
    Ok(())
}

/// The ring after an interval; `None` if the user wants to stop before that.
fn next(observer: &Observer, interval: Duration) -> Option<Snapshot> {
    let end = Instant::now() + interval;
    loop {
        if signals::stop_requested() {
            return None;
        }
        match end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Some(observer.snapshot()),
            left => thread::sleep(left.min(Duration::from_millis(50))),
        }
    }
}

fn text(ring: &Ring) -> String {
    let heading = [
        "LABEL", "KIND", "S", "ID", "PROD", "FPS", "MB/S", "FILL%", "SENT", "DROP", "REPORTED", "SKIP",
        "P50", "P99", "HELD",
    ];
    let mut table = Table::new(3, &heading);
    ring.tracks.iter().for_each(|track| table.row(cells(track)));
    let held = ring.oldest_held_ns.map_or("-".into(), names::ms);
    format!(
        "{}  {}  {} of {} MiB ({:.1} %)  {} of {} slots  oldest held {held}  producers {}{}\n{}\n{}",
        if ring.name.is_empty() { "ring" } else { &ring.name },
        &ring.ring_id[..8],
        ring.used_bytes >> 20,
        ring.data_bytes >> 20,
        ring.fill_percent,
        ring.used_slots,
        ring.slots,
        ring.producers,
        if ring.closed { "  CLOSED: the consumer has left" } else { "" },
        ring.stalled.iter().map(stalled).collect::<String>(),
        table.text(),
    )
}

fn stalled(claim: &Stalled) -> String {
    let Stalled { producer, label, pid, bytes } = claim;
    format!("STALLED: producer {producer} ({label}, pid {pid}) does not finish its claim of {bytes} bytes\n")
}

fn cells(track: &Track) -> [String; 15] {
    let below = |us: Option<u64>| us.map_or("-".into(), |us| format!("<{us}us"));
    let state = match (track.live, track.wanted) {
        (false, _) => "E",
        (true, false) => "U",
        (true, true) => "R",
    };
    [
        track.label.clone(),
        track.kind.into(),
        state.into(),
        track.id.to_string(),
        track.producer.to_string(),
        format!("{:.1}", track.fps),
        format!("{:.1}", track.mb_per_s),
        format!("{:.1}", track.fill_percent),
        track.sent.to_string(),
        track.dropped.to_string(),
        track.reported_dropped.to_string(),
        track.skipped.to_string(),
        below(track.p50_us),
        below(track.p99_us),
        track.oldest_held_ns.map_or("-".into(), names::ms),
    ]
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.01..=86400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds is needed, 0.01 to 86400".into()),
    }
}
