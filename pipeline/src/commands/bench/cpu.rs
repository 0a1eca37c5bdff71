//! The processor time of this process.

use nix::sys::resource::{getrusage, UsageWho};
use nix::sys::time::TimeValLike;

use crate::error::CliError;

/// What the process has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    seconds: f64,
    switches: i64,
}

impl Cpu {
    /// Up to now: all threads, user and system.
    pub fn now() -> Result<Self, CliError> {
        let usage =
            getrusage(UsageWho::RUSAGE_SELF).map_err(|why| CliError::failed("read the CPU time", why))?;
        let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Ok(Self {
            seconds: us as f64 / 1e6,
            switches: usage.voluntary_context_switches() + usage.involuntary_context_switches(),
        })
    }

    /// Seconds since `earlier`.
    pub fn since(&self, earlier: &Cpu) -> f64 {
        self.seconds - earlier.seconds
    }

    /// Context switches since `earlier`.
    pub fn switches_since(&self, earlier: &Cpu) -> i64 {
        self.switches - earlier.switches
    }
}
