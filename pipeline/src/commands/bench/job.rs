//! What the bench asks of a producer process, and what that answers.

use serde::{Deserialize, Serialize};

/// A way from one process to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// The floor: one process copies into warm shared memory and reads it there
    Memcpy,
    /// This project's ring
    FrameRing,
    /// A WebSocket as Chromium speaks it: masked, in fragments of 131,000 bytes
    WebsocketChromium,
    /// A WebSocket without masking and fragments
    Websocket,
    /// A Unix stream socket
    Uds,
    /// A pipe
    Pipe,
}

impl Transport {
    /// Its name, as in arguments and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Memcpy => "memcpy",
            Transport::FrameRing => "frame-ring",
            Transport::WebsocketChromium => "websocket-chromium",
            Transport::Websocket => "websocket",
            Transport::Uds => "uds",
            Transport::Pipe => "pipe",
        }
    }
}

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
    /// How to send.
    pub transport: Transport,
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
    /// The consumer's TCP port, for a WebSocket.
    pub port: u16,
}

/// What a producer has done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Measured frames sent.
    pub frames: u64,
    /// Its CPU time for them in seconds.
    pub cpu_s: f64,
}
