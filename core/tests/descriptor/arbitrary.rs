//! Strategies for any valid descriptor.

use frame_ring_core::descriptor::*;
use proptest::prelude::*;

use crate::KNOWN;

fn timestamp() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), (i64::MIN + 1..=i64::MAX).prop_map(Some)]
}

fn size() -> impl Strategy<Value = u32> {
    prop_oneof![1..70u32, 1..=MAX_SIZE, Just(MAX_SIZE)]
}

fn colour() -> impl Strategy<Value = Colour> {
    let range =
        prop_oneof![Just(ColourRange::Unspecified), Just(ColourRange::Limited), Just(ColourRange::Full)];
    (any::<[u8; 3]>(), range).prop_map(|([primaries, transfer, matrix], range)| Colour {
        primaries,
        transfer,
        matrix,
        range,
    })
}

fn rotation() -> impl Strategy<Value = Rotation> {
    prop_oneof![
        Just(Rotation::None),
        Just(Rotation::Clockwise90),
        Just(Rotation::Half),
        Just(Rotation::Clockwise270)
    ]
}

/// A rectangle inside a picture of this size: any corner, any size up to what is left.
fn inside(width: u32, height: u32, at: [u16; 4]) -> Rect {
    let (x, y) = (at[0] % width as u16, at[1] % height as u16);
    Rect { x, y, width: 1 + at[2] % (width as u16 - x), height: 1 + at[3] % (height as u16 - y) }
}

/// A known pixel format, its planes moved and its strides widened where there is room for that.
fn known_video() -> impl Strategy<Value = VideoFormat> {
    let shape = (proptest::sample::select(&KNOWN[..]), size(), size(), 0..8u32);
    let shift = (0..1u32 << 20, 0..64u32);
    let look = (any::<[u16; 4]>(), size(), size(), rotation(), any::<bool>(), colour(), any::<u32>());
    (shape, shift, look, any::<bool>()).prop_map(|(shape, shift, look, pixels)| {
        let (fourcc, width, height, align) = shape;
        let mut format = VideoFormat::aligned(fourcc, width, height, 1 << align)
            .or_else(|_| VideoFormat::packed(fourcc, width, height.min(20_000)))
            .expect("6 bytes for each of 32767 x 20000 pixels fit into 4 GiB");
        let moved = {
            let mut moved = format;
            for plane in &mut moved.planes[..usize::from(format.plane_count)] {
                plane.offset = plane.offset.wrapping_add(shift.0);
                plane.stride += shift.1;
            }
            moved
        };
        if moved.payload_len() <= u32::MAX.into() {
            format = moved;
        }
        let (at, display_width, display_height, rotation, flip, colour, fps_milli) = look;
        let visible = inside(width, format.coded_height, at);
        format = VideoFormat {
            visible,
            display_width,
            display_height,
            rotation,
            flip,
            colour,
            fps_milli,
            ..format
        };
        if pixels {
            format
        } else {
            format.without_pixels()
        }
    })
}

/// A pixel format that the codec does not know, with any planes.
fn unknown_video() -> impl Strategy<Value = VideoFormat> {
    let planes = proptest::collection::vec((0..u32::MAX / 2, 0..u32::MAX / 2), 0..=4);
    (known_video(), planes, any::<u8>()).prop_map(|(format, places, bit_depth)| {
        let mut planes = [Plane::default(); 4];
        for (plane, (offset, stride)) in planes.iter_mut().zip(&places) {
            *plane = Plane { offset: *offset, stride: *stride };
        }
        let fourcc = FourCc::new(*b"????");
        VideoFormat { fourcc, planes, plane_count: places.len() as u8, bit_depth, ..format }
    })
}

fn audio() -> impl Strategy<Value = AudioFormat> {
    let sample = prop_oneof![
        Just(SampleFormat::U8),
        Just(SampleFormat::S16),
        Just(SampleFormat::S32),
        Just(SampleFormat::F32)
    ];
    (sample, any::<bool>(), 1..=64u16, 1..=u32::MAX, 0..100_000u32, 0..4096u32, any::<[u64; 2]>()).prop_map(
        |(sample, planar, channels, rate, frames, gap, [channel_mask, position])| {
            let mut format = if planar {
                AudioFormat::planar(sample, channels, rate, frames)
            } else {
                AudioFormat::interleaved(sample, channels, rate, frames)
            };
            format.plane_stride += if planar { gap } else { 0 };
            AudioFormat { channel_mask, position, ..format }
        },
    )
}

fn encoded() -> impl Strategy<Value = EncodedFormat> {
    (any::<u32>(), timestamp(), any::<bool>(), any::<[u16; 2]>(), any::<[u8; 2]>()).prop_map(
        |(codec, dts_ns, key, [width, height], [temporal_layer, spatial_layer])| EncodedFormat {
            codec: FourCc(codec),
            dts_ns,
            key,
            width,
            height,
            temporal_layer,
            spatial_layer,
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => known_video().prop_map(Body::Video),
        1 => unknown_video().prop_map(Body::Video),
        2 => audio().prop_map(Body::Audio),
        1 => encoded().prop_map(Body::EncodedVideo),
        1 => encoded().prop_map(Body::EncodedAudio),
        1 => any::<(u32, u32, u64)>().prop_map(|(code, subject, arg)| Body::Event(EventInfo { code, subject, arg })),
        1 => Just(Body::Opaque),
    ]
}

/// Any extensions that fit: entries are added until one does not.
fn extensions() -> impl Strategy<Value = Extensions> {
    let unknown = (5..MUST_UNDERSTAND, proptest::collection::vec(any::<u8>(), 0..=60));
    let known = (proptest::sample::select(&[0, MUST_UNDERSTAND][..]), 1..=4u16, any::<[u8; 8]>())
        .prop_map(|(must, ty, data)| (must | ty, data[..if ty % 2 == 1 { 4 } else { 8 }].to_vec()));
    proptest::collection::vec(prop_oneof![unknown, known], 0..6).prop_map(|entries| {
        let mut extensions = Extensions::new();
        for (ty, data) in entries {
            if extensions.push(ty, &data).is_err() {
                break;
            }
        }
        extensions
    })
}

/// Any valid descriptor, and the room of its claim.
pub fn descriptor() -> impl Strategy<Value = (Descriptor, u64)> {
    let base = (any::<[u32; 5]>(), any::<[u64; 2]>(), timestamp());
    (base, body(), extensions(), 0..5000u32, 0..5000u64).prop_map(|(base, body, extensions, spare, room)| {
        let ([flags, track, source, duration_ns, dropped_before], [sequence, mono_ns], pts_ns) = base;
        let fresh = Descriptor::new(body);
        let flags = match body {
            Body::EncodedVideo(_) | Body::EncodedAudio(_) => Flags(flags & !Flags::KEY.0) | fresh.flags,
            _ => Flags(flags),
        };
        // A known pixel format without planes is the one that must not have a payload.
        let spare = match body {
            Body::Video(format) if format.plane_count == 0 => 0,
            _ => spare,
        };
        let payload_len = fresh.payload_len.saturating_add(spare);
        let descriptor = Descriptor {
            flags,
            track,
            source,
            sequence,
            pts_ns,
            duration_ns,
            mono_ns,
            payload_len,
            dropped_before,
            body,
            extensions,
        };
        (descriptor, u64::from(payload_len) + room)
    })
}
