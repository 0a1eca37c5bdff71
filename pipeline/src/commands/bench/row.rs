//! The rows as a table, for people at a terminal.

use crate::commands::table::Table;
use crate::report::{self, ProcessSummary};

/// Rows of one length of frames, with their ratios to the floor and to what they replace, and what each transport does
/// not do.
pub fn table(payload_bytes: usize, rows: &[ProcessSummary]) -> String {
    let cost = |transport: &str| {
        rows.iter().find(|row| row.row.transport == transport).map(|row| row.cpu_s_per_gb.median)
    };
    let (floor, browser) = (cost("memcpy"), cost("websocket-chromium"));
    let times = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
    let heading = [
        "transport",
        "frames",
        "GB/s",
        "CPU-s/GB",
        "least",
        "greatest",
        "producer",
        "consumer",
        "x memcpy",
        "websocket-chromium is x",
        "p50 us",
        "p99 us",
        "max us",
        "lost",
    ];
    let mut table = Table::new(1, &heading);
    for row in rows {
        let cpu = row.cpu_s_per_gb;
        let mut cells = vec![row.name(), row.frames.to_string(), format!("{:.3}", row.gb_per_s.median)];
        let both = [cpu.median, cpu.min, cpu.max];
        let sides = [row.producer_cpu_s_per_gb.median, row.consumer_cpu_s_per_gb.median];
        cells.extend(both.into_iter().chain(sides).map(|seconds| format!("{seconds:.4}")));
        cells.push(times(floor.map(|floor| cpu.median / floor)));
        cells.push(times(browser.map(|browser| browser / cpu.median)));
        cells.extend([row.p50_us, row.p99_us, row.max_us].map(|us| format!("{:.1}", us.median)));
        cells.push(row.lost.to_string());
        table.row(cells);
    }
    format!("{payload_bytes} bytes in each frame\n{}", table.text())
}

/// What each transport does and does not do.
pub fn notes(rows: &[ProcessSummary]) -> String {
    let notes = report::notes(rows.iter().map(|row| (&*row.row.transport, &*row.row.notes)));
    notes.into_iter().map(|(transport, notes)| format!("{transport}: {notes}\n")).collect()
}
