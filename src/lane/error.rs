//! What can go wrong with a lane.

use std::fmt;
use std::io;
use std::path::PathBuf;

use frame_ring_core::lane::{LaneHeaderError, RecordError};

use crate::memory::MemoryError;
use crate::BuildError;

/// Why a file cannot be received as a lane.
#[derive(Debug)]
#[non_exhaustive]
pub enum LaneError {
    /// The file cannot be opened.
    Open {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// It holds no lane that this version can use.
    Header(LaneHeaderError),
    /// It is shorter than its header says.
    Short {
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// Nobody has it open for writing: its page is gone.
    Left,
    /// It has a consumer already.
    Taken,
    /// Its mapping needs memory pages of 4096 bytes; receive it as [`LaneRead::Copied`](crate::LaneRead::Copied).
    PageSize {
        /// Bytes of a page here.
        found: u64,
    },
    /// There can be no ring of its size.
    Ring(BuildError),
    /// There is no memory for it.
    Memory(MemoryError),
    /// The kernel refused something else.
    Os(io::Error),
}

impl fmt::Display for LaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, error } if error.kind() == io::ErrorKind::PermissionDenied => write!(
                f,
                "{} belongs to another user ({error}); run as the browser's user, or as root",
                path.display()
            ),
            Self::Open { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Header(why) => why.fmt(f),
            Self::Short { expected, found } => {
                write!(f, "the lane is to have {expected} bytes and has {found}; its page shortened it")
            }
            Self::Left => write!(f, "no process has the lane open for writing: its page is gone"),
            Self::Taken => write!(f, "the lane has a consumer already; stop that one first"),
            Self::PageSize { found } => {
                write!(f, "memory pages have {found} bytes here, a mapping needs 4096; use LaneRead::Copied")
            }
            Self::Ring(why) => why.fmt(f),
            Self::Memory(why) => why.fmt(f),
            Self::Os(why) => write!(f, "the lane could not be opened: {why}"),
        }
    }
}

impl std::error::Error for LaneError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { error, .. } | Self::Os(error) => Some(error),
            Self::Header(why) => Some(why),
            Self::Ring(why) => Some(why),
            Self::Memory(why) => Some(why),
            Self::Short { .. } | Self::Left | Self::Taken | Self::PageSize { .. } => None,
        }
    }
}

/// Why nothing more comes out of a lane: its page broke the rules. Frames in hand stay valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaneFault {
    /// The file was shortened. Frames in hand that are read in place may read as zeros.
    Shortened,
    /// The byte that posts the next entry is none that can be there.
    Posted {
        /// The entry's number.
        index: u64,
        /// The byte of an entry that is posted.
        expected: u8,
        /// The byte that was found.
        found: u8,
    },
    /// An entry that is not all there, or is longer than what is left of the lane.
    Length {
        /// The entry's number.
        index: u64,
        /// Its length in units of 64 bytes.
        units: u32,
        /// What there is room for.
        room: u32,
    },
    /// What posted the entry is no record.
    Record {
        /// The entry's number.
        index: u64,
        /// Why not.
        why: RecordError,
    },
    /// It could not be read.
    Read(io::ErrorKind),
}

impl fmt::Display for LaneFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shortened => write!(f, "the page shortened the file"),
            Self::Posted { index, expected, found } => {
                write!(f, "entry {index} is posted by {found:#04x} where {expected:#04x} or an older byte is expected")
            }
            Self::Length { index, units, room } => {
                write!(f, "entry {index} has {units} units where there is room for {room}")
            }
            Self::Record { index, why } => write!(f, "entry {index}: {why}"),
            Self::Read(kind) => write!(f, "the file cannot be read: {kind}"),
        }
    }
}

impl std::error::Error for LaneFault {}
