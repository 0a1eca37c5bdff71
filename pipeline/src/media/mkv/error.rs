//! What can go wrong while recording.

use std::fmt;
use std::io;

use super::super::jpeg::JpegError;
use super::MAX_TRACKS;

/// Why something cannot be recorded.
#[derive(Debug)]
pub enum MkvError {
    /// A file has at least one track and at most 126.
    Tracks {
        /// Tracks asked for.
        count: usize,
    },
    /// A track without size, channels or rate.
    Spec {
        /// Index of the track.
        track: usize,
    },
    /// No such track, or one of another kind.
    Track {
        /// Index of the track.
        track: usize,
        /// The kind it should have.
        wanted: &'static str,
    },
    /// A picture of another size than its track.
    PictureSize {
        /// Index of the track.
        track: usize,
        /// Width and height of the track.
        expected: (u32, u32),
        /// Width and height of the picture.
        found: (u32, u32),
    },
    /// A block that does not hold whole sets of channels.
    Uneven {
        /// Index of the track.
        track: usize,
        /// Samples in the block.
        samples: usize,
        /// Channels of the track.
        channels: u16,
    },
    /// A block earlier than the one before it on its track.
    Backwards {
        /// Index of the track.
        track: usize,
        /// The time of the block before.
        last_ns: u64,
        /// The time of this block.
        pts_ns: u64,
    },
    /// The picture could not be encoded.
    Jpeg(JpegError),
    /// Writing failed.
    Io(io::Error),
}

impl fmt::Display for MkvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracks { count } => write!(f, "{count} tracks in a Matroska file; 1 to {MAX_TRACKS} work"),
            Self::Spec { track } => write!(f, "track {track} has no usable size, channel count or rate"),
            Self::Track { track, wanted } => write!(f, "no track {track} of kind {wanted} in this file"),
            Self::PictureSize { track, expected: (width, height), found } => write!(
                f,
                "a picture of {}x{} on track {track} of {width}x{height}; start another file when the size changes",
                found.0, found.1
            ),
            Self::Uneven { track, samples, channels } => {
                write!(f, "a block of {samples} samples on track {track} does not divide into {channels} channels")
            }
            Self::Backwards { track, last_ns, pts_ns } => {
                write!(f, "time on track {track} goes back from {last_ns} ns to {pts_ns} ns")
            }
            Self::Jpeg(error) => error.fmt(f),
            Self::Io(error) => write!(f, "cannot write the Matroska file: {error}"),
        }
    }
}

impl std::error::Error for MkvError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Jpeg(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
