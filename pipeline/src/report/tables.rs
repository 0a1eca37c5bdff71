//! Which numbers stand in which table; how a table looks is the document's business.

use std::collections::BTreeSet;

use super::number::{dollars, grouped, mebibytes, micros, spread, three};
use super::price::Dollars;
use super::summary::{BrowserSummary, ProcessSummary, BASELINE, REFERENCE};

/// A heading and rows of cells.
#[derive(Debug)]
pub struct Table {
    /// One for each column, and whether it holds words and not numbers.
    pub heading: Vec<(String, bool)>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn new(heading: &[(&str, bool)]) -> Self {
        let heading = heading.iter().map(|(name, words)| (name.to_string(), *words)).collect();
        Self { heading, rows: Vec::new() }
    }
}

const WORDS: bool = true;
const NUMBER: bool = false;

/// Consecutive rows that belong together.
pub fn groups<T, K: PartialEq>(rows: &[T], key: impl Fn(&T) -> K) -> Vec<&[T]> {
    rows.chunk_by(|a, b| key(a) == key(b)).collect()
}

/// What the rows of a group have in common.
pub fn process_title(row: &ProcessSummary) -> String {
    let bytes = grouped(&row.row.payload_bytes.to_string());
    match row.row.paced_fps {
        Some(fps) => format!("{bytes} bytes in each frame, {} frames per second", three(fps)),
        None => format!("{bytes} bytes in each frame, as fast as the consumer takes them"),
    }
}

/// Rows of one length of frames and one pace.
pub fn process(rows: &[ProcessSummary]) -> Table {
    let mut heading = vec![
        ("transport", WORDS),
        ("CPU-s per GB, both sides", NUMBER),
        ("producer", NUMBER),
        ("consumer", NUMBER),
        ("x memcpy", NUMBER),
        ("p50", NUMBER),
        ("p99", NUMBER),
        ("GB/s", NUMBER),
        ("lost", NUMBER),
    ];
    let paced = rows.iter().any(|row| row.dollars.is_some());
    if paced {
        heading.extend([("$ per stream-hour", NUMBER), ("$ per million stream-minutes", NUMBER)]);
    }
    let floor = rows.iter().find(|row| row.row.transport == "memcpy").map(|row| row.cpu_s_per_gb.median);
    let mut table = Table::new(&heading);
    for row in rows {
        let mut cells = vec![
            row.name(),
            spread(row.cpu_s_per_gb),
            three(row.producer_cpu_s_per_gb.median),
            three(row.consumer_cpu_s_per_gb.median),
            optional(floor.map(|floor| row.cpu_s_per_gb.median / floor), three),
            micros(row.p50_us.median),
            micros(row.p99_us.median),
            spread(row.gb_per_s),
            row.lost.to_string(),
        ];
        if paced {
            cells.extend(money(row.dollars));
        }
        table.rows.push(cells);
    }
    table
}

/// Rows of one workload of a browser.
pub fn browser(rows: &[BrowserSummary]) -> Table {
    let beyond = format!("transport, both sides, beyond {BASELINE}");
    let times = format!("{REFERENCE} is x");
    let mut table = Table::new(&[
        ("transport", WORDS),
        ("browser, CPU-s per 100 frames", NUMBER),
        ("consumer", NUMBER),
        (&beyond, NUMBER),
        (&times, NUMBER),
        ("p50", NUMBER),
        ("p99", NUMBER),
        ("captured", NUMBER),
        ("received", NUMBER),
        ("lost, all rounds", NUMBER),
        ("peak PSS, MiB", NUMBER),
    ]);
    for row in rows {
        table.rows.push(vec![
            row.row.transport.clone(),
            spread(row.browser_cpu_s_per_100),
            spread(row.consumer_cpu_s_per_100),
            optional(row.transport_cpu_s_per_100, spread),
            optional(row.reference_is_times, three),
            optional(row.p50_us, |spread| micros(spread.median)),
            optional(row.p99_us, |spread| micros(spread.median)),
            grouped(&row.frames_captured.to_string()),
            grouped(&row.frames_received.to_string()),
            row.frames_lost.to_string(),
            mebibytes(row.pss_peak_bytes.median),
        ]);
    }
    table
}

/// What the rows of one workload cost.
pub fn browser_dollars(rows: &[BrowserSummary]) -> Table {
    let mut table = Table::new(&[
        ("transport", WORDS),
        ("all, $ per bot-hour", NUMBER),
        ("all, $ per million bot-minutes", NUMBER),
        ("transport alone, $ per bot-hour", NUMBER),
        ("transport alone, $ per million bot-minutes", NUMBER),
    ]);
    for row in rows {
        let cells = money(Some(row.dollars)).into_iter().chain(money(row.transport_dollars));
        table.rows.push([row.row.transport.clone()].into_iter().chain(cells).collect());
    }
    table
}

/// Threads that are shown; the others together are the last row.
const THREADS: usize = 12;

/// Where the browser spends its time: a row for each thread, a column for each transport.
pub fn browser_threads(rows: &[BrowserSummary]) -> Table {
    let names: BTreeSet<&String> = rows.iter().flat_map(|row| row.threads_cpu_s_per_100.keys()).collect();
    let times = |name: &str| -> Vec<f64> {
        rows.iter().map(|row| row.threads_cpu_s_per_100.get(name).copied().unwrap_or(0.0)).collect()
    };
    let most = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let mut threads: Vec<(&str, Vec<f64>)> =
        names.into_iter().map(|name| (name.as_str(), times(name))).collect();
    threads.sort_by(|a, b| most(&b.1).total_cmp(&most(&a.1)));
    let others = threads.split_off(threads.len().min(THREADS));
    if !others.is_empty() {
        let sums = (0..rows.len()).map(|at| others.iter().map(|(_, times)| times[at]).sum());
        threads.push(("all others", sums.collect()));
    }
    let mut heading = vec![("thread, CPU-s per 100 frames", WORDS)];
    heading.extend(rows.iter().map(|row| (row.row.transport.as_str(), NUMBER)));
    let mut table = Table::new(&heading);
    for (name, times) in threads {
        table.rows.push([name.to_string()].into_iter().chain(times.into_iter().map(three)).collect());
    }
    table
}

fn money(amounts: Option<Dollars>) -> [String; 2] {
    let cell = |part: fn(Dollars) -> f64| optional(amounts.map(part), dollars);
    [cell(|amounts| amounts.per_bot_hour), cell(|amounts| amounts.per_million_bot_minutes)]
}

fn optional<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or("-".into(), text)
}
