//! The track table: what a producer says of a track, and what the consumer wants of it.
//!
//! An entry is opened by a producer, which alone writes its info and its sending counters; the consumer alone writes
//! demand and receiving counters. Info is guarded by a version (a seqlock): a reader that meets a writer tries again a
//! few times, and a writer that died in the middle costs the entry's names, never the reader.

use core::fmt;

use crate::layout::{TrackEntry, LATENCY_BUCKETS};
use crate::region::Region;
use crate::sync::{fence, AtomicU64, Ordering};
use crate::text::Text;

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackKind {
    /// Something else.
    #[default]
    Data = 0,
    /// Pictures.
    Video = 1,
    /// Sound.
    Audio = 2,
}

/// Where a track comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackSource {
    /// Not said.
    #[default]
    Unknown = 0,
    /// A participant's camera.
    Camera = 1,
    /// A shared screen or window.
    Screen = 2,
    /// A participant's microphone.
    Microphone = 3,
    /// Several sources mixed together.
    Mixed = 4,
    /// A whole browser tab.
    Tab = 5,
}

/// What a producer says of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackInfo {
    /// What it carries.
    pub kind: TrackKind,
    /// Where it comes from.
    pub source: TrackSource,
    /// Who is in it now; meetings swap people inside a track.
    pub source_id: u32,
    /// Name for people.
    pub label: Text<7>,
    /// The meeting platform's id of the participant.
    pub participant: Text<5>,
}

impl TrackInfo {
    /// A track of one kind with a label.
    pub fn new(kind: TrackKind, source: TrackSource, label: &str) -> Self {
        Self { kind, source, label: Text::new(label), ..Self::default() }
    }

    fn store(&self, words: &[AtomicU64; 14]) {
        words[0].store(self.kind as u64 | (self.source as u64) << 32, Ordering::Relaxed);
        words[1].store(u64::from(self.source_id), Ordering::Relaxed);
        self.label.store(&words[2..9]);
        self.participant.store(&words[9..]);
    }

    fn load(words: &[AtomicU64; 14]) -> Self {
        Self::from_words(&core::array::from_fn(|word| words[word].load(Ordering::Relaxed)))
    }

    /// From the words that stand for it in shared memory.
    pub(crate) fn from_words(words: &[u64; 14]) -> Self {
        let first = words[0];
        Self {
            kind: match first as u32 {
                1 => TrackKind::Video,
                2 => TrackKind::Audio,
                _ => TrackKind::Data,
            },
            source: match first >> 32 {
                1 => TrackSource::Camera,
                2 => TrackSource::Screen,
                3 => TrackSource::Microphone,
                4 => TrackSource::Mixed,
                5 => TrackSource::Tab,
                _ => TrackSource::Unknown,
            },
            source_id: words[1] as u32,
            label: Text::from_words(&words[2..9]),
            participant: Text::from_words(&words[9..]),
        }
    }
}

/// What the consumer wants of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Whether it wants it at all; what is not wanted is not copied.
    pub wanted: bool,
    /// Greatest width and height it has a use for, in pixels; 0 for any.
    pub max_size: (u16, u16),
    /// Greatest rate it has a use for, in frames per 1000 seconds; 0 for any.
    pub max_fps_milli: u32,
}

impl Demand {
    /// Everything, as it comes.
    pub const ALL: Self = Self { wanted: true, max_size: (0, 0), max_fps_milli: 0 };
    /// Nothing.
    pub const NONE: Self = Self { wanted: false, ..Self::ALL };
}

impl Default for Demand {
    fn default() -> Self {
        Self::ALL
    }
}

/// A private copy of one entry of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackStats {
    /// Its id, as in the descriptors of its frames.
    pub id: u32,
    /// The producer that feeds it.
    pub owner: u8,
    /// Whether it is still fed.
    pub live: bool,
    /// What its producer says of it; `None` if a producer died while it was writing that.
    pub info: Option<TrackInfo>,
    /// What the consumer wants of it.
    pub demand: Demand,
    /// Frames committed.
    pub sent: u64,
    /// Payload bytes committed.
    pub sent_bytes: u64,
    /// Frames that its producer dropped.
    pub dropped: u64,
    /// Frames not copied because nobody wanted them.
    pub unwanted: u64,
    /// Frames delivered.
    pub received: u64,
    /// Payload bytes delivered.
    pub received_bytes: u64,
    /// Drops that the descriptors of delivered frames have told of.
    pub reported_dropped: u64,
    /// Frames that the consumer skipped for newer ones.
    pub skipped: u64,
    /// Latency from `mono_ns` to delivery: bucket `i` counts below 2^i microseconds, the last one all above.
    pub latency: [u32; LATENCY_BUCKETS],
}

impl TrackStats {
    /// The latency in microseconds that `share` (0.0..=1.0) of the frames stayed below, as the upper end of a bucket.
    pub fn latency_below_us(&self, share: f64) -> Option<u64> {
        let total: u64 = self.latency.iter().map(|n| u64::from(*n)).sum();
        let mut seen = 0;
        for (bucket, count) in self.latency.iter().enumerate() {
            seen += u64::from(*count);
            if total > 0 && seen as f64 >= share * total as f64 {
                return Some(1 << bucket);
            }
        }
        None
    }
}

/// All entries of the track table are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TracksFull {
    /// How many there are.
    pub tracks: u32,
}

impl fmt::Display for TracksFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} tracks of the ring are in use; end one or make the ring with more", self.tracks)
    }
}

impl core::error::Error for TracksFull {}

/// What an entry's state word says in its low 8 bits. The next 8 are the id of its producer: the one exchange that takes an
/// entry also says whose it is, so that it can be ended for a producer that dies right behind it, and for nobody else.
const FREE: u32 = 0;
const OPENING: u32 = 1;
const LIVE: u32 = 2;
const ENDED: u32 = 3;

const fn state(word: u32) -> u32 {
    word & 0xff
}

const fn owner(word: u32) -> u8 {
    (word >> 8) as u8
}

const fn word(state: u32, owner: u8) -> u32 {
    state | (owner as u32) << 8
}

/// Opens a track for producer `owner` and returns its id.
pub fn open(region: &Region, owner: u8, info: &TrackInfo) -> Result<u32, TracksFull> {
    let tracks = region.layout().tracks;
    // Entries that were never used go first, so that what is known of ended tracks lives on as long as it can.
    for reusable in [FREE, ENDED] {
        for (i, entry) in (0..tracks).filter_map(|i| Some((i, region.track(i)?))) {
            let seen = entry.state.load(Ordering::Relaxed);
            let opening = word(OPENING, owner);
            // Acquire pairs with the Release of `end`.
            if state(seen) == reusable
                && entry.state.compare_exchange(seen, opening, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                let uses = entry.id.load(Ordering::Relaxed) >> 16;
                let id = if reusable == FREE { i + 1 } else { (uses.wrapping_add(1) << 16) | (i + 1) };
                entry.reset(id);
                entry.write_info(info);
                // Not a store: the consumer may have taken this producer for dead, and have ended the entry.
                let live = word(LIVE, owner);
                let _ = entry.state.compare_exchange(opening, live, Ordering::Release, Ordering::Relaxed);
                return Ok(id);
            }
        }
    }
    Err(TracksFull { tracks })
}

/// The entry of a track id, if the id is that of the entry's present track.
#[inline]
pub fn find(region: &Region, id: u32) -> Option<&TrackEntry> {
    let entry = region.track((id & 0xffff).wrapping_sub(1))?;
    (entry.id.load(Ordering::Relaxed) == id).then_some(entry)
}

/// Ends all tracks of a producer that is gone; the consumer calls it.
pub fn end_all_of(region: &Region, owner: u8) {
    for entry in (0..region.layout().tracks).filter_map(|i| region.track(i)) {
        entry.end_if(|word| self::owner(word) == owner);
    }
}

impl TrackEntry {
    fn reset(&self, id: u32) {
        self.id.store(id, Ordering::Relaxed);
        for counter in [&self.sent, &self.sent_bytes, &self.dropped, &self.unwanted, &self.received] {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in [&self.received_bytes, &self.reported_dropped, &self.skipped] {
            counter.store(0, Ordering::Relaxed);
        }
        for bucket in &self.latency {
            bucket.store(0, Ordering::Relaxed);
        }
        self.set_demand(&Demand::ALL);
    }

    /// Replaces what is said of the track; its producer calls it.
    pub fn write_info(&self, info: &TrackInfo) {
        // Odd while writing. `| 1` and `+ 1` also mend the version of a writer that died in the middle.
        let odd = self.version.load(Ordering::Relaxed) | 1;
        self.version.store(odd, Ordering::Relaxed);
        // Pairs with the fence in `read_info`: who sees a word of the new info sees the odd version.
        fence(Ordering::Release);
        info.store(&self.info);
        self.version.store(odd.wrapping_add(1), Ordering::Release);
    }

    fn read_info(&self) -> Option<TrackInfo> {
        for _ in 0..8 {
            let before = self.version.load(Ordering::Acquire);
            let info = TrackInfo::load(&self.info);
            // Pairs with the fence in `write_info`.
            fence(Ordering::Acquire);
            if before % 2 == 0 && self.version.load(Ordering::Relaxed) == before {
                return Some(info);
            }
        }
        None
    }

    /// Ends the track: its entry may be opened again.
    pub fn end(&self) {
        self.end_if(|_| true);
    }

    /// Also an entry whose producer died while it opened it.
    fn end_if(&self, is_meant: impl Fn(u32) -> bool) {
        let seen = self.state.load(Ordering::Relaxed);
        if matches!(state(seen), OPENING | LIVE) && is_meant(seen) {
            let ended = word(ENDED, owner(seen));
            let _ = self.state.compare_exchange(seen, ended, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Whether the track is still fed.
    #[inline]
    pub fn is_live(&self) -> bool {
        state(self.state.load(Ordering::Relaxed)) == LIVE
    }

    /// What the consumer wants of the track.
    #[inline]
    pub fn demand(&self) -> Demand {
        let size = self.max_size.load(Ordering::Relaxed);
        Demand {
            wanted: self.muted.load(Ordering::Relaxed) == 0,
            max_size: ((size >> 16) as u16, size as u16),
            max_fps_milli: self.max_fps_milli.load(Ordering::Relaxed),
        }
    }

    /// Says what the consumer wants of the track.
    pub fn set_demand(&self, demand: &Demand) {
        let (width, height) = demand.max_size;
        self.max_size.store(u32::from(width) << 16 | u32::from(height), Ordering::Relaxed);
        self.max_fps_milli.store(demand.max_fps_milli, Ordering::Relaxed);
        self.muted.store(u32::from(!demand.wanted), Ordering::Relaxed);
    }

    /// Counts a frame that was delivered; the consumer calls it.
    #[inline]
    pub fn count_received(&self, bytes: u64, dropped_before: u32, latency_ns: Option<u64>) {
        // The consumer's threads deliver one at a time: a load and a store do.
        let add = |counter: &AtomicU64, n: u64| {
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        };
        add(&self.received, 1);
        add(&self.received_bytes, bytes);
        if dropped_before != 0 {
            add(&self.reported_dropped, u64::from(dropped_before));
        }
        if let Some(ns) = latency_ns {
            let us = ns / 1000;
            let bucket = (u64::BITS - us.leading_zeros()).min(LATENCY_BUCKETS as u32 - 1) as usize;
            let count = &self.latency[bucket];
            count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// A copy of the entry, or `None` if it holds no track. What it says is the producer's word.
    pub fn read(&self) -> Option<TrackStats> {
        let seen = self.state.load(Ordering::Acquire);
        if !matches!(state(seen), LIVE | ENDED) {
            return None;
        }
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Some(TrackStats {
            id: self.id.load(Ordering::Relaxed),
            owner: owner(seen),
            live: state(seen) == LIVE,
            info: self.read_info(),
            demand: self.demand(),
            sent: get(&self.sent),
            sent_bytes: get(&self.sent_bytes),
            dropped: get(&self.dropped),
            unwanted: get(&self.unwanted),
            received: get(&self.received),
            received_bytes: get(&self.received_bytes),
            reported_dropped: get(&self.reported_dropped),
            skipped: get(&self.skipped),
            latency: core::array::from_fn(|i| self.latency[i].load(Ordering::Relaxed)),
        })
    }
}
