//! What has happened to a ring between two looks at it.

use frame_ring::{SlotStats, Snapshot, TrackStats};
use serde::Serialize;

use crate::commands::names;

/// A ring over one interval.
#[derive(Debug, Serialize)]
pub struct Ring {
    /// End of the interval on `CLOCK_MONOTONIC`.
    pub mono_ns: u64,
    /// Its length.
    pub interval_s: f64,
    /// The ring's name.
    pub name: String,
    /// What tells it from others.
    pub ring_id: String,
    /// Whether the consumer has left.
    pub closed: bool,
    /// How many producers are connected.
    pub producers: usize,
    /// Bytes for payloads.
    pub data_bytes: u64,
    /// Those in use.
    pub used_bytes: u64,
    /// The same in percent.
    pub fill_percent: f64,
    /// Number of slots.
    pub slots: u32,
    /// Those in use.
    pub used_slots: u64,
    /// For how long the consumer has had the oldest frame that it has.
    pub oldest_held_ns: Option<u64>,
    /// Claims that were being written over the whole interval.
    pub stalled: Vec<Stalled>,
    /// Track by track.
    pub tracks: Vec<Track>,
}

/// A claim that its producer neither finishes nor gives up.
#[derive(Debug, Serialize)]
pub struct Stalled {
    /// The producer.
    pub producer: u8,
    /// Its name.
    pub label: String,
    /// Its process id, as the kernel told the consumer.
    pub pid: u32,
    /// Bytes claimed.
    pub bytes: u64,
}

/// A track over one interval.
#[derive(Debug, Serialize)]
pub struct Track {
    /// Its id.
    pub id: u32,
    /// The producer that feeds it.
    pub producer: u8,
    /// Whether it is still fed.
    pub live: bool,
    /// Whether the consumer wants it.
    pub wanted: bool,
    /// What it carries.
    pub kind: &'static str,
    /// Its name.
    pub label: String,
    /// Frames sent per second in the interval.
    pub fps: f64,
    /// 10^6 payload bytes sent per second in the interval.
    pub mb_per_s: f64,
    /// How much of the ring its producer's frames take up.
    pub fill_percent: f64,
    /// Frames sent since its beginning, and so on.
    pub sent: u64,
    /// Frames delivered.
    pub received: u64,
    /// Frames that its producer dropped.
    pub dropped: u64,
    /// Frames that nobody wanted.
    pub unwanted: u64,
    /// Drops that delivered frames have told of.
    pub reported_dropped: u64,
    /// Frames that the consumer skipped for newer ones.
    pub skipped: u64,
    /// Half of the interval's frames were delivered within less than this.
    pub p50_us: Option<u64>,
    /// All but one in a hundred.
    pub p99_us: Option<u64>,
    /// For how long the consumer has had the oldest of its producer's frames.
    pub oldest_held_ns: Option<u64>,
}

impl Ring {
    /// What is to be said of `now`, and of what has changed since `before`.
    pub fn between(before: &Snapshot, now: &Snapshot) -> Self {
        let seconds = now.mono_ns.saturating_sub(before.mono_ns) as f64 / 1e9;
        let earlier = |track: &TrackStats| before.tracks.iter().find(|old| old.id == track.id);
        Self {
            mono_ns: now.mono_ns,
            interval_s: seconds,
            name: now.name(),
            ring_id: names::ring_id(&now.header),
            closed: now.closed,
            producers: now.producers.iter().filter(|(_, stats)| stats.connected).count(),
            data_bytes: now.header.data_bytes,
            used_bytes: now.used_bytes,
            fill_percent: percent(now.used_bytes, now),
            slots: now.header.slots,
            used_slots: now.used_slots,
            oldest_held_ns: now.oldest_held_ns(),
            stalled: now.unfinished_since(before).map(|slot| Stalled::of(slot, now)).collect(),
            tracks: now
                .tracks
                .iter()
                .map(|track| Track::between(earlier(track), track, seconds, now))
                .collect(),
        }
    }
}

impl Stalled {
    fn of(slot: &SlotStats, ring: &Snapshot) -> Self {
        let producer = ring.producers.iter().find(|(id, _)| *id == slot.owner).map(|(_, stats)| stats);
        Self {
            producer: slot.owner,
            label: producer.map(|stats| stats.label.to_string()).unwrap_or_default(),
            pid: producer.map_or(0, |stats| stats.pid),
            bytes: slot.bytes,
        }
    }
}

impl Track {
    fn between(before: Option<&TrackStats>, now: &TrackStats, seconds: f64, ring: &Snapshot) -> Self {
        let info = now.info.unwrap_or_default();
        // Counters are the producers' word: one that runs backwards must not do harm here.
        let rate = |count: fn(&TrackStats) -> u64| {
            count(now).saturating_sub(before.map_or(0, count)) as f64 / seconds.max(1e-9)
        };
        let mut latest = *now;
        for (bucket, count) in latest.latency.iter_mut().enumerate() {
            *count = count.wrapping_sub(before.map_or(0, |before| before.latency[bucket]));
        }
        let slots = || ring.slots.iter().filter(|slot| slot.owner == now.owner);
        Self {
            id: now.id,
            producer: now.owner,
            live: now.live,
            wanted: now.demand.wanted,
            kind: names::kind(info.kind),
            label: info.label.to_string(),
            fps: rate(|stats| stats.sent),
            mb_per_s: rate(|stats| stats.sent_bytes) / 1e6,
            fill_percent: percent(slots().map(|slot| slot.bytes).sum(), ring),
            sent: now.sent,
            received: now.received,
            dropped: now.dropped,
            unwanted: now.unwanted,
            reported_dropped: now.reported_dropped,
            skipped: now.skipped,
            p50_us: latest.latency_below_us(0.5),
            p99_us: latest.latency_below_us(0.99),
            oldest_held_ns: slots().filter_map(|slot| slot.held_ns).max(),
        }
    }
}

fn percent(bytes: u64, ring: &Snapshot) -> f64 {
    100.0 * bytes as f64 / ring.header.data_bytes.max(1) as f64
}
