//! What is said of a frame, as a C struct.

use super::exclusive;
use super::format::{frame_ring_body, frame_ring_event};
use super::status::*;
use crate::descriptor::{Body, Descriptor, EventInfo, Extensions, Flags, EXTENSION_BYTES};

/// What a frame is.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum frame_ring_kind {
    /// A raw picture; `body.video` describes it.
    FRAME_RING_KIND_VIDEO = 1,
    /// A block of raw audio; `body.audio`.
    FRAME_RING_KIND_AUDIO = 2,
    /// A compressed picture; `body.encoded`.
    FRAME_RING_KIND_ENCODED_VIDEO = 3,
    /// A block of compressed audio; `body.encoded`.
    FRAME_RING_KIND_ENCODED_AUDIO = 4,
    /// Bytes that only the two sides know the meaning of.
    FRAME_RING_KIND_OPAQUE = 5,
    /// Something that happened; `body.event`.
    FRAME_RING_KIND_EVENT = 6,
}

/// "No time": in `pts_ns` and `dts_ns`.
pub const FRAME_RING_NO_TIME: i64 = i64::MIN;

/// Bytes that the extensions of one frame may fill.
pub const FRAME_RING_EXTENSION_BYTES: usize = 64;

/// Everything about a frame but its payload. Initialise it with `frame_ring_descriptor_init`.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_descriptor {
    /// Bytes in this struct as the caller knows it; set by the initialiser.
    pub size: u32,
    /// `frame_ring_kind`.
    pub kind: u32,
    /// What is special about the frame: `FRAME_RING_FLAG_...`.
    pub flags: u32,
    /// The track it belongs to, 0 none.
    pub track: u32,
    /// Who or what is in the track now.
    pub source: u32,
    /// Duration; 0 not known.
    pub duration_ns: u32,
    /// Running number within the track.
    pub sequence: u64,
    /// Time on the media's own time line; `FRAME_RING_NO_TIME` if there is none.
    pub pts_ns: i64,
    /// `CLOCK_MONOTONIC` at the capture.
    pub mono_ns: u64,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Frames of this track that were dropped since the last one.
    pub dropped_before: u32,
    /// The format, according to `kind`.
    pub body: frame_ring_body,
    /// Bytes used of `extensions`, a multiple of 8.
    pub extensions_len: u32,
    reserved: u32,
    /// What else there is to say; see `frame_ring_descriptor_push_extension`.
    pub extensions: [u8; FRAME_RING_EXTENSION_BYTES],
}

/// The time line or the content does not continue that of the frame before.
pub const FRAME_RING_FLAG_DISCONT: u32 = 1;
/// Nothing was captured: silence or black stands in, or there is no payload.
pub const FRAME_RING_FLAG_GAP: u32 = 2;
/// The content is damaged.
pub const FRAME_RING_FLAG_CORRUPT: u32 = 4;
/// The last frame of its track.
pub const FRAME_RING_FLAG_EOS: u32 = 8;
/// The format differs from that of the frame before.
pub const FRAME_RING_FLAG_FORMAT_CHANGED: u32 = 16;
/// The frame decodes alone.
pub const FRAME_RING_FLAG_KEY: u32 = 32;
/// The content is that of the frame before.
pub const FRAME_RING_FLAG_REPEAT: u32 = 64;
/// The time is that of the publication, not of the capture.
pub const FRAME_RING_FLAG_ESTIMATED_TS: u32 = 128;

const _: () = {
    assert!(FRAME_RING_FLAG_DISCONT == Flags::DISCONT.0);
    assert!(FRAME_RING_FLAG_GAP == Flags::GAP.0);
    assert!(FRAME_RING_FLAG_CORRUPT == Flags::CORRUPT.0);
    assert!(FRAME_RING_FLAG_EOS == Flags::EOS.0);
    assert!(FRAME_RING_FLAG_FORMAT_CHANGED == Flags::FORMAT_CHANGED.0);
    assert!(FRAME_RING_FLAG_KEY == Flags::KEY.0);
    assert!(FRAME_RING_FLAG_REPEAT == Flags::REPEAT.0);
    assert!(FRAME_RING_FLAG_ESTIMATED_TS == Flags::ESTIMATED_TS.0);
    assert!(FRAME_RING_EXTENSION_BYTES == EXTENSION_BYTES);
};

const SIZE: u32 = size_of::<frame_ring_descriptor>() as u32;

impl frame_ring_descriptor {
    /// The descriptor that the struct stands for. Inlined, so that it is made where it is used: it is the larger part of
    /// what a commit through C costs beyond one in Rust.
    #[inline(always)]
    pub fn read(&self) -> Result<Descriptor, frame_ring_status> {
        if self.size != SIZE {
            return Err(FRAME_RING_BAD_SIZE);
        }
        let time = |ns| (ns != FRAME_RING_NO_TIME).then_some(ns);
        let used = usize::try_from(self.extensions_len).unwrap_or(usize::MAX);
        let extensions = self.extensions.get(..used).ok_or(FRAME_RING_BAD_EXTENSION)?;
        Ok(Descriptor {
            flags: Flags(self.flags),
            track: self.track,
            source: self.source,
            sequence: self.sequence,
            pts_ns: time(self.pts_ns),
            duration_ns: self.duration_ns,
            mono_ns: self.mono_ns,
            payload_len: self.payload_len,
            dropped_before: self.dropped_before,
            body: self.read_body(time)?,
            extensions: Extensions::from_bytes(extensions).map_err(|_| FRAME_RING_BAD_EXTENSION)?,
        })
    }

    #[inline(always)]
    fn read_body(&self, time: impl Fn(i64) -> Option<i64>) -> Result<Body, frame_ring_status> {
        let body = &self.body;
        // SAFETY: every member consists of integers, for which all bit patterns are valid, and the whole union is
        // initialised: C callers zero it, or fill it by an initialiser.
        Ok(unsafe {
            match self.kind {
                1 => Body::Video(body.video.read()?),
                2 => Body::Audio(body.audio.read()?),
                3 => Body::EncodedVideo(body.encoded.read(time)),
                4 => Body::EncodedAudio(body.encoded.read(time)),
                5 => Body::Opaque,
                6 => {
                    let frame_ring_event { code, subject, arg } = body.event;
                    Body::Event(EventInfo { code, subject, arg })
                }
                _ => return Err(FRAME_RING_BAD_DESCRIPTOR),
            }
        })
    }
}

impl From<&Descriptor> for frame_ring_descriptor {
    fn from(about: &Descriptor) -> Self {
        let mut extensions = [0; FRAME_RING_EXTENSION_BYTES];
        let bytes = about.extensions.as_bytes();
        extensions[..bytes.len()].copy_from_slice(bytes);
        Self {
            size: SIZE,
            kind: about.kind() as u32,
            flags: about.flags.0,
            track: about.track,
            source: about.source,
            duration_ns: about.duration_ns,
            sequence: about.sequence,
            pts_ns: about.pts_ns.unwrap_or(FRAME_RING_NO_TIME),
            mono_ns: about.mono_ns,
            payload_len: about.payload_len,
            dropped_before: about.dropped_before,
            body: frame_ring_body::of(&about.body),
            extensions_len: bytes.len() as u32,
            reserved: 0,
            extensions,
        }
    }
}

/// Sets everything to zero or absent, and the kind to opaque.
///
/// # Safety
/// `descriptor` is null or points to memory for a descriptor that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_descriptor_init(
    descriptor: *mut frame_ring_descriptor,
) -> frame_ring_status {
    if descriptor.is_null() || !descriptor.is_aligned() {
        return FRAME_RING_BAD_ARGUMENT;
    }
    // SAFETY: not null and aligned, and the caller's to write; all zeros are a valid descriptor.
    let descriptor = unsafe {
        descriptor.write_bytes(0, 1);
        &mut *descriptor
    };
    (descriptor.size, descriptor.kind) = (SIZE, 5);
    descriptor.pts_ns = FRAME_RING_NO_TIME;
    FRAME_RING_OK
}

/// Adds an extension: type, and up to 60 bytes of data. 1 RTP time stamp (4 bytes), 2 start of the capture (8 bytes,
/// `CLOCK_MONOTONIC` ns), 3 CRC-32C of the payload (4 bytes), 4 arrival of the last packet (8 bytes); 0x4000 to 0x7fff are
/// yours.
///
/// # Safety
/// `descriptor` is null or points to an initialised descriptor that nobody else uses; `data` is null or points to `len`
/// readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_descriptor_push_extension(
    descriptor: *mut frame_ring_descriptor,
    ty: u16,
    data: *const u8,
    len: usize,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(descriptor) = (unsafe { exclusive(descriptor) }) else { return FRAME_RING_BAD_ARGUMENT };
    if data.is_null() || len > EXTENSION_BYTES {
        return if data.is_null() { FRAME_RING_BAD_ARGUMENT } else { FRAME_RING_BAD_EXTENSION };
    }
    // SAFETY: not null, and the caller promises `len` readable bytes.
    let data = unsafe { core::slice::from_raw_parts(data, len) };
    status(descriptor.read().and_then(|read| {
        let mut extensions = read.extensions;
        extensions.push(ty, data).map_err(|_| FRAME_RING_BAD_EXTENSION)?;
        let bytes = extensions.as_bytes();
        descriptor.extensions[..bytes.len()].copy_from_slice(bytes);
        descriptor.extensions_len = bytes.len() as u32;
        Ok(())
    }))
}
