//! The kinds of frames, and the body of the descriptor that each kind has.

use super::{AudioFormat, DescriptorError, EncodedFormat, EventInfo, Flags, VideoFormat, WORDS};

/// What a frame is, with what goes with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Body {
    /// A raw picture.
    Video(VideoFormat),
    /// A block of raw audio.
    Audio(AudioFormat),
    /// A compressed picture.
    EncodedVideo(EncodedFormat),
    /// A block of compressed audio.
    EncodedAudio(EncodedFormat),
    /// Something that happened.
    Event(EventInfo),
    /// Bytes that only the two sides know the meaning of.
    #[default]
    Opaque,
}

/// What a frame is, as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A raw picture.
    Video = 1,
    /// A block of raw audio.
    Audio = 2,
    /// A compressed picture.
    EncodedVideo = 3,
    /// A block of compressed audio.
    EncodedAudio = 4,
    /// Bytes that only the two sides know the meaning of.
    Opaque = 5,
    /// Something that happened.
    Event = 6,
}

impl Kind {
    /// Bytes of the body on the wire.
    #[inline]
    pub(super) const fn body_bytes(self) -> usize {
        match self {
            Self::Video => 64,
            Self::Audio => 32,
            Self::EncodedVideo | Self::EncodedAudio => 24,
            Self::Event => 16,
            Self::Opaque => 0,
        }
    }

    #[inline]
    pub(super) const fn from_wire(found: u8) -> Result<Self, DescriptorError> {
        Ok(match found {
            1 => Self::Video,
            2 => Self::Audio,
            3 => Self::EncodedVideo,
            4 => Self::EncodedAudio,
            5 => Self::Opaque,
            6 => Self::Event,
            _ => return Err(DescriptorError::Kind { found }),
        })
    }
}

impl Body {
    /// The kind of the frame.
    #[inline]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Video(_) => Kind::Video,
            Self::Audio(_) => Kind::Audio,
            Self::EncodedVideo(_) => Kind::EncodedVideo,
            Self::EncodedAudio(_) => Kind::EncodedAudio,
            Self::Event(_) => Kind::Event,
            Self::Opaque => Kind::Opaque,
        }
    }

    /// Bytes of payload that the format needs; 0 for kinds that do not say.
    #[inline]
    pub fn payload_len(&self) -> u64 {
        match self {
            Self::Video(format) => format.payload_len(),
            Self::Audio(format) => format.payload_len(),
            _ => 0,
        }
    }

    /// Whether an encoded frame decodes alone; `None` for the other kinds.
    #[inline]
    pub(super) const fn key(&self) -> Option<bool> {
        match self {
            Self::EncodedVideo(format) | Self::EncodedAudio(format) => Some(format.key),
            _ => None,
        }
    }

    /// Whether the body fits the flags, and its format a payload of `payload_len` bytes.
    #[inline]
    pub(super) fn check(&self, flags: Flags, payload_len: u32) -> Result<(), DescriptorError> {
        match self {
            Self::Video(format) => format.check(payload_len.into())?,
            Self::Audio(format) => format.check(payload_len.into())?,
            Self::EncodedVideo(format) | Self::EncodedAudio(format) => {
                if format.key != flags.contains(Flags::KEY) {
                    return Err(DescriptorError::KeyMismatch { body: format.key });
                }
            }
            Self::Event(_) | Self::Opaque => {}
        }
        Ok(())
    }

    /// Writes the words of the body, from word 8 on.
    #[inline]
    pub(super) fn write(&self, words: &mut [u64; WORDS]) -> Result<(), DescriptorError> {
        match self {
            Self::Video(format) => format.write(words),
            Self::Audio(format) => format.write(words),
            Self::EncodedVideo(format) | Self::EncodedAudio(format) => format.write(words)?,
            Self::Event(event) => event.write(words),
            Self::Opaque => {}
        }
        Ok(())
    }

    /// Reads the words of the body, from word 8 on. The body still has to pass [`check`](Self::check).
    #[inline]
    pub(super) fn read(kind: Kind, words: &[u64; WORDS]) -> Result<Self, DescriptorError> {
        Ok(match kind {
            Kind::Video => Self::Video(VideoFormat::read(words)?),
            Kind::Audio => Self::Audio(AudioFormat::read(words)?),
            Kind::EncodedVideo => Self::EncodedVideo(EncodedFormat::read(words)?),
            Kind::EncodedAudio => Self::EncodedAudio(EncodedFormat::read(words)?),
            Kind::Event => Self::Event(EventInfo::read(words)),
            Kind::Opaque => Self::Opaque,
        })
    }
}
