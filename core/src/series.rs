//! The frames of one track as its producer counts them: numbers, drops, changes of the format, the consumer's demand.
//!
//! Owns what goes into each descriptor of a track and the producer's counters in the track table. Does not own claims,
//! copies or the clock: the caller sends, and says what became of it and when.

use crate::descriptor::{Body, Descriptor, Flags};
use crate::layout::TrackEntry;
use crate::region::Region;
use crate::sync::Ordering;
use crate::tracks::{self, Demand};

/// The state of one track. One thread at a time feeds it.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    id: u32,
    sequence: u64,
    dropped: u32,
    discont: bool,
    /// When the last frame was sent that counts against the greatest rate.
    last_ns: u64,
    /// The format of the last picture or block of sound that was sent.
    format: Option<Body>,
}

impl Series {
    /// The series of a track that was just opened as `id`, see [`tracks::open`].
    pub const fn new(id: u32) -> Self {
        Self { id, sequence: 0, dropped: 0, discont: true, last_ns: 0, format: None }
    }

    /// The track's id.
    #[inline]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What the consumer wants of the track; nothing if it has ended.
    #[inline]
    pub fn demand(&self, region: &Region) -> Demand {
        self.entry(region).map_or(Demand::NONE, TrackEntry::demand)
    }

    /// Whether the consumer wants a frame at `now_ns`: the track at all, and at this rate.
    pub fn wants_at(&self, region: &Region, now_ns: u64) -> bool {
        let demand = self.demand(region);
        if !demand.wanted {
            return false;
        }
        if demand.max_fps_milli == 0 || self.last_ns == 0 {
            return true;
        }
        // A quarter of the interval early is on time: cameras jitter, and a frame missed halves the rate.
        let interval = 1_000_000_000_000 / u64::from(demand.max_fps_milli);
        now_ns.saturating_sub(self.last_ns) >= interval - interval / 4
    }

    /// What is to be said of the next frame: `template` with the body, the track, its numbers and, if `mono_ns` is zero,
    /// the time filled in.
    pub fn describe(&self, template: &Descriptor, body: Body, now_ns: u64) -> Descriptor {
        let mut descriptor = *template;
        descriptor.body = body;
        descriptor.track = self.id;
        descriptor.sequence = self.sequence;
        descriptor.dropped_before = self.dropped;
        if descriptor.mono_ns == 0 {
            descriptor.mono_ns = now_ns;
            descriptor.flags |= Flags::ESTIMATED_TS;
        }
        if self.dropped > 0 || self.discont {
            descriptor.flags |= Flags::DISCONT;
        }
        if self.format.is_some_and(|last| is_another_format(&last, &body)) {
            descriptor.flags |= Flags::FORMAT_CHANGED;
        }
        descriptor
    }

    /// Counts a frame of `bytes` that was committed.
    pub fn count_sent(&mut self, region: &Region, body: &Body, bytes: u64, now_ns: u64) {
        self.sequence += 1;
        self.dropped = 0;
        self.discont = false;
        self.last_ns = now_ns;
        if matches!(body, Body::Video(_) | Body::Audio(_)) {
            self.format = Some(*body);
        }
        if let Some(entry) = self.entry(region) {
            entry.sent.fetch_add(1, Ordering::Relaxed);
            entry.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Counts a frame that could not be sent; the next one that goes through tells of it.
    pub fn count_dropped(&mut self, region: &Region) {
        self.sequence += 1;
        self.dropped = self.dropped.saturating_add(1);
        if let Some(entry) = self.entry(region) {
            entry.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a frame that was not captured because nobody wants it.
    pub fn count_unwanted(&mut self, region: &Region) {
        // What is wanted again does not follow on what was sent last.
        self.discont |= !self.demand(region).wanted;
        if let Some(entry) = self.entry(region) {
            entry.unwanted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn entry<'a>(&self, region: &'a Region) -> Option<&'a TrackEntry> {
        tracks::find(region, self.id)
    }
}

/// Whether a decoder or a file that was set up for `last` cannot go on with `next`.
fn is_another_format(last: &Body, next: &Body) -> bool {
    match (last, next) {
        (Body::Video(last), Body::Video(next)) => last != next,
        // Blocks may differ in length and always differ in position.
        (Body::Audio(last), Body::Audio(next)) => {
            (last.sample, last.planar, last.channels, last.rate, last.channel_mask)
                != (next.sample, next.planar, next.channels, next.rate, next.channel_mask)
        }
        _ => false,
    }
}
