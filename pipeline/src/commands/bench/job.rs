//! What the bench asks of a producer process, and what that answers.

use serde::{Deserialize, Serialize};

use crate::report::Ring;

/// When a producer has sent enough.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Until {
    /// After so many measured frames.
    Frames(u64),
    /// After so many seconds of them.
    Seconds(f64),
}

/// What one producer is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Name of the transport.
    pub transport: String,
    /// Bytes in each frame.
    pub payload_bytes: usize,
    /// Frames to send before the measured ones.
    pub warm_up: u64,
    /// When to stop.
    pub until: Until,
    /// Frames per second; `None` for as fast as the other side takes them.
    pub paced_fps: Option<f64>,
    /// Its number among the producers.
    pub producer: u32,
    /// Where to connect to, in the transport's own words; empty if it need not be told.
    pub address: String,
    /// The ring, for the transport that is one.
    pub ring: Option<Ring>,
}

/// What a producer has done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Measured frames sent.
    pub frames: u64,
    /// Its CPU time for them in seconds.
    pub cpu_s: f64,
}
