//! What a benchmark records: measured numbers and names, nothing derived.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use super::summary::{BrowserSummary, ProcessSummary};

/// A record as a benchmark prints it: with what follows from it beside it, for whoever reads nothing but this line.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line<'a> {
    /// Read as [`Record::Machine`].
    Machine(&'a Machine),
    /// Read as [`Record::Process`].
    Process(&'a ProcessSummary),
    /// Read as [`Record::Browser`].
    Browser(&'a BrowserSummary),
}

/// What is read of a benchmark's line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// Where the rows behind it were measured.
    Machine(Machine),
    /// Frames from process to process.
    Process(ProcessRow),
    /// Frames out of a browser.
    Browser(BrowserRow),
}

/// The machine of a run, when it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// What ran: the benchmark's name and the versions of what it measures.
    pub subject: String,
    /// The processor's name for itself.
    pub cpu: String,
    /// Processors that may be used.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// Runnable threads, mean of the minute before the run: what else the machine did.
    pub load: f64,
}

impl Machine {
    /// This one, now. What cannot be found out is empty or 0.
    pub fn here(subject: impl Into<String>) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_string())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self {
            subject: subject.into(),
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, |cores| cores.get()),
            memory_bytes: kib << 10,
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// One transport with one length of frames, from process to process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessRow {
    /// How.
    pub transport: String,
    /// Bytes in each frame.
    pub payload_bytes: usize,
    /// Frames in each second that were asked for; absent if as many as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paced_fps: Option<f64>,
    /// The ring, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// What the transport does and does not do, for whoever compares it.
    pub notes: String,
    /// The runs, in the order they were made.
    pub rounds: Vec<ProcessRound>,
}

/// The ring of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Bytes for payloads.
    pub ring_bytes: u64,
    /// Frames that the consumer holds at once, the one that it reads included.
    pub held: usize,
    /// Producer processes.
    pub producers: usize,
}

/// One run of a [`ProcessRow`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProcessRound {
    /// Frames received while it was measured.
    pub frames: u64,
    /// 10^9 payload bytes in each second.
    pub gb_per_s: f64,
    /// CPU time of the producers for 10^9 payload bytes, in seconds.
    pub producer_cpu_s_per_gb: f64,
    /// The same of the consumer, its full read of the frames included.
    pub consumer_cpu_s_per_gb: f64,
    /// Latency from before the sending to the receipt, before the frame is read, of half of the frames.
    pub p50_ns: u64,
    /// The same for all but one in a hundred.
    pub p99_ns: u64,
    /// The same for the slowest.
    pub max_ns: u64,
    /// Frames that never came.
    pub lost: u64,
}

/// One workload of a browser through one transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrowserRow {
    /// What the page captures, such as `1080p30`.
    pub workload: String,
    /// How it gets out, such as `lane`. [`BASELINE`](super::BASELINE) and [`REFERENCE`](super::REFERENCE) are what the
    /// others are compared with.
    pub transport: String,
    /// Frames in each second, of all tracks together, when nothing is lost. 30 for `1080p30`, 100 for sound in blocks of 10 ms.
    pub frames_per_s: f64,
    /// What the transport does and does not do, for whoever compares it.
    pub notes: String,
    /// The runs, in the order they were made. Round `i` of all rows of a workload was made in the same pass.
    pub rounds: Vec<BrowserRound>,
}

/// One run of a [`BrowserRow`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrowserRound {
    /// Frames that the page got from its tracks.
    pub frames_captured: u64,
    /// Frames that the consumer got.
    pub frames_received: u64,
    /// Frames that the page got and the consumer should have got, but did not.
    pub frames_lost: u64,
    /// CPU time of all the browser's processes for 100 captured frames, in seconds.
    pub browser_cpu_s_per_100: f64,
    /// The same of the consumer; 0 if there is none.
    pub consumer_cpu_s_per_100: f64,
    /// Of the browser's, by name of thread.
    pub threads: BTreeMap<String, f64>,
    /// Latency from the page's getting a frame to the consumer's, of half of the frames; `None` without a consumer.
    pub p50_ns: Option<u64>,
    /// The same for all but one in a hundred.
    pub p99_ns: Option<u64>,
    /// The most memory that the browser's processes had together, as proportional set size.
    pub pss_peak_bytes: u64,
}
