//! One row of the result: what was carried how, and what it cost; as JSON and as a table.

use serde::Serialize;

use super::job::Transport;
use super::meter::Measured;
use super::ring::Size;
use crate::commands::table::Table;

/// One transport with one length of frames.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// How.
    pub transport: Transport,
    /// Bytes in each frame.
    pub payload_bytes: usize,
    /// Frames measured.
    pub frames: u64,
    /// 10^9 payload bytes in each second.
    pub gb_per_s: f64,
    /// CPU time of all processes for 10^9 payload bytes.
    pub cpu_s_per_gb: f64,
    /// Latency of half of the frames, in microseconds.
    pub p50_us: f64,
    /// Latency of all but one in a hundred.
    pub p99_us: f64,
    /// Latency of the slowest.
    pub max_us: f64,
    /// Frames that never came.
    pub lost: u64,
    /// Frames in each second that were asked for; absent if as many as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paced_fps: Option<f64>,
    /// The ring, if it is one.
    #[serde(flatten)]
    pub ring: Option<Size>,
}

impl Row {
    /// The middle one of several runs of the same, number by number; `None` of none.
    pub fn median(
        transport: Transport,
        payload_bytes: usize,
        paced_fps: Option<f64>,
        ring: Option<Size>,
        runs: &[Measured],
    ) -> Option<Self> {
        let us = |ns: u64| ns as f64 / 1e3;
        Some(Self {
            transport,
            payload_bytes,
            frames: middle(runs.iter().map(|run| run.frames as f64))? as u64,
            gb_per_s: middle(runs.iter().map(|run| run.gb_per_s))?,
            cpu_s_per_gb: middle(runs.iter().map(|run| run.cpu_s_per_gb))?,
            p50_us: middle(runs.iter().map(|run| us(run.p50_ns)))?,
            p99_us: middle(runs.iter().map(|run| us(run.p99_ns)))?,
            max_us: middle(runs.iter().map(|run| us(run.max_ns)))?,
            // A loss is no matter of chance.
            lost: runs.iter().map(|run| run.lost).sum(),
            paced_fps,
            ring,
        })
    }

    fn name(&self) -> String {
        let mut name = self.transport.name().to_string();
        if let Some(Size { ring_bytes, held, producers }) = self.ring {
            name += &format!(" {} MiB", ring_bytes >> 20);
            if held > 1 {
                name += &format!(", {held} held");
            }
            if producers > 1 {
                name += &format!(", {producers} producers");
            }
        }
        name
    }
}

/// The middle value; of an even number the mean of the two in the middle.
fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

/// Rows of one length of frames as a table, with their ratios to the floor and to what they replace.
pub fn table(payload_bytes: usize, rows: &[Row]) -> String {
    let cost = |transport| rows.iter().find(|row| row.transport == transport).map(|row| row.cpu_s_per_gb);
    let (floor, browser) = (cost(Transport::Memcpy), cost(Transport::WebsocketChromium));
    let times = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
    let heading = [
        "transport",
        "frames",
        "GB/s",
        "CPU-s/GB",
        "x memcpy",
        "websocket-chromium is x",
        "p50 us",
        "p99 us",
        "max us",
        "lost",
    ];
    let mut table = Table::new(1, &heading);
    for row in rows {
        table.row([
            row.name(),
            row.frames.to_string(),
            format!("{:.3}", row.gb_per_s),
            format!("{:.4}", row.cpu_s_per_gb),
            times(floor.map(|floor| row.cpu_s_per_gb / floor)),
            times(browser.map(|browser| browser / row.cpu_s_per_gb)),
            format!("{:.1}", row.p50_us),
            format!("{:.1}", row.p99_us),
            format!("{:.1}", row.max_us),
            row.lost.to_string(),
        ]);
    }
    format!("{payload_bytes} bytes in each frame\n{}", table.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_between_the_extremes() {
        assert_eq!(middle([].into_iter()), None);
        assert_eq!(middle([3.0].into_iter()), Some(3.0));
        assert_eq!(middle([9.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(middle([9.0, 1.0, 2.0, 4.0].into_iter()), Some(3.0));
    }
}
