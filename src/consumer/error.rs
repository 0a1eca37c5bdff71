//! Why a consumer gets no frame.

use std::fmt;

use frame_ring_core::descriptor::DescriptorError;
use frame_ring_core::ledger::Poison;

use crate::lane::LaneFault;

/// Why there is no frame.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RecvError {
    /// Everything was received, and nobody is connected, invited or able to connect.
    Disconnected,
    /// A producer said something of a frame that cannot be true. The frame was given back; go on receiving.
    BadFrame {
        /// The producer.
        producer: u8,
        /// What was wrong.
        why: DescriptorError,
    },
    /// Some process that has the ring wrote garbage over its chain of frames. Nothing more will be received: close
    /// the ring. Frames in hand stay valid.
    Poisoned(Poison),
    /// The page of a lane broke the rules. Nothing more will be received: close the lane. Frames in hand stay valid.
    Lane(LaneFault),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Disconnected => write!(f, "all producers are gone and none can connect"),
            RecvError::BadFrame { producer, why } => {
                write!(f, "producer {producer} sent a frame that was dropped: {why}")
            }
            RecvError::Poisoned(why) => write!(f, "the ring is poisoned: {why}; close it"),
            RecvError::Lane(why) => write!(f, "the lane is broken: {why}; close it"),
        }
    }
}

impl std::error::Error for RecvError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RecvError::Disconnected => None,
            RecvError::BadFrame { why, .. } => Some(why),
            RecvError::Poisoned(why) => Some(why),
            RecvError::Lane(why) => Some(why),
        }
    }
}
