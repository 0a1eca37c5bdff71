//! What is said of a frame, as a C struct.

use super::exclusive;
use super::status::*;
use crate::descriptor::{
    AudioFormat, Body, Colour, ColourRange, Descriptor, EncodedFormat, EventInfo, Extensions, Flags, FourCc,
    Plane, Rect, Rotation, SampleFormat, VideoFormat, EXTENSION_BYTES,
};

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

/// Where one plane lies in the payload, in bytes.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct frame_ring_plane {
    /// From the start of the payload to the first row.
    pub offset: u32,
    /// From the start of one row to the start of the next.
    pub stride: u32,
}

/// A rectangle in pixels.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct frame_ring_rect {
    /// Pixels left of it.
    pub x: u16,
    /// Pixels above it.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

/// A raw picture. `frame_ring_video_packed` and `frame_ring_video_aligned` make one.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_video {
    /// Pixel format, a DRM code such as `YU12` or `NV12`; see `frame_ring_fourcc`.
    pub fourcc: u32,
    /// Width of what the planes hold, 1 to 32767.
    pub coded_width: u32,
    /// Height of what the planes hold, 1 to 32767.
    pub coded_height: u32,
    /// The part to show.
    pub visible: frame_ring_rect,
    /// Width to show it at, after rotation.
    pub display_width: u32,
    /// Height to show it at, after rotation.
    pub display_height: u32,
    /// Clockwise quarter turns before it is shown, 0 to 3.
    pub rotation: u8,
    /// 1: mirror left to right after the rotation.
    pub flip: u8,
    /// Number of planes, up to 4; 0 without pixels.
    pub plane_count: u8,
    /// Bits of one component that carry meaning.
    pub bit_depth: u8,
    /// Colour primaries, H.273; 2 unspecified.
    pub primaries: u8,
    /// Transfer characteristics, H.273; 2 unspecified.
    pub transfer: u8,
    /// Matrix coefficients, H.273; 2 unspecified, 0 RGB.
    pub matrix: u8,
    /// 0 not said, 1 limited, 2 full.
    pub range: u8,
    /// Where the planes lie.
    pub planes: [frame_ring_plane; 4],
    /// Nominal frames per 1000 seconds; 0 variable or not known.
    pub fps_milli: u32,
}

/// A block of raw audio.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_audio {
    /// 1 unsigned 8 bits, 2 signed 16, 3 signed 32, 4 32-bit float; little-endian.
    pub sample: u8,
    /// 1: one plane for each channel; 0: channels alternate.
    pub planar: u8,
    /// Number of channels, at least 1.
    pub channels: u16,
    /// Sample frames per second.
    pub rate: u32,
    /// Sample frames in this block.
    pub frames: u32,
    /// Bytes from one channel's plane to the next if planar, else 0.
    pub plane_stride: u32,
    /// Speakers, as in WAVE's `dwChannelMask`; 0 not said.
    pub channel_mask: u64,
    /// Sample frames of this track before this block.
    pub position: u64,
}

/// A compressed frame.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_encoded {
    /// When to decode it; `FRAME_RING_NO_TIME` if not known.
    pub dts_ns: i64,
    /// The codec's code.
    pub codec: u32,
    /// Width if known, else 0.
    pub width: u16,
    /// Height if known, else 0.
    pub height: u16,
    /// 1: decodes alone.
    pub key: u8,
    /// Temporal layer, 0 base.
    pub temporal_layer: u8,
    /// Spatial layer, 0 base.
    pub spatial_layer: u8,
}

/// Something that happened.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_event {
    /// What; up to the two sides.
    pub code: u32,
    /// Whom or what it is about.
    pub subject: u32,
    /// A number that goes with it.
    pub arg: u64,
}

/// The format that belongs to a kind.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy)]
#[repr(C)]
pub union frame_ring_body {
    /// Of `FRAME_RING_KIND_VIDEO`.
    pub video: frame_ring_video,
    /// Of `FRAME_RING_KIND_AUDIO`.
    pub audio: frame_ring_audio,
    /// Of the two encoded kinds.
    pub encoded: frame_ring_encoded,
    /// Of `FRAME_RING_KIND_EVENT`.
    pub event: frame_ring_event,
}

impl core::fmt::Debug for frame_ring_body {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("frame_ring_body")
    }
}

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
    /// The descriptor that the struct stands for.
    pub(crate) fn read(&self) -> Result<Descriptor, frame_ring_status> {
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

impl frame_ring_video {
    fn read(&self) -> Result<VideoFormat, frame_ring_status> {
        let rect = self.visible;
        Ok(VideoFormat {
            fourcc: FourCc(self.fourcc),
            coded_width: self.coded_width,
            coded_height: self.coded_height,
            visible: Rect { x: rect.x, y: rect.y, width: rect.width, height: rect.height },
            display_width: self.display_width,
            display_height: self.display_height,
            rotation: match self.rotation {
                0 => Rotation::None,
                1 => Rotation::Clockwise90,
                2 => Rotation::Half,
                3 => Rotation::Clockwise270,
                _ => return Err(FRAME_RING_BAD_FORMAT),
            },
            flip: self.flip != 0,
            planes: self.planes.map(|plane| Plane { offset: plane.offset, stride: plane.stride }),
            plane_count: self.plane_count,
            bit_depth: self.bit_depth,
            colour: Colour {
                primaries: self.primaries,
                transfer: self.transfer,
                matrix: self.matrix,
                range: match self.range {
                    0 => ColourRange::Unspecified,
                    1 => ColourRange::Limited,
                    2 => ColourRange::Full,
                    _ => return Err(FRAME_RING_BAD_FORMAT),
                },
            },
            fps_milli: self.fps_milli,
        })
    }

    fn of(format: &VideoFormat) -> Self {
        let Rect { x, y, width, height } = format.visible;
        Self {
            fourcc: format.fourcc.0,
            coded_width: format.coded_width,
            coded_height: format.coded_height,
            visible: frame_ring_rect { x, y, width, height },
            display_width: format.display_width,
            display_height: format.display_height,
            rotation: format.rotation as u8,
            flip: format.flip.into(),
            plane_count: format.plane_count,
            bit_depth: format.bit_depth,
            primaries: format.colour.primaries,
            transfer: format.colour.transfer,
            matrix: format.colour.matrix,
            range: format.colour.range as u8,
            planes: format
                .planes
                .map(|plane| frame_ring_plane { offset: plane.offset, stride: plane.stride }),
            fps_milli: format.fps_milli,
        }
    }
}

impl frame_ring_audio {
    fn read(&self) -> Result<AudioFormat, frame_ring_status> {
        Ok(AudioFormat {
            sample: match self.sample {
                1 => SampleFormat::U8,
                2 => SampleFormat::S16,
                3 => SampleFormat::S32,
                4 => SampleFormat::F32,
                _ => return Err(FRAME_RING_BAD_FORMAT),
            },
            planar: self.planar != 0,
            channels: self.channels,
            rate: self.rate,
            frames: self.frames,
            plane_stride: self.plane_stride,
            channel_mask: self.channel_mask,
            position: self.position,
        })
    }
}

impl frame_ring_encoded {
    fn read(&self, time: impl Fn(i64) -> Option<i64>) -> EncodedFormat {
        EncodedFormat {
            codec: FourCc(self.codec),
            dts_ns: time(self.dts_ns),
            key: self.key != 0,
            width: self.width,
            height: self.height,
            temporal_layer: self.temporal_layer,
            spatial_layer: self.spatial_layer,
        }
    }
}

/// Sets everything to zero or absent, and the kind to opaque.
///
/// # Safety
/// `descriptor` is null or points to memory for a descriptor that nobody else uses.
#[no_mangle]
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
#[no_mangle]
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

/// The code of four characters, such as `frame_ring_fourcc('Y', 'U', '1', '2')`.
#[no_mangle]
pub extern "C" fn frame_ring_fourcc(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_le_bytes([a, b, c, d])
}

/// Describes a picture whose rows and planes start at multiples of `stride_align` bytes (1: without padding), and sets
/// `bytes` to the length of its payload. The pixel format must be one that this version knows.
///
/// # Safety
/// `video` and `bytes` are null or point to memory of their types that nobody else uses.
#[no_mangle]
pub unsafe extern "C" fn frame_ring_video_aligned(
    video: *mut frame_ring_video,
    fourcc: u32,
    width: u32,
    height: u32,
    stride_align: u32,
    bytes: *mut u64,
) -> frame_ring_status {
    // SAFETY: the caller's promise. Both may be uninitialised: they are plain numbers, and only written.
    let (Some(video), Some(bytes)) = (unsafe { (exclusive(video), exclusive(bytes)) }) else {
        return FRAME_RING_BAD_ARGUMENT;
    };
    match VideoFormat::aligned(FourCc(fourcc), width, height, stride_align) {
        Ok(format) => {
            (*video, *bytes) = (frame_ring_video::of(&format), format.payload_len());
            FRAME_RING_OK
        }
        Err(_) => FRAME_RING_BAD_FORMAT,
    }
}
