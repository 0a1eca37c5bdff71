//! The demo's tables.

use super::accounts::{Outcome, Row};
use super::children::Shape;
use crate::commands::table::Table;

/// What is about to happen.
pub fn introduction(shape: &Shape, seconds: f64) -> String {
    let (width, height) = shape.size;
    let fps = f64::from(shape.fps.numerator()) / f64::from(shape.fps.denominator());
    let what = match &shape.input {
        Some(path) => format!("pictures of {}", path.display()),
        None => "test pictures".into(),
    };
    format!(
        "Two capture processes, for {seconds} s: {what}, {width}x{height} at {fps:.2} per second, and 48 kHz stereo \
         sound in blocks of 10 ms.\n"
    )
}

/// What came through one transport.
pub fn outcome(outcome: &Outcome, title: &str, shape: &Shape) -> String {
    let recorded = outcome.recording.is_some();
    let mut heading = vec![
        "participant",
        "track",
        "frames",
        "dropped",
        "lost",
        "wrong",
        "MB/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "CPU s",
    ];
    if recorded {
        heading.push("left out");
    }
    let mut table = Table::new(2, &heading);
    for row in &outcome.rows {
        let found = &row.findings;
        let mut cells = vec![row.name.to_owned(), row.kind().to_owned()];
        cells.extend([found.frames, found.dropped, found.lost, found.wrong].map(|n| n.to_string()));
        cells.push(format!("{:.1}", found.bytes as f64 / 1e6 / outcome.seconds.max(1e-3)));
        cells.extend(row.latency_ns.map(ms));
        cells.push(row.cpu_s().map_or("?".into(), |cpu| format!("{cpu:.3}")));
        cells.extend(row.tally.map(|tally| tally.left_out.to_string()));
        table.row(cells);
    }
    let mut text = format!("\n{title}\n{}", table.text());
    text += &checked(outcome, shape);
    for (name, skew) in &outcome.skews {
        let us = |ns: i64| ns as f64 / 1e3;
        text += &format!(
            "{name}: picture after sound by {:.0} us ({:.0} to {:.0}), {} flashes with their beeps\n",
            us(skew.mean_ns),
            us(skew.min_ns),
            us(skew.max_ns),
            skew.pairs
        );
    }
    for file in outcome.recording.iter().flat_map(|summary| &summary.files) {
        text += &format!("{}  {:.1} MB\n", file.path.display(), file.bytes as f64 / 1e6);
    }
    text
}

fn checked(outcome: &Outcome, shape: &Shape) -> String {
    let sum = |video: bool, of: fn(&Row) -> u64| -> u64 {
        outcome.rows.iter().filter(|row| row.is_video == video).map(of).sum()
    };
    let all = |of: fn(&Row) -> u64| sum(true, of) + sum(false, of);
    let stopped = if outcome.stopped { "Stopped. " } else { "" };
    let with = if shape.input.is_some() { "the file" } else { "the pattern" };
    format!(
        "{stopped}Compared with {with}: every pixel of {} pictures and every sample of {} blocks of sound: {} wrong, {} lost.\n",
        sum(true, |row| row.findings.frames),
        sum(false, |row| row.findings.frames),
        all(|row| row.findings.wrong),
        all(|row| row.findings.lost),
    )
}

/// Both transports.
pub fn side_by_side(ring: &Outcome, rival: &Outcome) -> String {
    let mut table = Table::new(1, &["", "frame-ring", "WebSocket", "ratio"]);
    let ratio =
        |ours: f64, theirs: f64| if ours > 0.0 { format!("{:.1}", theirs / ours) } else { String::new() };
    let mut row = |what: &str, digits: usize, value: fn(&Outcome) -> f64, compare: bool| {
        let (ours, theirs) = (value(ring), value(rival));
        let ratio = if compare { ratio(ours, theirs) } else { String::new() };
        table.row([what.into(), format!("{ours:.digits$}"), format!("{theirs:.digits$}"), ratio]);
    };
    row("frames", 0, |o| o.rows.iter().map(|row| row.findings.frames as f64).sum(), false);
    row("GB", 3, gigabytes, false);
    row("CPU s, capture processes", 3, |o| seconds(o, |row| row.send_ns.unwrap_or(0)), true);
    row("CPU s, receiver", 3, |o| seconds(o, |row| row.receive_ns), true);
    row(
        "CPU s per GB, both",
        3,
        |o| o.rows.iter().filter_map(Row::cpu_s).sum::<f64>() / gigabytes(o).max(1e-9),
        true,
    );
    row("picture latency p50 ms", 3, |o| o.video_latency_ns[0] as f64 / 1e6, true);
    row("picture latency p99 ms", 3, |o| o.video_latency_ns[1] as f64 / 1e6, true);
    format!(
        "\nSide by side: the processor time that carrying the frames took, copies, system calls and waking up included.\n\
         Drawing them, comparing them and encoding them is not in it; the ring carried them while two encoders ran.\n{}",
        table.text()
    )
}

fn gigabytes(outcome: &Outcome) -> f64 {
    outcome.rows.iter().map(|row| row.findings.bytes as f64).sum::<f64>() / 1e9
}

fn seconds(outcome: &Outcome, of: impl Fn(&Row) -> u64) -> f64 {
    outcome.rows.iter().map(of).sum::<u64>() as f64 / 1e9
}

fn ms(ns: u64) -> String {
    format!("{:.2}", ns as f64 / 1e6)
}

impl Row {
    /// Processor time for carrying its frames, in both processes; `None` if one of them did not say.
    fn cpu_s(&self) -> Option<f64> {
        self.send_ns.map(|send_ns| (send_ns + self.receive_ns) as f64 / 1e9)
    }
}
