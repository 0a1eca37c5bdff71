//! `frame-ring verify`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use frame_ring::{mono_ns, Consumer, Frame, Kind};
use serde::Serialize;

use super::bench::histogram::Histogram;
use super::output::{print, print_json};
use super::table::Table;
use crate::check::skew::Skews;
use crate::check::{Findings, TrackCheck};
use crate::convert;
use crate::error::CliError;
use crate::media::marker::Skew;
use crate::receive::{receive, Sink, Until};
use crate::serve::RingArgs;
use crate::signals;
use crate::track::{TrackKey, TrackName, Tracks};

/// Serve a ring at a socket and check test patterns that come: numbers, pixels, samples, picture against sound
///
/// Ends when all producers have left, or at Ctrl-C. Frames that a producer dropped and said so are no fault.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring verify /tmp/ring.sock --seconds 60 & frame-ring send --to /tmp/ring.sock --pattern
  frame-ring verify /tmp/ring.sock --json --producers 4

Exit code 3 if a frame is wrong or missing without a word, or picture and sound are too far apart; 1 if nothing came.")]
pub struct Args {
    /// Where to listen for producers
    socket: PathBuf,
    /// Print one JSON object for each track and each participant's skew
    #[arg(long)]
    json: bool,
    /// The most that picture and sound may be apart, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 20.0)]
    max_skew: f64,
    #[command(flatten)]
    ring: RingArgs,
    #[command(flatten)]
    until: Until,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    signals::install()?;
    let mut ring = args.ring.serve("verify", &args.socket)?;
    let mut verifier = Verifier::default();
    let received = receive(&mut ring, args.until, &mut verifier);
    drop(ring);
    let rows = verifier.rows();
    let skews: Vec<SkewRow> =
        verifier.skews.all().into_iter().map(|(key, skew)| SkewRow::new(key, &skew)).collect();
    show(&rows, &skews, args.json)?;
    received?;
    judge(&rows, &skews, args.max_skew)
}

fn show(rows: &[Row], skews: &[SkewRow], json: bool) -> Result<(), CliError> {
    if json {
        rows.iter().try_for_each(print_json)?;
        return skews.iter().try_for_each(print_json);
    }
    let heading = ["producer", "track", "frames", "dropped", "lost", "wrong", "p50 ms", "p99 ms", "max ms"];
    let mut table = Table::new(2, &heading);
    for row in rows {
        let numbers = [row.frames, row.dropped, row.lost, row.wrong].map(|n| n.to_string());
        let times = [row.p50_us, row.p99_us, row.max_us].map(|us| format!("{:.2}", us as f64 / 1e3));
        table.row([row.producer.clone(), row.track.clone()].into_iter().chain(numbers).chain(times));
    }
    print(&table.text())?;
    for skew in skews {
        let SkewRow { participant, pairs, mean_us, min_us, max_us } = skew;
        print(&format!(
            "participant {participant}: picture after sound by {mean_us} us ({min_us} to {max_us}), {pairs} flashes with their beeps\n"
        ))?;
    }
    Ok(())
}

fn judge(rows: &[Row], skews: &[SkewRow], max_skew_ms: f64) -> Result<(), CliError> {
    if rows.iter().all(|row| row.frames == 0) {
        return Err(CliError::Failed("nothing came that could be checked".into()));
    }
    let bad = rows.iter().filter(|row| row.wrong > 0 || row.lost > 0).map(|row| {
        let first = row.first_wrong.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        format!(
            "{}, {}: {} frames wrong, {} lost without a word{first}",
            row.producer, row.track, row.wrong, row.lost
        )
    });
    let apart = |us: i64| us.unsigned_abs() as f64 / 1e3 > max_skew_ms;
    let skewed = skews.iter().filter(|skew| apart(skew.min_us) || apart(skew.max_us)).map(|skew| {
        format!(
            "participant {}: picture and sound are {} to {} us apart",
            skew.participant, skew.min_us, skew.max_us
        )
    });
    let complaints: Vec<String> = bad.chain(skewed).collect();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(CliError::Wrong(complaints.join("\n"))),
    }
}

/// One track in the end.
#[derive(Debug, Serialize)]
struct Row {
    producer: String,
    track: String,
    frames: u64,
    bytes: u64,
    dropped: u64,
    lost: u64,
    wrong: u64,
    first_wrong: Option<String>,
    p50_us: u64,
    p99_us: u64,
    max_us: u64,
}

/// One participant's picture against its sound; positive where the picture is late.
#[derive(Debug, Serialize)]
struct SkewRow {
    participant: u32,
    pairs: u64,
    mean_us: i64,
    min_us: i64,
    max_us: i64,
}

impl SkewRow {
    fn new(key: u32, skew: &Skew) -> Self {
        let [mean_us, min_us, max_us] = [skew.mean_ns, skew.min_ns, skew.max_ns].map(|ns| ns / 1000);
        let participant = key & 0xffff;
        Self { participant, pairs: skew.pairs, mean_us, min_us, max_us }
    }
}

/// Two producers may show the same participant, but each by its own clock.
fn skew_key(producer: u8, participant: u32) -> u32 {
    u32::from(producer) << 16 | participant & 0xffff
}

/// Checks all tracks.
#[derive(Debug, Default)]
struct Verifier {
    tracks: Tracks,
    checks: BTreeMap<TrackKey, Checked>,
    /// Tracks of producers that have left.
    done: Vec<Checked>,
    skews: Skews,
    copy: Vec<u8>,
}

#[derive(Debug)]
struct Checked {
    name: TrackName,
    check: TrackCheck,
    latency: Histogram,
}

impl Verifier {
    fn rows(&mut self) -> Vec<Row> {
        self.done.extend(std::mem::take(&mut self.checks).into_values());
        let row = |checked: &Checked| {
            let Findings { frames, bytes, dropped, lost, wrong, first_wrong } =
                checked.check.findings().clone();
            let us = |share| checked.latency.quantile(share) / 1000;
            let (producer, track) = (checked.name.producer.clone(), checked.name.label.clone());
            let (p50_us, p99_us, max_us) = (us(0.5), us(0.99), us(1.0));
            Row { producer, track, frames, bytes, dropped, lost, wrong, first_wrong, p50_us, p99_us, max_us }
        };
        self.done.iter().map(row).collect()
    }

    fn sums(&self) -> Findings {
        let mut sums = Findings::default();
        for findings in self.checks.values().chain(&self.done).map(|checked| checked.check.findings()) {
            sums.frames += findings.frames;
            sums.dropped += findings.dropped;
            sums.lost += findings.lost;
            sums.wrong += findings.wrong;
        }
        sums
    }
}

impl Sink for Verifier {
    fn frame(&mut self, ring: &Consumer, frame: Frame) -> Result<(), CliError> {
        let key = self.tracks.of(ring, &frame);
        let about = frame.descriptor();
        let checked = self.checks.entry(key).or_insert_with(|| Checked {
            name: self.tracks.name(key),
            check: TrackCheck::of_pattern(),
            latency: Histogram::new(),
        });
        if about.kind() != Kind::Event && about.mono_ns != 0 {
            checked.latency.add(mono_ns().saturating_sub(about.mono_ns));
        }
        let seen = checked.check.check(about, convert::bytes(&frame.payload(), &mut self.copy));
        self.skews.see(skew_key(key.producer, about.source), about, &seen);
        Ok(())
    }

    fn gone(&mut self, producer: u8) -> Result<(), CliError> {
        self.tracks.forget(producer);
        let its_own: Vec<TrackKey> =
            self.checks.keys().copied().filter(|key| key.producer == producer).collect();
        self.done.extend(its_own.into_iter().filter_map(|key| self.checks.remove(&key)));
        Ok(())
    }

    fn status(&self) -> String {
        let Findings { frames, dropped, lost, wrong, .. } = self.sums();
        format!("{frames} frames, {dropped} dropped, {lost} lost, {wrong} wrong")
    }
}
