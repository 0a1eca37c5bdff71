//! Raw audio and video from many producer processes to one consumer, for the cost of one memory copy.
//!
//! A *ring* is a sealed memfd. Producers claim bytes in it, write a frame in place and commit it; the consumer reads it
//! in place, holds as many frames as there is room for, on any threads, and gives them back in any order. No producer
//! can make another one wait, alive, stopped or dead; no producer can make the consumer read outside the ring.
//!
//! ```
//! use frame_ring::{Descriptor, Producer, RingBuilder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ring = RingBuilder::new().data_bytes(1 << 20).name("doc").build()?;
//! // Usually another process: `Producer::connect(path, label)` after `ring.listen(path)`.
//! let producer = Producer::from_fd(ring.invite()?, "camera")?;
//! producer.send(b"a frame", &Descriptor::opaque())?;
//!
//! let frame = ring.recv()?;
//! assert_eq!(frame.payload().to_vec(), b"a frame");
//! # Ok(())
//! # }
//! ```
//!
//! | type | is | threads |
//! |---|---|---|
//! | [`RingBuilder`] | how large a ring is to be | any |
//! | [`Consumer`] | the receiving side, one for each ring | `Send`; receives on one thread at a time |
//! | [`Frame`] | a received frame, read in place; its drop gives the bytes back | `Send + Sync` |
//! | [`Hub`] | many rings, one wait | `Send`; receives on one thread at a time |
//! | [`Producer`] | a connection to a ring | `Send + Sync`, cloneable |
//! | [`Grant`] | claimed bytes | `Send` |
//! | [`Track`] | a series of frames with a name, counters and the consumer's demand | `Send`; one thread at a time |
//! | [`Observer`] | looks at a live ring | `Send + Sync` |
//!
//! The protocol is in `frame_ring_core`, which is `no_std` and makes no system call; this crate adds memory, waiting,
//! the hand-over and types. Linux on 64-bit little-endian machines only.

mod builder;
mod consumer;
mod handover;
mod hub;
mod lane;
mod memory;
mod observe;
mod producer;
#[cfg(feature = "tokio")]
mod stream;
mod sys;
mod view;

pub use frame_ring_core::claim::{Class, Refusal};
pub use frame_ring_core::descriptor::{
    AudioFormat, Body, Colour, ColourRange, Descriptor, DescriptorError, EncodedFormat, EventInfo,
    ExtensionError, Extensions, Flags, FormatError, FourCc, Kind, Plane, Rect, Rotation, SampleFormat,
    VideoFormat,
};
pub use frame_ring_core::lane::{LaneHeaderError, RecordError};
pub use frame_ring_core::layout::{Header, HeaderError, LATENCY_BUCKETS};
pub use frame_ring_core::ledger::Poison;
pub use frame_ring_core::producers::ProducerStats;
pub use frame_ring_core::text::Text;
pub use frame_ring_core::tracks::{Demand, TrackInfo, TrackKind, TrackSource, TrackStats, TracksFull};
pub use frame_ring_core::word::{Cursor, State};

pub use builder::{BuildError, RingBuilder};
pub use consumer::frame::{Frame, OwnedFrame};
pub use consumer::payload::Payload;
pub use consumer::{Consumer, RecvError};
pub use handover::{ConnectError, Invitation, RefusalReason, FD_VARIABLE, SOCKET_VARIABLE};
pub use hub::{Hub, HubItem, RingId};
pub use lane::{LaneError, LaneFault, LaneInfo, LaneOptions, LaneRead};
pub use memory::MemoryError;
pub use observe::{Observer, SlotStats, Snapshot};
pub use producer::{ClaimError, CommitError, Grant, Picture, Producer, SendError, Sent, Sound, Track};
#[cfg(feature = "tokio")]
pub use stream::FrameStream;
pub use sys::clock::mono_ns;
pub use view::{AudioView, PlaneView, VideoView};

/// The programs in README.md, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
