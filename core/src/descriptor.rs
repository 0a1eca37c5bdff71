//! What a frame is: its time, its track, and the format of its payload, as 64 to 192 bytes next to the payload.
//!
//! This module owns the codec between [`Descriptor`] and the words of a slot, and every check that keeps a consumer inside
//! the payload. It knows nothing of slots, claims or atomics: the ring copies the words into private memory first and
//! decodes the copy, so nothing here can change while it is looked at. Any words may be decoded; what is wrong is named
//! by a [`DescriptorError`].
//!
//! Every descriptor stands alone: no format is agreed out of band, and any single frame can be looked at without the ones
//! before it.
//!
//! ```
//! use frame_ring_core::descriptor::{Body, Descriptor, FourCc, VideoFormat};
//!
//! let format = VideoFormat::packed(FourCc::I420, 1920, 1080)?;
//! let frame = Descriptor { track: 7, pts_ns: Some(33_000_000), ..Descriptor::new(Body::Video(format)) };
//! assert_eq!(frame.payload_len, 3_110_400);
//!
//! let encoded = frame.encode()?;
//! assert_eq!(Descriptor::decode(encoded.words(), 3_110_400)?, frame);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audio;
mod body;
mod encoded;
mod error;
mod event;
mod extension;
mod flags;
mod fourcc;
mod picture;
mod video;
mod wire;

pub use audio::{AudioFormat, SampleFormat};
pub use body::{Body, Kind};
pub use encoded::EncodedFormat;
pub use error::{DescriptorError, ExtensionError, FormatError};
pub use event::EventInfo;
pub use extension::{
    Extensions, CAPTURE_BEGIN_NS, CRC32C, EXTENSION_BYTES, MUST_UNDERSTAND, RECEIVE_NS, RTP_TIMESTAMP,
};
pub use flags::Flags;
pub use fourcc::{FourCc, Layout, PlaneLayout};
pub use picture::{Colour, ColourRange, Rect, Rotation};
pub use video::{Plane, VideoFormat, MAX_SIZE};

use wire::{byte, half, high, low, pair};

/// Room for an encoded descriptor in a slot.
pub const DESCRIPTOR_BYTES: usize = 192;
/// The same in words.
pub const WORDS: usize = DESCRIPTOR_BYTES / 8;
/// Version of the format of a descriptor.
pub const VERSION: u8 = 1;

const BASE_BYTES: usize = 64;
/// Pictures have the longest body.
const _: () = assert!(BASE_BYTES + Kind::Video.body_bytes() + EXTENSION_BYTES == DESCRIPTOR_BYTES);

/// Everything about a frame but its payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// What is special about this frame.
    pub flags: Flags,
    /// The track it belongs to.
    pub track: u32,
    /// Who or what is in the track now: meetings swap people inside a fixed stream.
    pub source: u32,
    /// Running number within the track.
    pub sequence: u64,
    /// Time on the media's own time line.
    pub pts_ns: Option<i64>,
    /// Duration; 0 = not known.
    pub duration_ns: u32,
    /// `CLOCK_MONOTONIC` at the capture, or at the publication with [`Flags::ESTIMATED_TS`]. The same base for audio
    /// and video.
    pub mono_ns: u64,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Frames of this track that the producer had to drop since the last one it delivered.
    pub dropped_before: u32,
    /// The kind of the frame and what goes with it.
    pub body: Body,
    /// Whatever else there is to say.
    pub extensions: Extensions,
}

impl Descriptor {
    /// A frame of this format. The payload length is what the format needs (0 where it does not say), the KEY flag that
    /// of the body, everything else zero or absent.
    pub fn new(body: Body) -> Self {
        let payload_len = u32::try_from(body.payload_len()).unwrap_or(u32::MAX);
        let flags = if body.key() == Some(true) { Flags::KEY } else { Flags::NONE };
        Self { flags, payload_len, body, ..Self::default() }
    }

    /// A frame of bytes without a format.
    pub fn opaque() -> Self {
        Self::default()
    }

    /// An event.
    pub fn event(event: EventInfo) -> Self {
        Self::new(Body::Event(event))
    }

    /// The kind of the frame.
    #[inline]
    pub const fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// The descriptor as the words of a slot. What [`decode`](Self::decode) would refuse is refused here already.
    #[inline]
    pub fn encode(&self) -> Result<EncodedDescriptor, DescriptorError> {
        let mut encoded = EncodedDescriptor { words: [0; WORDS] };
        self.encode_into(&mut encoded.words)?;
        Ok(encoded)
    }

    /// Like [`encode`](Self::encode), into words of the caller: returns how many of them were written, the others are
    /// left alone. After an error the words hold nothing of use.
    #[inline]
    pub fn encode_into(&self, words: &mut [u64; WORDS]) -> Result<usize, DescriptorError> {
        let len = BASE_BYTES + self.kind().body_bytes() + self.extensions.encoded_len();
        let first = len as u32 | u32::from(VERSION) << 16 | u32::from(self.kind() as u8) << 24;
        words[0] = pair(first, self.flags.0);
        words[1] = pair(self.track, self.source);
        words[2] = self.sequence;
        words[3] = timestamp_word("pts_ns", self.pts_ns)?;
        words[4] = self.mono_ns;
        words[5] = pair(self.duration_ns, self.payload_len);
        words[6] = pair(self.dropped_before, 0);
        words[7] = 0;
        // Small opaque frames come by the thousand, and this is all of them.
        if len > BASE_BYTES {
            self.write_rest(words)?;
        }
        Ok(len / 8)
    }

    /// The descriptor in these words, for a frame whose claim holds `room` bytes of payload.
    ///
    /// Any words may be given. Of what is returned, the payload lies within `room` and every plane within the payload.
    /// Only the first [`word_count`] words are looked at.
    #[inline]
    pub fn decode(words: &[u64; WORDS], room: u64) -> Result<Self, DescriptorError> {
        let first = words[0];
        let version = byte(first, 2);
        if version != VERSION {
            return Err(DescriptorError::Version { found: version });
        }
        let kind = Kind::from_wire(byte(first, 3))?;
        let fixed = BASE_BYTES + kind.body_bytes();
        let len = usize::from(half(first, 0));
        if len % 8 != 0 || len < fixed || len > fixed + EXTENSION_BYTES {
            return Err(DescriptorError::Length { least: fixed, most: fixed + EXTENSION_BYTES, found: len });
        }
        let payload_len = high(words[5]);
        if u64::from(payload_len) > room {
            return Err(DescriptorError::PayloadBeyondRoom { payload_len, room });
        }
        let flags = Flags(high(first));
        let frame = |body, extensions| Self {
            flags,
            track: low(words[1]),
            source: high(words[1]),
            sequence: words[2],
            pts_ns: timestamp(words[3]),
            duration_ns: low(words[5]),
            mono_ns: words[4],
            payload_len,
            dropped_before: low(words[6]),
            body,
            extensions,
        };
        if len == BASE_BYTES {
            return Ok(frame(Body::Opaque, Extensions::new()));
        }
        let body = Body::read(kind, words)?;
        body.check(flags, payload_len)?;
        Ok(frame(body, Extensions::read(&words[fixed / 8..len / 8])?))
    }

    /// Checks the body, writes it and the extensions.
    fn write_rest(&self, words: &mut [u64; WORDS]) -> Result<(), DescriptorError> {
        self.body.check(self.flags, self.payload_len)?;
        self.body.write(words)?;
        self.extensions.write(&mut words[(BASE_BYTES + self.kind().body_bytes()) / 8..]);
        Ok(())
    }
}

/// How many words a descriptor fills, from its first word: what has to be copied out of a slot. It is between 1 and
/// [`WORDS`] for any word; a length out of the allowed ones is refused by [`Descriptor::decode`].
#[inline]
pub const fn word_count(first: u64) -> usize {
    match half(first, 0) as usize / 8 {
        0 => 1,
        words if words > WORDS => WORDS,
        words => words,
    }
}

/// A descriptor as it lies in a slot. Byte `k` is byte `k % 8`, from the low end, of word `k / 8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedDescriptor {
    words: [u64; WORDS],
}

impl EncodedDescriptor {
    /// All words; those past [`word_count`](Self::word_count) are zero.
    #[inline]
    pub const fn words(&self) -> &[u64; WORDS] {
        &self.words
    }

    /// How many words the descriptor fills.
    #[inline]
    pub const fn word_count(&self) -> usize {
        word_count(self.words[0])
    }

    /// The words that the descriptor fills.
    #[inline]
    pub fn used(&self) -> &[u64] {
        &self.words[..self.word_count()]
    }

    /// All bytes; those past eight times [`word_count`](Self::word_count) are zero.
    pub fn bytes(&self) -> [u8; DESCRIPTOR_BYTES] {
        let mut bytes = [0; DESCRIPTOR_BYTES];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(self.words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// A time stamp as it is on the wire, `i64::MIN` for none.
#[inline]
fn timestamp_word(field: &'static str, time: Option<i64>) -> Result<u64, DescriptorError> {
    match time {
        None => Ok(i64::MIN as u64),
        Some(i64::MIN) => Err(DescriptorError::ReservedTimestamp { field }),
        Some(ns) => Ok(ns as u64),
    }
}

#[inline]
const fn timestamp(word: u64) -> Option<i64> {
    match word as i64 {
        i64::MIN => None,
        ns => Some(ns),
    }
}
