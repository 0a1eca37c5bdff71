//! Formats of pictures, sound, compressed frames and events, as C structs.

use super::descriptor::FRAME_RING_NO_TIME;
use super::exclusive;
use super::status::*;
use crate::descriptor::{
    AudioFormat, Body, Colour, ColourRange, EncodedFormat, EventInfo, FourCc, Plane, Rect, Rotation,
    SampleFormat, VideoFormat,
};

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

impl frame_ring_body {
    pub(super) fn of(body: &Body) -> Self {
        // SAFETY: the union consists of integers, for which all zeros are valid.
        let mut to: Self = unsafe { core::mem::zeroed() };
        match body {
            Body::Video(format) => to.video = frame_ring_video::of(format),
            Body::Audio(format) => to.audio = frame_ring_audio::of(format),
            Body::EncodedVideo(format) | Body::EncodedAudio(format) => {
                to.encoded = frame_ring_encoded::of(format)
            }
            Body::Event(EventInfo { code, subject, arg }) => {
                to.event = frame_ring_event { code: *code, subject: *subject, arg: *arg };
            }
            Body::Opaque => {}
        }
        to
    }
}

impl frame_ring_video {
    pub(super) fn read(&self) -> Result<VideoFormat, frame_ring_status> {
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

    pub(super) fn of(format: &VideoFormat) -> Self {
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
    pub(super) fn read(&self) -> Result<AudioFormat, frame_ring_status> {
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

impl frame_ring_audio {
    pub(super) fn of(format: &AudioFormat) -> Self {
        Self {
            sample: format.sample as u8,
            planar: format.planar.into(),
            channels: format.channels,
            rate: format.rate,
            frames: format.frames,
            plane_stride: format.plane_stride,
            channel_mask: format.channel_mask,
            position: format.position,
        }
    }
}

impl frame_ring_encoded {
    pub(super) fn of(format: &EncodedFormat) -> Self {
        Self {
            dts_ns: format.dts_ns.unwrap_or(FRAME_RING_NO_TIME),
            codec: format.codec.0,
            width: format.width,
            height: format.height,
            key: format.key.into(),
            temporal_layer: format.temporal_layer,
            spatial_layer: format.spatial_layer,
        }
    }

    pub(super) fn read(&self, time: impl Fn(i64) -> Option<i64>) -> EncodedFormat {
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

/// The code of four characters, such as `frame_ring_fourcc('Y', 'U', '1', '2')`.
#[unsafe(no_mangle)]
pub extern "C" fn frame_ring_fourcc(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_le_bytes([a, b, c, d])
}

/// Describes a picture whose rows and planes start at multiples of `stride_align` bytes (1: without padding), and sets
/// `bytes` to the length of its payload. The pixel format must be one that this version knows.
///
/// # Safety
/// `video` and `bytes` are null or point to memory of their types that nobody else uses.
#[unsafe(no_mangle)]
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
