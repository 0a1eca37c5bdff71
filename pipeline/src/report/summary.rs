//! What follows from the rows: medians, ratios, dollars.

use std::collections::BTreeMap;

use serde::Serialize;

use super::price::{Dollars, Price};
use super::row::{BrowserRound, BrowserRow, ProcessRound, ProcessRow};
use super::spread::Spread;

/// The browser's transport that carries nothing: frames are captured, copied into the page's memory and forgotten.
/// What any other one takes beyond it is its own.
pub const BASELINE: &str = "+copyTo";
/// The browser's transport that the others are compared with.
pub const REFERENCE: &str = "websocket-rust";

/// A [`ProcessRow`] with what follows from it.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessSummary {
    /// What was measured.
    #[serde(flatten)]
    pub row: ProcessRow,
    /// Frames measured in the middle round.
    pub frames: u64,
    /// 10^9 payload bytes in each second.
    pub gb_per_s: Spread,
    /// CPU time of all processes for 10^9 payload bytes, in seconds.
    pub cpu_s_per_gb: Spread,
    /// The producers' part of it.
    pub producer_cpu_s_per_gb: Spread,
    /// The consumer's part of it.
    pub consumer_cpu_s_per_gb: Spread,
    /// Latency of half of the frames, in microseconds.
    pub p50_us: Spread,
    /// Latency of all but one in a hundred.
    pub p99_us: Spread,
    /// Latency of the slowest.
    pub max_us: Spread,
    /// Frames that never came, in all rounds: a loss is no matter of chance.
    pub lost: u64,
    /// What carrying them at this pace costs; absent if they were not paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<Dollars>,
}

impl ProcessSummary {
    /// All rows that have rounds.
    pub fn of(rows: impl IntoIterator<Item = ProcessRow>, price: Price) -> Vec<Self> {
        rows.into_iter().filter_map(|row| Self::one(row, price)).collect()
    }

    /// A row; `None` without rounds.
    pub fn one(row: ProcessRow, price: Price) -> Option<Self> {
        let over = |number: fn(&ProcessRound) -> f64| Spread::of(row.rounds.iter().map(number));
        let cpu_s_per_gb = over(|round| round.producer_cpu_s_per_gb + round.consumer_cpu_s_per_gb)?;
        let gb_per_s = |fps: f64| fps * row.payload_bytes as f64 / 1e9;
        Some(Self {
            frames: over(|round| round.frames as f64)?.median as u64,
            gb_per_s: over(|round| round.gb_per_s)?,
            cpu_s_per_gb,
            producer_cpu_s_per_gb: over(|round| round.producer_cpu_s_per_gb)?,
            consumer_cpu_s_per_gb: over(|round| round.consumer_cpu_s_per_gb)?,
            p50_us: over(|round| round.p50_ns as f64 / 1e3)?,
            p99_us: over(|round| round.p99_ns as f64 / 1e3)?,
            max_us: over(|round| round.max_ns as f64 / 1e3)?,
            lost: row.rounds.iter().map(|round| round.lost).sum(),
            dollars: row.paced_fps.map(|fps| price.of(cpu_s_per_gb.median * gb_per_s(fps))),
            row,
        })
    }

    /// The transport, and its ring where there may be several.
    pub fn name(&self) -> String {
        let mut name = self.row.transport.clone();
        if let Some(ring) = self.row.ring {
            name += &format!(" {} MiB", ring.ring_bytes >> 20);
            if ring.held > 1 {
                name += &format!(", {} held", ring.held);
            }
            if ring.producers > 1 {
                name += &format!(", {} producers", ring.producers);
            }
        }
        name
    }
}

/// A [`BrowserRow`] with what follows from it.
#[derive(Debug, Clone, Serialize)]
pub struct BrowserSummary {
    /// What was measured.
    #[serde(flatten)]
    pub row: BrowserRow,
    /// CPU time of the browser and the consumer for 100 frames, in seconds.
    pub total_cpu_s_per_100: Spread,
    /// The browser's part of it.
    pub browser_cpu_s_per_100: Spread,
    /// The consumer's part of it.
    pub consumer_cpu_s_per_100: Spread,
    /// The browser's part by thread, the middle round of each.
    pub threads_cpu_s_per_100: BTreeMap<String, f64>,
    /// What the transport takes on both sides: each round's total, less the [`BASELINE`]'s of the same round. Absent if
    /// the workload has no baseline, and for that itself and what does less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport_cpu_s_per_100: Option<Spread>,
    /// How many times as much the [`REFERENCE`] takes for that, by the medians.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_is_times: Option<f64>,
    /// Latency of half of the frames, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<Spread>,
    /// Latency of all but one in a hundred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<Spread>,
    /// Frames captured in the middle round.
    pub frames_captured: u64,
    /// Frames received in the middle round.
    pub frames_received: u64,
    /// Frames lost, in all rounds.
    pub frames_lost: u64,
    /// The most memory, of all rounds' peaks.
    pub pss_peak_bytes: Spread,
    /// What browser and consumer cost.
    pub dollars: Dollars,
    /// What the transport alone costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport_dollars: Option<Dollars>,
}

impl BrowserSummary {
    /// All rows that have rounds.
    pub fn of(rows: impl IntoIterator<Item = BrowserRow>, price: Price) -> Vec<Self> {
        let rows: Vec<BrowserRow> = rows.into_iter().collect();
        let beyond: Vec<Option<Spread>> = rows.iter().map(|row| beyond(row, &rows)).collect();
        let reference = |workload: &str| {
            let at = rows.iter().position(|row| row.workload == workload && row.transport == REFERENCE)?;
            beyond[at].map(|spread| spread.median)
        };
        let one = |(row, beyond): (&BrowserRow, &Option<Spread>)| {
            Self::one(row.clone(), *beyond, reference(&row.workload), price)
        };
        rows.iter().zip(&beyond).filter_map(one).collect()
    }

    fn one(row: BrowserRow, beyond: Option<Spread>, reference: Option<f64>, price: Price) -> Option<Self> {
        let over = |number: fn(&BrowserRound) -> f64| Spread::of(row.rounds.iter().map(number));
        let latency = |ns: fn(&BrowserRound) -> Option<u64>| {
            Spread::of(row.rounds.iter().filter_map(ns).map(|ns| ns as f64 / 1e3))
        };
        let total = over(total)?;
        let busy = |cpu_s_per_100: f64| cpu_s_per_100 / 100.0 * row.frames_per_s;
        Some(Self {
            total_cpu_s_per_100: total,
            browser_cpu_s_per_100: over(|round| round.browser_cpu_s_per_100)?,
            consumer_cpu_s_per_100: over(|round| round.consumer_cpu_s_per_100)?,
            threads_cpu_s_per_100: threads(&row.rounds),
            transport_cpu_s_per_100: beyond,
            reference_is_times: ratio(reference, beyond.map(|spread| spread.median)),
            p50_us: latency(|round| round.p50_ns),
            p99_us: latency(|round| round.p99_ns),
            frames_captured: over(|round| round.frames_captured as f64)?.median as u64,
            frames_received: over(|round| round.frames_received as f64)?.median as u64,
            frames_lost: row.rounds.iter().map(|round| round.frames_lost).sum(),
            pss_peak_bytes: over(|round| round.pss_peak_bytes as f64)?,
            dollars: price.of(busy(total.median)),
            transport_dollars: beyond.map(|spread| price.of(busy(spread.median))),
            row,
        })
    }
}

fn total(round: &BrowserRound) -> f64 {
    round.browser_cpu_s_per_100 + round.consumer_cpu_s_per_100
}

/// What a row takes beyond the baseline of its workload, round by round: what disturbs a pass disturbs both.
fn beyond(row: &BrowserRow, rows: &[BrowserRow]) -> Option<Spread> {
    let carries = row.rounds.iter().any(|round| round.frames_received > 0);
    let same = |other: &&BrowserRow| other.workload == row.workload && other.transport == BASELINE;
    let baseline = rows.iter().find(same).filter(|_| carries && row.transport != BASELINE)?;
    Spread::of(row.rounds.iter().zip(&baseline.rounds).map(|(round, floor)| total(round) - total(floor)))
}

/// How many times `of` goes into `whole`; nothing that is not above 0 can be compared.
fn ratio(whole: Option<f64>, of: Option<f64>) -> Option<f64> {
    of.filter(|of| *of > 0.0).and_then(|of| whole.filter(|whole| *whole > 0.0).map(|whole| whole / of))
}

/// The middle of each thread's times; a thread that a round did not have took no time in it.
fn threads(rounds: &[BrowserRound]) -> BTreeMap<String, f64> {
    let names: std::collections::BTreeSet<&String> =
        rounds.iter().flat_map(|round| round.threads.keys()).collect();
    let middle = |name: &String| {
        Spread::of(rounds.iter().map(|round| round.threads.get(name).copied().unwrap_or(0.0)))
            .map_or(0.0, |spread| spread.median)
    };
    names.into_iter().map(|name| (name.clone(), middle(name))).collect()
}

/// What each transport does and does not do, each said once.
pub fn notes<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let mut notes: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !row.1.is_empty() && !notes.contains(&row) {
            notes.push(row);
        }
    }
    notes
}
