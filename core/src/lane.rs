//! The bytes of a lane: a ring's bytes in a file whose producer can only read and write at positions.
//!
//! Owns the layout of the file and of what is posted in it, as private copies: parsing, no access. Does not own the file,
//! nor what becomes of an entry. `docs/abi.md` has the text.

use core::fmt;

use crate::descriptor::WORDS;
use crate::text::Text;
use crate::tracks::{Demand, TrackInfo};
use crate::word::UNIT;

/// The first eight bytes of a lane.
pub const MAGIC: u64 = u64::from_le_bytes(*b"FRAMLANE");
/// The only version.
pub const VERSION: u32 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 4096;
/// Where the producer's epoch is.
pub const PRODUCER_EPOCH: u64 = 4096;
/// Where the posted bytes begin.
pub const POSTED: u64 = 5120;
/// Where the consumer's epoch is.
pub const CONSUMER_EPOCH: u64 = 8192;
/// Where the released bytes begin.
pub const RELEASED: u64 = 9216;
/// Where the demand for the tracks begins.
pub const DEMAND: u64 = 10240;
/// Where the entries begin.
pub const DATA: u64 = 12288;

/// Most entries that can be in use at once.
pub const MAX_ENTRIES: u32 = 1024;
/// Most tracks.
pub const MAX_TRACKS: u32 = 128;
/// Bytes of one track's demand.
pub const DEMAND_BYTES: usize = 16;
/// Bytes in front of each payload.
pub const RECORD_BYTES: usize = 256;
/// The same in units.
pub const RECORD_UNITS: u32 = (RECORD_BYTES as u64 / UNIT) as u32;
/// Bytes of a note that count.
pub const NOTE_BYTES: usize = 1024;
/// Bytes of what is said of a track.
pub const TRACK_BYTES: usize = 120;
/// Bytes of a track's counters.
pub const COUNTER_BYTES: usize = 40;
/// The bit of a posted byte that says that the entry is a pad.
pub const PAD: u8 = 128;

/// What the posted and the released byte of entry `index` hold when it is posted, or released.
#[inline]
pub const fn lap_byte(index: u64, entries: u32) -> u8 {
    (index / entries as u64 % 127) as u8 + 1
}

/// The epoch of the consumer that comes after one of `epoch`.
pub const fn next_epoch(epoch: u8) -> u8 {
    epoch % 255 + 1
}

/// What a page says of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneHeader {
    /// Entries that can be in use at once: a power of two, 2 to [`MAX_ENTRIES`].
    pub entries: u32,
    /// Bytes of the entries: a multiple of 4096.
    pub data_bytes: u64,
    /// Number of tracks, 1 to [`MAX_TRACKS`].
    pub tracks: u32,
    /// Random.
    pub id: [u8; 16],
    /// `CLOCK_REALTIME` at the zero of the page's clock, in nanoseconds, as the page believes.
    pub time_origin_ns: u64,
    /// The lane's name.
    pub name: Text<8>,
    /// The page's URL.
    pub url: Text<32>,
}

/// Why bytes are no header of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneHeaderError {
    /// They don't begin with [`MAGIC`].
    NoLane,
    /// Another version, or required features that are not known here.
    Version {
        /// The version.
        version: u32,
        /// The required features.
        features: u64,
    },
    /// No lane can have this size.
    Size {
        /// Entries.
        entries: u32,
        /// Bytes of the entries.
        data_bytes: u64,
        /// Tracks.
        tracks: u32,
    },
}

impl fmt::Display for LaneHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLane => write!(f, "the file does not begin with FRAMLANE; it is no lane"),
            Self::Version { version, features } => write!(
                f,
                "the lane has version {version} and needs the features {features:#x}, this library knows version \
                 {VERSION} and none; use the capture script that belongs to it"
            ),
            Self::Size { entries, data_bytes, tracks } => write!(
                f,
                "a lane has a power of two of 2 to 1024 entries, 64 KiB to 8 GiB of data in whole pages and 1 to 128 \
                 tracks, not {entries} entries, {data_bytes} B and {tracks} tracks"
            ),
        }
    }
}

impl core::error::Error for LaneHeaderError {}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

impl LaneHeader {
    /// Reads a header.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, LaneHeaderError> {
        if u64_at(bytes, 0) != MAGIC {
            return Err(LaneHeaderError::NoLane);
        }
        let (version, features) = (u32_at(bytes, 8), u64_at(bytes, 16));
        if version != VERSION || features != 0 {
            return Err(LaneHeaderError::Version { version, features });
        }
        let (entries, data_bytes, tracks) = (u32_at(bytes, 12), u64_at(bytes, 24), u32_at(bytes, 32));
        if !entries.is_power_of_two()
            || !(2..=MAX_ENTRIES).contains(&entries)
            || !(1..=MAX_TRACKS).contains(&tracks)
            || !(1 << 16..=1 << 33).contains(&data_bytes)
            || data_bytes % 4096 != 0
        {
            return Err(LaneHeaderError::Size { entries, data_bytes, tracks });
        }
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[40..56]);
        let (name, url) = (Text::from_bytes(&bytes[64..128]), Text::from_bytes(&bytes[128..384]));
        Ok(Self { entries, data_bytes, tracks, id, time_origin_ns: u64_at(bytes, 56), name, url })
    }

    /// Bytes of the whole file.
    pub const fn file_bytes(&self) -> u64 {
        DATA + self.data_bytes
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A frame.
    Frame,
    /// What is said of a track: [`TrackNews`].
    Track,
    /// A track's [`Counters`].
    Counters,
    /// Nothing but the time.
    Time,
    /// Something for the consumer's operator.
    Note,
}

/// The record at the beginning of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Bytes of record and payload.
    pub bytes: u32,
    /// What it is.
    pub what: What,
    /// When it was posted, in nanoseconds of the page's clock.
    pub sent_ns: u64,
    /// Of a frame: its descriptor, with times of the page's clock and the page's number of its track.
    pub descriptor: [u64; WORDS],
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// An entry of this kind is unknown.
    What(u16),
    /// It is shorter than its record, or than what it is needs.
    Short {
        /// Bytes that it needs at least.
        expected: usize,
        /// Bytes that it says that it has.
        found: u32,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::What(what) => write!(f, "an entry of kind {what}; 0 to 4 are known"),
            Self::Short { expected, found } => {
                write!(f, "an entry of {found} bytes where at least {expected} are needed")
            }
        }
    }
}

impl core::error::Error for RecordError {}

impl Record {
    /// Reads a record.
    pub fn parse(bytes: &[u8; RECORD_BYTES]) -> Result<Self, RecordError> {
        let (what, needed) = match u16_at(bytes, 4) {
            0 => (What::Frame, 0),
            1 => (What::Track, TRACK_BYTES),
            2 => (What::Counters, COUNTER_BYTES),
            3 => (What::Time, 0),
            4 => (What::Note, 0),
            other => return Err(RecordError::What(other)),
        };
        let (len, expected) = (u32_at(bytes, 0), RECORD_BYTES + needed);
        if (len as usize) < expected {
            return Err(RecordError::Short { expected, found: len });
        }
        let descriptor = core::array::from_fn(|word| u64_at(bytes, 64 + 8 * word));
        Ok(Self { bytes: len, what, sent_ns: u64_at(bytes, 8), descriptor })
    }

    /// Bytes behind the record.
    pub const fn payload_len(&self) -> u32 {
        self.bytes - RECORD_BYTES as u32
    }

    /// What the entry takes, in units.
    pub const fn units(&self) -> u32 {
        self.bytes.div_ceil(UNIT as u32)
    }
}

/// What a page says of one of its tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackNews {
    /// The page's number of it; 1 to the lane's number of tracks, if the page is right.
    pub number: u32,
    /// It has ended.
    pub ended: bool,
    /// What it is.
    pub info: TrackInfo,
}

impl TrackNews {
    /// Reads the payload of [`What::Track`].
    pub fn parse(bytes: &[u8; TRACK_BYTES]) -> Self {
        let words = core::array::from_fn(|word| u64_at(bytes, 8 + 8 * word));
        let info = TrackInfo::from_words(&words);
        Self { number: u32_at(bytes, 0), ended: u32_at(bytes, 4) == 2, info }
    }
}

/// What a page has counted of one of its tracks, in the present epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// The page's number of it.
    pub number: u32,
    /// Frames posted.
    pub frames: u64,
    /// Payload bytes posted.
    pub bytes: u64,
    /// Frames dropped.
    pub dropped: u64,
    /// Frames not copied because nobody wanted them.
    pub unwanted: u64,
}

impl Counters {
    /// Reads the payload of [`What::Counters`].
    pub fn parse(bytes: &[u8; COUNTER_BYTES]) -> Self {
        Self {
            number: u32_at(bytes, 0),
            frames: u64_at(bytes, 8),
            bytes: u64_at(bytes, 16),
            dropped: u64_at(bytes, 24),
            unwanted: u64_at(bytes, 32),
        }
    }
}

/// A track's demand as it lies in the lane.
pub fn demand_bytes(demand: &Demand) -> [u8; DEMAND_BYTES] {
    let mut bytes = [0; DEMAND_BYTES];
    bytes[0] = u8::from(!demand.wanted);
    bytes[2..4].copy_from_slice(&demand.max_size.0.to_le_bytes());
    bytes[4..6].copy_from_slice(&demand.max_size.1.to_le_bytes());
    bytes[8..12].copy_from_slice(&demand.max_fps_milli.to_le_bytes());
    bytes
}

/// The page's clock as the consumer's, `CLOCK_MONOTONIC`.
///
/// Both count the same seconds, so they differ by a constant. Every entry says when it was posted: the constant is never more
/// than the time of its arrival less that, and the smallest such difference is off by the shortest way there has been.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageClock {
    offset: Option<i64>,
}

impl PageClock {
    /// An entry that was posted at `sent_ns` of the page's clock has arrived at `now_ns`.
    pub fn observe(&mut self, sent_ns: u64, now_ns: u64) {
        let offset = (now_ns as i64).wrapping_sub(sent_ns as i64);
        self.offset = Some(self.offset.map_or(offset, |least| least.min(offset)));
    }

    /// A time of the page's clock as `CLOCK_MONOTONIC`, once something was observed; 0 stays 0, which is no time.
    pub fn to_mono(&self, page_ns: u64) -> u64 {
        match self.offset {
            Some(offset) if page_ns != 0 => (page_ns as i64).wrapping_add(offset).max(1) as u64,
            _ => page_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(b"FRAMLANE");
        bytes[8] = 1;
        bytes[12..16].copy_from_slice(&1024u32.to_le_bytes());
        bytes[24..32].copy_from_slice(&(1u64 << 20).to_le_bytes());
        bytes[32] = 64;
        bytes[40] = 7;
        bytes[56] = 9;
        bytes[64..67].copy_from_slice(b"Ada");
        bytes[128..133].copy_from_slice(b"http:");
        bytes
    }

    #[test]
    fn headers_are_read_and_checked() {
        let read = LaneHeader::parse(&header()).unwrap();
        assert_eq!((read.entries, read.data_bytes, read.tracks), (1024, 1 << 20, 64));
        assert_eq!((read.id[0], read.time_origin_ns, read.file_bytes()), (7, 9, (1 << 20) + 12288));
        let wrong = |at: usize, byte: u8| {
            let mut bytes = header();
            bytes[at] = byte;
            LaneHeader::parse(&bytes).unwrap_err()
        };
        assert_eq!(wrong(0, 0), LaneHeaderError::NoLane);
        assert_eq!(wrong(8, 2), LaneHeaderError::Version { version: 2, features: 0 });
        assert_eq!(wrong(16, 1), LaneHeaderError::Version { version: 1, features: 1 });
        for (at, byte) in [(12, 1), (13, 8), (14, 1), (24, 1), (26, 0), (28, 9), (32, 0), (32, 129)] {
            assert!(matches!(wrong(at, byte), LaneHeaderError::Size { .. }), "byte {at} = {byte}");
        }
    }

    #[test]
    fn laps_and_epochs_never_are_zero() {
        for n in 0..300 {
            assert_eq!(lap_byte(n * 4, 4), lap_byte(n * 4 + 3, 4));
            assert!((1..=127).contains(&lap_byte(n * 4, 4)));
            assert_ne!(lap_byte(n * 4, 4), lap_byte(n * 4 + 4, 4));
        }
        assert_eq!((next_epoch(0), next_epoch(254), next_epoch(255)), (1, 255, 1));
    }

    #[test]
    fn records_must_be_as_long_as_what_they_are() {
        let record = |what: u16, len: u32| {
            let mut bytes = [0; RECORD_BYTES];
            bytes[..4].copy_from_slice(&len.to_le_bytes());
            bytes[4..6].copy_from_slice(&what.to_le_bytes());
            bytes[8] = 5;
            bytes[72] = 6;
            Record::parse(&bytes)
        };
        let frame = record(0, 257).unwrap();
        assert_eq!((frame.payload_len(), frame.units(), frame.sent_ns, frame.descriptor[1]), (1, 5, 5, 6));
        for (what, least) in [(0, 256), (1, 376), (2, 296), (3, 256), (4, 256)] {
            assert!(record(what, least).is_ok());
            let short = RecordError::Short { expected: least as usize, found: least - 1 };
            assert_eq!(record(what, least - 1), Err(short));
        }
        assert_eq!(record(5, 256), Err(RecordError::What(5)));
    }

    #[test]
    fn the_clock_keeps_the_shortest_way() {
        let mut clock = PageClock::default();
        assert_eq!(clock.to_mono(5), 5);
        clock.observe(1000, 51_000);
        assert_eq!(clock.to_mono(1000), 51_000);
        clock.observe(2000, 51_500);
        clock.observe(3000, 99_000);
        assert_eq!((clock.to_mono(2000), clock.to_mono(0)), (51_500, 0));
        // A page that lies about its clock gets nonsense, and nothing else.
        clock.observe(u64::MAX, 0);
        clock.observe(i64::MAX as u64, u64::MAX);
        let _ = clock.to_mono(u64::MAX);
    }
}
