//! The codes that all functions answer with.

use crate::claim::{Refusal, Revoked};
use crate::descriptor::DescriptorError;
use crate::layout::HeaderError;
use crate::tracks::TracksFull;

/// What became of a call. Values never change their meaning; new ones may come.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum frame_ring_status {
    /// Done.
    FRAME_RING_OK = 0,
    /// Nothing was done because the consumer does not want it. Not an error.
    FRAME_RING_UNWANTED = 1,
    /// Nothing came before the time was up. Not an error.
    FRAME_RING_TIMEOUT = 2,
    /// Everything was received, and nobody is connected, invited or able to connect. Not an error.
    FRAME_RING_DISCONNECTED = 3,

    /// The bytes that this class of frame may use are in use: drop the frame, it is counted.
    FRAME_RING_FULL_BYTES = -1,
    /// The slots that this class of frame may use are in use: drop the frame, it is counted.
    FRAME_RING_FULL_SLOTS = -2,
    /// Longer than a frame of this class can ever be in this ring.
    FRAME_RING_TOO_LONG = -3,
    /// The consumer has left. Attach to its successor.
    FRAME_RING_CLOSED = -4,
    /// The shared words contradict each other: some process wrote garbage. Attach again.
    FRAME_RING_CORRUPT = -5,
    /// The consumer holds this producer for dead and took the claim away. Attach again.
    FRAME_RING_REVOKED = -6,
    /// All tracks of the ring are in use.
    FRAME_RING_TRACKS_FULL = -7,

    /// A pointer is null or misaligned, or a number is none of those allowed.
    FRAME_RING_BAD_ARGUMENT = -20,
    /// A struct says a `size` that this version does not know, or was never initialised.
    FRAME_RING_BAD_SIZE = -21,
    /// The handle was never attached, or was detached.
    FRAME_RING_NOT_ATTACHED = -22,
    /// The grant was committed or aborted before.
    FRAME_RING_STALE_GRANT = -23,
    /// The track was closed before.
    FRAME_RING_STALE_TRACK = -24,
    /// More bytes were to be committed than were claimed.
    FRAME_RING_BEYOND_GRANT = -25,
    /// The frame was released before.
    FRAME_RING_STALE_FRAME = -26,
    /// A string is not UTF-8, or too long.
    FRAME_RING_BAD_STRING = -27,
    /// Another thread is in a call that only one thread may be in.
    FRAME_RING_BUSY = -28,

    /// What the descriptor says is not true of the payload, or cannot be said.
    FRAME_RING_BAD_DESCRIPTOR = -40,
    /// A video or audio format is wrong, or does not fit the payload.
    FRAME_RING_BAD_FORMAT = -41,
    /// An extension is wrong, or there is no room for it.
    FRAME_RING_BAD_EXTENSION = -42,

    /// The region is no ring: it does not begin like one.
    FRAME_RING_NOT_A_RING = -60,
    /// The ring was made by another version.
    FRAME_RING_VERSION = -61,
    /// The ring needs features that this version does not know.
    FRAME_RING_FEATURES = -62,
    /// The region is smaller than it says.
    FRAME_RING_TOO_SMALL = -63,
    /// The header contradicts itself.
    FRAME_RING_BAD_HEADER = -64,
    /// The descriptor that was handed over is not a memfd with the seals of a ring.
    FRAME_RING_NOT_SEALED = -65,

    /// The kernel refused something; `frame_ring_last_error` says what.
    FRAME_RING_OS = -80,
    /// Nobody listens at the path, or no way to a ring was given.
    FRAME_RING_UNREACHABLE = -81,
    /// The consumer said no: another version, another user, too many producers.
    FRAME_RING_REFUSED = -82,
    /// The consumer hung up, did not answer in time, or answered what no frame ring answers.
    FRAME_RING_NO_ANSWER = -83,

    /// A producer said something of a frame that cannot be true. The frame was dropped; go on receiving.
    FRAME_RING_BAD_FRAME = -100,
    /// Some process wrote garbage over the chain of frames. Nothing more will be received: free the consumer.
    FRAME_RING_POISONED = -101,
}

pub use frame_ring_status::*;

/// The code of a result.
pub fn status(result: Result<(), frame_ring_status>) -> frame_ring_status {
    match result {
        Ok(()) => FRAME_RING_OK,
        Err(why) => why,
    }
}

impl From<Refusal> for frame_ring_status {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::FullBytes => FRAME_RING_FULL_BYTES,
            Refusal::FullSlots => FRAME_RING_FULL_SLOTS,
            Refusal::TooLong { .. } => FRAME_RING_TOO_LONG,
            Refusal::Closed => FRAME_RING_CLOSED,
            Refusal::Corrupt => FRAME_RING_CORRUPT,
        }
    }
}

impl From<Revoked> for frame_ring_status {
    fn from(_: Revoked) -> Self {
        FRAME_RING_REVOKED
    }
}

impl From<TracksFull> for frame_ring_status {
    fn from(_: TracksFull) -> Self {
        FRAME_RING_TRACKS_FULL
    }
}

impl From<DescriptorError> for frame_ring_status {
    fn from(why: DescriptorError) -> Self {
        match why {
            DescriptorError::Format(_) => FRAME_RING_BAD_FORMAT,
            DescriptorError::Extension(_) => FRAME_RING_BAD_EXTENSION,
            _ => FRAME_RING_BAD_DESCRIPTOR,
        }
    }
}

impl From<HeaderError> for frame_ring_status {
    fn from(why: HeaderError) -> Self {
        match why {
            HeaderError::TooSmall { .. } => FRAME_RING_TOO_SMALL,
            HeaderError::Magic { .. } => FRAME_RING_NOT_A_RING,
            HeaderError::Version { .. } => FRAME_RING_VERSION,
            HeaderError::Features { .. } => FRAME_RING_FEATURES,
            HeaderError::Size { .. } | HeaderError::Field { .. } => FRAME_RING_BAD_HEADER,
        }
    }
}

/// What a code means, in English, as a string that lives for ever. Any number may be given.
#[unsafe(no_mangle)]
pub extern "C" fn frame_ring_status_text(status: i32) -> *const core::ffi::c_char {
    TEXTS
        .iter()
        .find(|(code, _)| *code as i32 == status)
        .map_or(c"no status of this version of frame-ring", |(_, text)| text)
        .as_ptr()
}

const TEXTS: [(frame_ring_status, &core::ffi::CStr); 35] = [
    (FRAME_RING_OK, c"done"),
    (FRAME_RING_UNWANTED, c"the consumer does not want it"),
    (FRAME_RING_FULL_BYTES, c"the ring has no bytes left for this class of frame; drop it"),
    (FRAME_RING_FULL_SLOTS, c"the ring has no slots left for this class of frame; drop it"),
    (FRAME_RING_TOO_LONG, c"the frame is longer than this ring takes; make the ring larger"),
    (FRAME_RING_CLOSED, c"the consumer has left; attach to its successor"),
    (FRAME_RING_CORRUPT, c"the ring's shared words contradict each other; attach again"),
    (
        FRAME_RING_REVOKED,
        c"the consumer took the claim away because this producer's connection ended; attach again",
    ),
    (FRAME_RING_TRACKS_FULL, c"all tracks of the ring are in use; end one or make the ring with more"),
    (FRAME_RING_BAD_ARGUMENT, c"a pointer is null or misaligned, or a number is none of those allowed"),
    (FRAME_RING_BAD_SIZE, c"a struct has a size that this version does not know; initialise it"),
    (FRAME_RING_NOT_ATTACHED, c"the handle was never attached, or was detached"),
    (FRAME_RING_STALE_GRANT, c"the grant was committed or aborted before"),
    (FRAME_RING_STALE_TRACK, c"the track was closed before"),
    (FRAME_RING_BEYOND_GRANT, c"more bytes were to be committed than were claimed"),
    (FRAME_RING_BAD_DESCRIPTOR, c"what the descriptor says is not true of the payload, or cannot be said"),
    (FRAME_RING_BAD_FORMAT, c"the format is wrong, or does not fit the payload"),
    (FRAME_RING_BAD_EXTENSION, c"an extension is wrong, or there is no room for it"),
    (FRAME_RING_NOT_A_RING, c"the region is no frame ring"),
    (FRAME_RING_VERSION, c"the ring was made by another version; update the older side"),
    (FRAME_RING_FEATURES, c"the ring needs features that this version does not know; update it"),
    (FRAME_RING_TOO_SMALL, c"the region is smaller than its header says"),
    (FRAME_RING_BAD_HEADER, c"the ring's header contradicts itself"),
    (FRAME_RING_TIMEOUT, c"nothing came before the time was up"),
    (FRAME_RING_DISCONNECTED, c"all producers are gone and none can connect"),
    (FRAME_RING_STALE_FRAME, c"the frame was released before"),
    (FRAME_RING_BAD_STRING, c"a string is not UTF-8, or too long"),
    (FRAME_RING_BUSY, c"another thread is in a call that only one thread may be in"),
    (FRAME_RING_NOT_SEALED, c"what was handed over is not a memfd with the seals of a ring"),
    (FRAME_RING_OS, c"the kernel refused something"),
    (FRAME_RING_UNREACHABLE, c"nobody listens there; is the consumer running?"),
    (FRAME_RING_REFUSED, c"the consumer refused the connection"),
    (FRAME_RING_NO_ANSWER, c"the peer did not answer as a frame ring does"),
    (FRAME_RING_BAD_FRAME, c"a producer said of a frame what cannot be true; it was dropped"),
    (FRAME_RING_POISONED, c"the ring's chain of frames was overwritten; close it"),
];
