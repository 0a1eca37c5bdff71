//! Why a connection ends.

use std::fmt;
use std::io;

use frame_ring::{ClaimError, CommitError, ConnectError, DescriptorError, TracksFull};
use frame_ring_core::lane::{RecordError, MAX_TRACKS};

use crate::websocket::WebSocketError;

/// Why a page could not connect, or its connection was ended.
#[derive(Debug)]
pub enum BridgeError {
    /// The opening handshake failed, or asked for what is not here.
    Handshake(String),
    /// There are too many pages.
    Crowded {
        /// How many are served at once.
        most: usize,
    },
    /// No thread could be started for it.
    Thread(io::Error),
    /// The ring did not take it as a producer.
    Connect(ConnectError),
    /// The page broke the WebSocket protocol, or its connection broke.
    WebSocket(WebSocketError),
    /// A message that does not begin with a record.
    Record(RecordError),
    /// A message that is longer or shorter than its record says.
    Length {
        /// Bytes that the record says.
        expected: u32,
        /// Bytes that came, at least.
        found: u64,
    },
    /// A frame whose descriptor is wrong.
    Descriptor(DescriptorError),
    /// A frame of a track that was not opened, or the news of one that cannot be.
    Track {
        /// The page's number of it.
        number: u32,
    },
    /// The ring has no room for another track.
    Tracks(TracksFull),
    /// The ring's consumer is gone.
    Ring(ClaimError),
    /// The ring has given this producer up.
    Commit(CommitError),
    /// The bridge ends.
    Stopped,
}

impl BridgeError {
    /// The code that the page is told, by the WebSocket protocol; `None` if it cannot be told anything.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Handshake(_) | Self::Thread(_) => None,
            Self::WebSocket(why) => match why {
                WebSocketError::Protocol { .. } => Some(1002),
                WebSocketError::Text => Some(1003),
                WebSocketError::TooLarge { .. } => Some(1009),
                _ => None,
            },
            Self::Record(_) | Self::Length { .. } | Self::Descriptor(_) | Self::Track { .. } => Some(1007),
            Self::Crowded { .. } | Self::Connect(_) | Self::Tracks(_) => Some(1013),
            Self::Ring(_) | Self::Commit(_) | Self::Stopped => Some(1001),
        }
    }
}

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(why) => write!(f, "the handshake failed: {why}"),
            Self::Crowded { most } => write!(f, "{most} pages are connected already"),
            Self::Thread(why) => write!(f, "no thread could be started: {why}"),
            Self::Connect(why) => write!(f, "the ring takes no further producer: {why}"),
            Self::WebSocket(why) => why.fmt(f),
            Self::Record(why) => why.fmt(f),
            Self::Length { expected, found } => {
                write!(f, "a message of {found} bytes whose record says {expected}")
            }
            Self::Descriptor(why) => write!(f, "a frame's descriptor is wrong: {why}"),
            Self::Track { number } => {
                write!(f, "track {number} was not opened; numbers are 1 to {MAX_TRACKS}")
            }
            Self::Tracks(why) => why.fmt(f),
            Self::Ring(why) => why.fmt(f),
            Self::Commit(why) => why.fmt(f),
            Self::Stopped => write!(f, "the receiver ends"),
        }
    }
}

impl std::error::Error for BridgeError {}

impl From<WebSocketError> for BridgeError {
    fn from(why: WebSocketError) -> Self {
        Self::WebSocket(why)
    }
}
