//! Every byte of the shared region: header, control words, the two tables, slots, data.
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 4096 | [`Header`]: written once by the consumer before anybody else sees the region |
//! | 4096 | 4096 | [`Control`]: `tail`, `head`, `wake`, `space`, `closed`, each on 128 bytes |
//! | 8192 | 256 x 128 | producer table, [`ProducerEntry`] |
//! | 40960 | T x 384 | track table, [`TrackEntry`] |
//! | next page | M x 256 | slots, [`Slot`] |
//! | next page | C x 64 | payloads |
//! | behind | 4096 | readable slack, so that vector code may read past the last payload |
//!
//! Fixed-width little-endian fields only; `docs/abi.md` lists them all.

use core::fmt;
use core::mem::{align_of, offset_of, size_of};

use crate::arena::Control;
use crate::descriptor::DESCRIPTOR_BYTES;
use crate::sync::{AtomicU32, AtomicU64};
use crate::word::{Geometry, UNIT};

/// `"FRAMERNG"` in memory.
pub const MAGIC: u64 = u64::from_le_bytes(*b"FRAMERNG");
/// The version of everything in this module. Another version is refused.
pub const ABI_VERSION: u32 = 1;
/// Features of a ring that an attaching side must know; an unknown bit is refused. None exist yet.
pub const REQUIRED_FEATURES: u64 = 0;
/// Bytes in a page, as far as the layout is concerned.
pub const PAGE: u64 = 4096;
/// Entries of the producer table; 0 stands for the consumer and is not used.
pub const PRODUCERS: u32 = 256;
/// The most tracks that a ring can have.
pub const MAX_TRACKS: u32 = 1 << 12;
/// Bytes that may be read behind the data area.
pub const SLACK: u64 = PAGE;

/// Offset of [`Control`].
pub const CONTROL_OFFSET: u64 = PAGE;
/// Offset of the producer table.
pub const PRODUCERS_OFFSET: u64 = 2 * PAGE;
/// Offset of the track table.
pub const TRACKS_OFFSET: u64 = PRODUCERS_OFFSET + PRODUCERS as u64 * 128;

/// The first page. The consumer writes it before it hands the region to anybody and never again.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`ABI_VERSION`].
    pub abi_version: u32,
    /// Number of slots.
    pub slots: u32,
    /// Features that an attaching side must know.
    pub required_features: u64,
    /// Features that it may know.
    pub optional_features: u64,
    /// Size of the whole region in bytes.
    pub total_bytes: u64,
    /// Size of the data area in bytes.
    pub data_bytes: u64,
    /// Offset of the slots.
    pub slots_offset: u64,
    /// Offset of the data area.
    pub data_offset: u64,
    /// Number of tracks.
    pub tracks: u32,
    /// Process id of the consumer, in its own pid namespace; for people, not for programs.
    pub consumer_pid: u32,
    /// Random; tells rings apart.
    pub ring_id: [u64; 2],
    /// `CLOCK_MONOTONIC` when the ring was made, in nanoseconds.
    pub created_mono_ns: u64,
    /// `CLOCK_REALTIME` at the same moment, in nanoseconds since 1970.
    pub created_real_ns: u64,
    /// Name for people: UTF-8, filled up with zeros.
    pub name: [u8; 64],
}

/// A slot: the word of the protocol on a line of its own, and what is said of the frame.
#[repr(C, align(256))]
#[derive(Debug)]
pub struct Slot {
    /// [`SlotWord`](crate::word::SlotWord).
    pub word: AtomicU64,
    /// `CLOCK_MONOTONIC` when the consumer took the frame, in nanoseconds; 0 when it has been given back.
    pub taken_ns: AtomicU64,
    reserved: [AtomicU64; 6],
    /// [`EncodedDescriptor`](crate::descriptor::EncodedDescriptor), written before the commit.
    pub descriptor: [AtomicU64; DESCRIPTOR_BYTES / 8],
}

/// What the producer table says of one producer.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct ProducerEntry {
    /// 0 never used, 1 connected, 2 gone. Written by the consumer.
    pub state: AtomicU32,
    /// Counts the producers that have had this entry. Written by the consumer.
    pub generation: AtomicU32,
    /// Process id as the kernel told the consumer. Written by the consumer.
    pub pid: AtomicU32,
    reserved: AtomicU32,
    /// Frames committed. This and all below are written by the producer.
    pub frames: AtomicU64,
    /// Payload bytes committed.
    pub bytes: AtomicU64,
    /// Frames dropped because the bytes of their class were in use.
    pub full_bytes: AtomicU64,
    /// Frames dropped because the slots of their class were in use.
    pub full_slots: AtomicU64,
    /// Frames dropped because this ring can never hold them.
    pub too_long: AtomicU64,
    /// Frames not copied because the consumer did not want them.
    pub unwanted: AtomicU64,
    /// Claims given up.
    pub aborted: AtomicU64,
    /// Name for people: UTF-8, filled up with zeros. Written by the consumer.
    pub label: [AtomicU64; 7],
}

/// What the track table says of one track; see [`tracks`](crate::tracks) for who writes what, and how.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct TrackEntry {
    /// In the low 8 bits: 0 free, 1 being opened, 2 live, 3 ended. In the next 8: the producer that feeds it.
    pub state: AtomicU32,
    /// Even while the info is stable, odd while it is being written.
    pub version: AtomicU32,
    /// Track id: entry + 1 in the low 16 bits, how often the entry was used before in the high ones.
    pub id: AtomicU32,
    reserved0: AtomicU32,
    /// Kind, source and source id of the track, then its label (56 bytes) and participant (40 bytes).
    pub info: [AtomicU64; 14],
    /// Frames committed. This line is written by the producer.
    pub sent: AtomicU64,
    /// Payload bytes committed.
    pub sent_bytes: AtomicU64,
    /// Frames that the producer dropped because the ring was full.
    pub dropped: AtomicU64,
    /// Frames not copied because the consumer did not want them.
    pub unwanted: AtomicU64,
    reserved: [AtomicU64; 12],
    /// Whether the consumer wants the track: 0 yes, 1 no. This line is written by the consumer.
    pub muted: AtomicU32,
    /// Greatest width and height that the consumer has a use for, `width << 16 | height`; 0 any.
    pub max_size: AtomicU32,
    /// Greatest rate that it has a use for, in frames per 1000 seconds; 0 any.
    pub max_fps_milli: AtomicU32,
    reserved2: AtomicU32,
    /// Frames delivered.
    pub received: AtomicU64,
    /// Payload bytes delivered.
    pub received_bytes: AtomicU64,
    /// Sum of the `dropped_before` of the frames delivered.
    pub reported_dropped: AtomicU64,
    /// Frames that the consumer itself skipped for a newer one of the track.
    pub skipped: AtomicU64,
    /// Latency from `mono_ns` to delivery: bucket `i` counts below 2^i microseconds, the last one all above.
    pub latency: [AtomicU32; LATENCY_BUCKETS],
}

/// Buckets of a track's latency histogram: the last but one ends at half a second.
pub const LATENCY_BUCKETS: usize = 20;

const _: () = {
    assert!(size_of::<Header>() == 168 && size_of::<Header>() <= PAGE as usize);
    assert!(offset_of!(Header, slots) == 12 && offset_of!(Header, total_bytes) == 32);
    assert!(offset_of!(Header, data_bytes) == 40 && offset_of!(Header, slots_offset) == 48);
    assert!(offset_of!(Header, data_offset) == 56 && offset_of!(Header, tracks) == 64);
    assert!(offset_of!(Header, ring_id) == 72 && offset_of!(Header, created_mono_ns) == 88);
    assert!(offset_of!(Header, name) == 104);

    assert!(size_of::<Control>() == 640 && align_of::<Control>() == 128);
    assert!(offset_of!(Control, tail) == 0 && offset_of!(Control, head) == 128);
    assert!(offset_of!(Control, wake) == 256 && offset_of!(Control, space) == 384);
    assert!(offset_of!(Control, closed) == 512);

    assert!(size_of::<ProducerEntry>() == 128);
    assert!(offset_of!(ProducerEntry, frames) == 16 && offset_of!(ProducerEntry, aborted) == 64);
    assert!(offset_of!(ProducerEntry, label) == 72);

    assert!(size_of::<TrackEntry>() == 384);
    assert!(offset_of!(TrackEntry, info) == 16 && offset_of!(TrackEntry, sent) == 128);
    assert!(offset_of!(TrackEntry, muted) == 256 && offset_of!(TrackEntry, received) == 272);
    assert!(offset_of!(TrackEntry, latency) == 304);

    assert!(size_of::<Slot>() == 256);
    assert!(offset_of!(Slot, taken_ns) == 8 && offset_of!(Slot, descriptor) == 64);
    assert!(cfg!(target_endian = "little"), "the region is little-endian");
};

/// The offsets of a region of a given geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The ring's size.
    pub geometry: Geometry,
    /// Number of tracks.
    pub tracks: u32,
    /// Offset of the slots.
    pub slots_offset: u64,
    /// Offset of the data area.
    pub data_offset: u64,
    /// Size of the whole region.
    pub total_bytes: u64,
}

const fn page_up(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE) * PAGE
}

impl Layout {
    /// The layout of a ring, or `None` if `tracks` is out of `1..=MAX_TRACKS`.
    pub const fn new(geometry: Geometry, tracks: u32) -> Option<Self> {
        if tracks == 0 || tracks > MAX_TRACKS {
            return None;
        }
        let slots_offset = page_up(TRACKS_OFFSET + tracks as u64 * size_of::<TrackEntry>() as u64);
        let data_offset = page_up(slots_offset + geometry.slots() as u64 * size_of::<Slot>() as u64);
        let total_bytes = page_up(data_offset + geometry.capacity() as u64 * UNIT) + SLACK;
        Some(Self { geometry, tracks, slots_offset, data_offset, total_bytes })
    }

    /// Size of the data area in bytes.
    pub const fn data_bytes(&self) -> u64 {
        self.geometry.capacity() as u64 * UNIT
    }

    /// Checks a private copy of a header against itself and against the size of the region that it was found in.
    pub fn check(header: &Header, region_bytes: u64) -> Result<Self, HeaderError> {
        let expect = |field, expected: u64, found: u64| {
            if expected == found {
                Ok(())
            } else {
                Err(HeaderError::Field { field, expected, found })
            }
        };
        if header.magic != MAGIC {
            return Err(HeaderError::Magic { found: header.magic });
        }
        if header.abi_version != ABI_VERSION {
            return Err(HeaderError::Version { expected: ABI_VERSION, found: header.abi_version });
        }
        let unknown = header.required_features & !REQUIRED_FEATURES;
        if unknown != 0 {
            return Err(HeaderError::Features { unknown });
        }
        let size =
            HeaderError::Size { data_bytes: header.data_bytes, slots: header.slots, tracks: header.tracks };
        if header.data_bytes % UNIT != 0 {
            return Err(size);
        }
        let units = u32::try_from(header.data_bytes / UNIT).map_err(|_| size)?;
        let geometry = Geometry::new(units, header.slots).ok_or(size)?;
        let layout = Layout::new(geometry, header.tracks).ok_or(size)?;
        expect("slots_offset", layout.slots_offset, header.slots_offset)?;
        expect("data_offset", layout.data_offset, header.data_offset)?;
        expect("total_bytes", layout.total_bytes, header.total_bytes)?;
        if region_bytes < layout.total_bytes {
            return Err(HeaderError::TooSmall { expected: layout.total_bytes, found: region_bytes });
        }
        Ok(layout)
    }
}

/// Why a region is no ring that this version can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// The region is smaller than it must be.
    TooSmall {
        /// Bytes needed.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// It does not begin like a ring.
    Magic {
        /// Its first eight bytes.
        found: u64,
    },
    /// It was made by another version of this library.
    Version {
        /// The version that this library speaks.
        expected: u32,
        /// The version of the ring.
        found: u32,
    },
    /// The ring needs features that this library does not know.
    Features {
        /// Their bits.
        unknown: u64,
    },
    /// Numbers that no ring has.
    Size {
        /// Size of the data area.
        data_bytes: u64,
        /// Number of slots.
        slots: u32,
        /// Number of tracks.
        tracks: u32,
    },
    /// A field contradicts the others.
    Field {
        /// Its name.
        field: &'static str,
        /// What follows from the others.
        expected: u64,
        /// What it says.
        found: u64,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::TooSmall { expected, found } => {
                write!(f, "the region must have {expected} bytes and has {found}")
            }
            HeaderError::Magic { found } => {
                write!(f, "not a frame ring: it must begin with {MAGIC:#018x} and begins with {found:#018x}")
            }
            HeaderError::Version { expected, found } => write!(
                f,
                "the ring speaks version {found}, this library version {expected}; update the older side"
            ),
            HeaderError::Features { unknown } => {
                write!(f, "the ring needs features {unknown:#x} that this library does not know; update it")
            }
            HeaderError::Size { data_bytes, slots, tracks } => {
                write!(f, "no ring has {data_bytes} data bytes, {slots} slots and {tracks} tracks")
            }
            HeaderError::Field { field, expected, found } => {
                write!(f, "header field {field} must be {expected} and is {found}")
            }
        }
    }
}

impl core::error::Error for HeaderError {}
