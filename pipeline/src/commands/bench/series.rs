//! The frames of one producer, in turn: first some to warm up, then the measured ones, at their pace.

use std::time::Duration;

use frame_ring::mono_ns;

use super::cpu::Cpu;
use super::frame::{Source, Stamp};
use super::job::{Job, Report, Until};
use crate::error::CliError;

/// What a producer sends.
#[derive(Debug)]
pub struct Series {
    source: Source,
    stamp: Stamp,
    warm_up: u64,
    until: Until,
    paced_fps: Option<f64>,
    sent: u64,
    /// When the measured frames began.
    start: Option<(u64, Cpu)>,
}

impl Series {
    /// The frames of a job.
    pub fn new(job: &Job) -> Self {
        Self {
            source: Source::new(job.payload_bytes),
            stamp: Stamp { sent_ns: 0, sequence: 0, producer: job.producer, warm_end: false, last: false },
            // The last one of them starts the measurement.
            warm_up: job.warm_up.max(1),
            until: job.until,
            paced_fps: job.paced_fps,
            sent: 0,
            start: None,
        }
    }

    /// The next frame to send, when it is time for it; `None` when all are sent.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, CliError> {
        if self.stamp.last {
            return Ok(None);
        }
        let warm_end = self.sent + 1 == self.warm_up;
        let (sent_ns, last) = match self.sent.checked_sub(self.warm_up) {
            None => (mono_ns(), false),
            Some(measured) => self.measured(measured)?,
        };
        self.stamp = Stamp { sent_ns, sequence: self.sent, warm_end, last, ..self.stamp };
        self.sent += 1;
        Ok(Some(self.source.stamped(self.stamp)))
    }

    /// Waits for measured frame `frame`; returns when it is sent, and whether it is the last one.
    fn measured(&mut self, frame: u64) -> Result<(u64, bool), CliError> {
        let start = match self.start {
            Some((start, _)) => start,
            None => {
                let start = mono_ns();
                self.start = Some((start, Cpu::now()?));
                start
            }
        };
        let now =
            self.paced_fps.map_or_else(mono_ns, |fps| sleep_until(start + (frame as f64 * 1e9 / fps) as u64));
        let last = match self.until {
            Until::Frames(enough) => frame + 1 >= enough,
            Until::Seconds(enough) => (now - start) as f64 >= enough * 1e9,
        };
        Ok((now, last))
    }

    /// What the measured frames have cost until now.
    pub fn report(&self) -> Result<Report, CliError> {
        let cpu_s = match &self.start {
            Some((_, cpu)) => Cpu::now()?.since(cpu),
            None => 0.0,
        };
        Ok(Report { frames: self.sent.saturating_sub(self.warm_up), cpu_s })
    }
}

fn sleep_until(due: u64) -> u64 {
    let now = mono_ns();
    if due <= now {
        return now;
    }
    std::thread::sleep(Duration::from_nanos(due - now));
    mono_ns()
}
