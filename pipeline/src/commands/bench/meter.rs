//! The receiving side's measurement: reads every frame, checks it, and counts.

use frame_ring::mono_ns;

use super::cpu::Cpu;
use super::frame::{self, Source};
use super::histogram::Histogram;
use super::job::Report;
use crate::error::CliError;
use crate::report::ProcessRound;

/// Looks at every frame of a run.
#[derive(Debug)]
pub struct Meter {
    payload_bytes: usize,
    body_sum: u64,
    /// The next sequence number of each producer.
    next: Vec<u64>,
    /// Producers that still warm up, and those that still send.
    warming: usize,
    sending: usize,
    start: Option<(u64, Cpu)>,
    frames: u64,
    lost: u64,
    latency: Histogram,
}

/// What a run has shown.
pub type Measured = ProcessRound;

impl Meter {
    /// For `producers` that send frames of this length.
    pub fn new(payload_bytes: usize, producers: usize) -> Self {
        Self {
            payload_bytes,
            body_sum: Source::new(payload_bytes).body_sum(),
            next: vec![0; producers],
            warming: producers,
            sending: producers,
            start: None,
            frames: 0,
            lost: 0,
            latency: Histogram::new(),
        }
    }

    /// Reads a frame that has just arrived. Returns whether more are to come.
    pub fn take(&mut self, frame: &[u8]) -> Result<bool, CliError> {
        let now = mono_ns();
        let torn = || CliError::Wrong("a frame arrived that is not as it was sent".into());
        let (stamp, sum) = frame::read(frame).ok_or_else(torn)?;
        if sum != self.body_sum || frame.len() != self.payload_bytes {
            return Err(torn());
        }
        let next = self.next.get_mut(stamp.producer as usize).ok_or_else(torn)?;
        self.lost += stamp.sequence.checked_sub(*next).ok_or_else(torn)?;
        *next = stamp.sequence + 1;

        if self.start.is_some() {
            self.frames += 1;
            self.latency.add(now.saturating_sub(stamp.sent_ns));
        }
        if stamp.warm_end {
            self.warming -= 1;
            if self.warming == 0 {
                self.start = Some((mono_ns(), Cpu::now()?));
            }
        }
        self.sending -= usize::from(stamp.last);
        Ok(self.sending > 0)
    }

    /// Ends the measurement; the reports of the producers are asked for only after its end.
    pub fn finish(
        self,
        reports: impl FnOnce() -> Result<Vec<Report>, CliError>,
    ) -> Result<Measured, CliError> {
        let (end_ns, end) = (mono_ns(), Cpu::now()?);
        let never = || CliError::Failed("the measurement never began".into());
        let (start_ns, start) = self.start.ok_or_else(never)?;
        let gb = |frames: u64| frames as f64 * self.payload_bytes as f64 / 1e9;
        let reports = reports()?;
        let sent: u64 = reports.iter().map(|report| report.frames).sum();
        let sending_s: f64 = reports.iter().map(|report| report.cpu_s).sum();
        // Several producers don't start at the same frame: each side's time goes with its own frames.
        let sending = if sent > 0 { sending_s / gb(sent) } else { 0.0 };
        Ok(Measured {
            frames: self.frames,
            gb_per_s: gb(self.frames) * 1e9 / (end_ns - start_ns) as f64,
            producer_cpu_s_per_gb: sending,
            consumer_cpu_s_per_gb: end.since(&start) / gb(self.frames),
            p50_ns: self.latency.quantile(0.5),
            p99_ns: self.latency.quantile(0.99),
            max_ns: self.latency.max(),
            lost: self.lost,
        })
    }
}
