//! The end of a track, and of a process: what its producer counted, what the ring's tables say and what came must agree.
//!
//! A track that has ended agrees exactly. A process that was killed has been stopped between two instructions. It has
//! one thread, hence at most one frame in flight, whose books are kept in this order:
//!
//! | the frame was | first | then | then |
//! |---|---|---|---|
//! | sent | the commit, which decides whether it arrives | `frames` and `bytes` of the process | `sent` and `sent_bytes` of the track |
//! | dropped | `full_bytes` or `full_slots` of the process | `dropped` of the track | |
//! | not wanted | `unwanted` of the track | `unwanted` of the process | |
//!
//! So of all its tracks together one frame may have come that is not counted, or one drop be counted in one place only;
//! never one more counted as sent than came. What frames told of is exact for the frames before the last one that came.

use frame_ring::{ProducerStats, TrackStats};

use super::books::Account;
use super::wire::TrackEnd;

/// Tracks that were settled, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub tracks: u64,
    /// Frames that came.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Frames that were sent, as the track table says.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames that the ring had no room for.
    pub dropped: u64,
    /// Those of them that a later frame has told of.
    pub told: u64,
    /// Frames that were not wanted.
    pub unwanted: u64,
}

impl Sum {
    /// One track.
    pub fn of(account: &Account, table: &TrackStats) -> Self {
        Self {
            tracks: 1,
            received: account.received,
            received_bytes: account.bytes,
            sent: table.sent,
            sent_bytes: table.sent_bytes,
            dropped: table.dropped,
            told: account.told(),
            unwanted: table.unwanted,
        }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.tracks += other.tracks;
        self.received += other.received;
        self.received_bytes += other.received_bytes;
        self.sent += other.sent;
        self.sent_bytes += other.sent_bytes;
        self.dropped += other.dropped;
        self.told += other.told;
        self.unwanted += other.unwanted;
    }

    /// Drops that no frame has told of, because none came after them.
    pub fn untold(&self) -> u64 {
        self.dropped.saturating_sub(self.told)
    }
}

/// What the table says of the receiving side is what came, whatever became of the producer.
fn received(account: &Account, table: &TrackStats) -> Result<(), String> {
    equal("frames delivered", table.received, account.received)?;
    equal("bytes delivered", table.received_bytes, account.bytes)?;
    equal("drops told of", table.reported_dropped, account.told())?;
    let latencies = table.latency.iter().map(|count| u64::from(*count)).sum();
    equal("latencies", latencies, account.received)?;
    equal("numbers", account.numbers(), account.received + account.told())
}

/// Checks a track that its producer has ended.
pub fn ended(account: &Account, table: &TrackStats, end: &TrackEnd) -> Result<(), String> {
    received(account, table)?;
    equal("offered", end.offered, end.sent + end.dropped + end.unwanted)?;
    equal("sent", table.sent, end.sent)?;
    equal("bytes sent", table.sent_bytes, end.sent_bytes)?;
    equal("dropped", table.dropped, end.dropped)?;
    equal("unwanted", table.unwanted, end.unwanted)?;
    equal("received", account.received, end.sent)?;
    equal("bytes received", account.bytes, end.sent_bytes)?;
    equal("drops told of and untold", account.told() + end.untold, end.dropped)
}

/// Checks a track whose producer was killed.
pub fn killed(account: &Account, table: &TrackStats) -> Result<(), String> {
    received(account, table)?;
    within("received and not counted as sent", account.received, table.sent, 1)?;
    // Counted after the frame itself: all of the last frame, or nothing.
    match account.bytes.checked_sub(table.sent_bytes) {
        Some(missing) if missing == 0 || missing == account.last_bytes => {}
        _ => {
            return Err(format!("{} bytes came, and {} are counted as sent", account.bytes, table.sent_bytes))
        }
    }
    if account.told() > table.dropped {
        return Err(format!("{} drops were told of, and {} counted", account.told(), table.dropped));
    }
    Ok(())
}

/// Checks a process that has left, whose tracks add up to `sum`.
pub fn left(sum: &Sum, table: &ProducerStats) -> Result<(), String> {
    equal("frames of the process", table.frames, sum.received)?;
    equal("bytes of the process", table.bytes, sum.received_bytes)?;
    equal("drops of the process", drops(table), sum.dropped)?;
    equal("unwanted of the process", table.unwanted, sum.unwanted)?;
    equal("claims given up", table.aborted, 0)
}

/// Checks a process that was killed. Returns whether a frame was in flight between two counters.
pub fn died(sum: &Sum, table: &ProducerStats) -> Result<bool, String> {
    let uncounted = within("received and not counted by the process", sum.received, table.frames, 1)?;
    let unsent = within("received and not counted as sent", sum.received, sum.sent, 1)?;
    let dropped = within("dropped and not counted by the track", drops(table), sum.dropped, 1)?;
    let unwanted = within("unwanted and not counted by the process", sum.unwanted, table.unwanted, 1)?;
    equal("claims given up", table.aborted, 0)?;
    if uncounted > unsent {
        return Err("the track has counted a frame before its process has".into());
    }
    match unsent + dropped + unwanted {
        0 => Ok(sum.received_bytes != sum.sent_bytes || sum.received_bytes != table.bytes),
        1 => Ok(true),
        found => Err(format!("{found} frames were in flight")),
    }
}

fn drops(table: &ProducerStats) -> u64 {
    table.full_bytes + table.full_slots + table.too_long
}

fn equal(what: &str, found: u64, expected: u64) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: {found} instead of {expected}")),
    }
}

/// By how much `more` is more than `less`: `most` at most.
fn within(what: &str, more: u64, less: u64, most: u64) -> Result<u64, String> {
    match more.checked_sub(less) {
        Some(found) if found <= most => Ok(found),
        _ => Err(format!("{what}: {more} - {less} is not 0 to {most}")),
    }
}
