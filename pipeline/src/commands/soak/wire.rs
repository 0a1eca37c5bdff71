//! What the soak and its producer processes say to each other, one line of JSON each: orders on standard input, replies
//! on standard output.

use serde::{Deserialize, Serialize};

/// What a producer process is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Order {
    /// A participant's tracks end.
    Away(u16),
    /// A participant comes back, with new tracks.
    Back(u16),
    /// Everything comes so many times as fast, for so many milliseconds.
    Burst { times: u32, ms: u64 },
    /// All tracks end, and then the process.
    Leave,
}

/// What it has done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// All tracks of all participants are open.
    Ready,
    /// The participant's tracks are open again.
    Here(u16),
    /// The participant's tracks have ended.
    Gone(u16, Vec<TrackEnd>),
}

/// A track as its producer has counted it, apart from the counters in shared memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackEnd {
    /// Its id in the ring.
    pub track: u32,
    /// Frames that there were, the record of the track's end among them.
    pub offered: u64,
    /// Frames that were sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames that the ring had no room for.
    pub dropped: u64,
    /// Those of them that came after the last frame that was sent: nothing in the ring can tell of them.
    pub untold: u64,
    /// Frames that nobody wanted.
    pub unwanted: u64,
}
