//! Why a frame could not be sent.

use std::fmt;

use frame_ring_core::claim::{Refusal, Revoked};
use frame_ring_core::descriptor::{DescriptorError, FormatError};

/// Why there is no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// No room now: [`Refusal::FullBytes`] or [`Refusal::FullSlots`]. Drop the frame, or wait.
    Full(Refusal),
    /// The ring can never hold such a frame.
    TooLong {
        /// Bytes asked for.
        len: usize,
        /// The most that a frame of this class can have.
        longest: usize,
    },
    /// The consumer is gone. Connect again to its successor.
    Closed,
    /// The ring's shared words contradict each other. Connect again.
    Corrupt,
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimError::Full(why) => why.fmt(f),
            ClaimError::TooLong { len, longest } => {
                write!(f, "a frame of {len} bytes does not fit: this ring takes {longest}; make it larger")
            }
            ClaimError::Closed => Refusal::Closed.fmt(f),
            ClaimError::Corrupt => Refusal::Corrupt.fmt(f),
        }
    }
}

impl std::error::Error for ClaimError {}

/// Why a claim could not be committed. Its bytes are given back.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum CommitError {
    /// What the descriptor says is not true of the payload, or does not fit into a slot.
    Descriptor(DescriptorError),
    /// Longer than the claim.
    TooLong {
        /// Payload bytes to commit.
        len: usize,
        /// Bytes claimed.
        claimed: usize,
    },
    /// The consumer took the claim away because it holds this producer for dead. Connect again.
    Revoked,
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommitError::Descriptor(why) => why.fmt(f),
            CommitError::TooLong { len, claimed } => {
                write!(f, "{len} bytes were to be committed where {claimed} were claimed")
            }
            CommitError::Revoked => Revoked.fmt(f),
        }
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CommitError::Descriptor(why) => Some(why),
            _ => None,
        }
    }
}

/// Why a frame could not be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// There is no claim for it.
    Claim(ClaimError),
    /// It could not be committed.
    Commit(CommitError),
    /// The planes or channels given are not those of the format.
    Format(FormatError),
    /// A plane or channel has fewer bytes than its format says.
    ShortPlane {
        /// Which one.
        plane: usize,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Claim(why) => why.fmt(f),
            SendError::Commit(why) => why.fmt(f),
            SendError::Format(why) => why.fmt(f),
            SendError::ShortPlane { plane, expected, found } => {
                write!(f, "plane {plane} must have {expected} bytes and has {found}")
            }
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SendError::Claim(why) => Some(why),
            SendError::Commit(why) => Some(why),
            SendError::Format(why) => Some(why),
            SendError::ShortPlane { .. } => None,
        }
    }
}

impl From<ClaimError> for SendError {
    fn from(why: ClaimError) -> Self {
        SendError::Claim(why)
    }
}

impl From<CommitError> for SendError {
    fn from(why: CommitError) -> Self {
        SendError::Commit(why)
    }
}
