//! Each error, with its values.

use frame_ring_core::descriptor::*;

use crate::small;

#[test]
fn wrong_video_formats_are_refused() {
    let good = small();
    let fourcc = FourCc::I420;
    let unknown = FourCc::new(*b"ABCD");
    let mut short_stride = good;
    short_stride.planes[2].stride = 1;
    let mut moved = good;
    moved.planes[1].offset = 11;
    let mut extra = good;
    extra.planes[3].stride = 1;
    let mut free = VideoFormat { fourcc: unknown, plane_count: 1, planes: [Plane::default(); 4], ..good };
    free.planes[0] = Plane { offset: 5, stride: 8 };
    let rect = |x, y, width, height| Rect { x, y, width, height };
    let outside = |found| FormatError::VisibleRect { found, width: 4, height: 2 };
    let size = |field, found| FormatError::Size { field, found };
    let cases = [
        (VideoFormat { coded_width: 0, ..good }, size("coded width", 0)),
        (VideoFormat { coded_width: 32_768, ..good }, size("coded width", 32_768)),
        (VideoFormat { coded_height: 65_537, ..good }, size("coded height", 65_537)),
        (VideoFormat { display_width: 0, ..good }, size("display width", 0)),
        (VideoFormat { display_height: 40_000, ..good }, size("display height", 40_000)),
        (VideoFormat { visible: rect(0, 0, 5, 2), ..good }, outside(rect(0, 0, 5, 2))),
        (VideoFormat { visible: rect(1, 0, 4, 2), ..good }, outside(rect(1, 0, 4, 2))),
        (VideoFormat { visible: rect(0, 1, 4, 2), ..good }, outside(rect(0, 1, 4, 2))),
        (VideoFormat { visible: rect(0, 0, 0, 2), ..good }, outside(rect(0, 0, 0, 2))),
        (VideoFormat { visible: rect(0, 0, 4, 0), ..good }, outside(rect(0, 0, 4, 0))),
        (VideoFormat { visible: rect(4, 0, 1, 1), ..good }, outside(rect(4, 0, 1, 1))),
        (VideoFormat { visible: rect(65_535, 0, 65_535, 1), ..good }, outside(rect(65_535, 0, 65_535, 1))),
        (VideoFormat { plane_count: 2, ..good }, FormatError::PlaneCount { fourcc, expected: 3, found: 2 }),
        (VideoFormat { plane_count: 4, ..good }, FormatError::PlaneCount { fourcc, expected: 3, found: 4 }),
        (good.without_pixels(), FormatError::PlaneCount { fourcc, expected: 3, found: 0 }),
        (VideoFormat { bit_depth: 10, ..good }, FormatError::BitDepth { fourcc, expected: 8, found: 10 }),
        (extra, FormatError::UnusedPlane { plane: 3 }),
        (short_stride, FormatError::Stride { plane: 2, least: 2, found: 1 }),
        (moved, FormatError::PlaneOutside { plane: 1, end: 13, payload_len: 12 }),
        (
            VideoFormat { coded_height: 3, visible: rect(0, 0, 1, 1), ..good },
            FormatError::PlaneOutside { plane: 0, end: 12, payload_len: 11 },
        ),
        (VideoFormat { plane_count: 5, ..free }, FormatError::TooManyPlanes { found: 5 }),
        (free, FormatError::PlaneOutside { plane: 0, end: 13, payload_len: 12 }),
    ];
    for (format, error) in cases {
        let payload_len = match error {
            FormatError::PlaneOutside { payload_len, .. } => payload_len,
            _ => 12,
        };
        assert_eq!(format.check(payload_len), Err(error));
        let descriptor =
            Descriptor { payload_len: payload_len as u32, ..Descriptor::new(Body::Video(format)) };
        assert_eq!(descriptor.encode(), Err(DescriptorError::Format(error)));
        assert!(error.to_string().len() > 10);
    }
    assert_eq!(good.check(12), Ok(()));
    assert_eq!(good.without_pixels().check(0), Ok(()));
    assert_eq!(VideoFormat { plane_count: 0, planes: [Plane::default(); 4], ..free }.check(12), Ok(()));
    assert_eq!(free.check(13), Ok(()));
}

#[test]
fn layouts_that_cannot_be_are_refused() {
    let found = FourCc::new(*b"ABCD");
    assert_eq!(VideoFormat::packed(found, 1, 1), Err(FormatError::UnknownFourCc { found }));
    for (width, height, field, found) in [
        (0, 1, "coded width", 0),
        (1, 0, "coded height", 0),
        (32_768, 1, "coded width", 32_768),
        (1, u32::MAX, "coded height", u32::MAX),
    ] {
        let refused = VideoFormat::packed(FourCc::NV12, width, height);
        assert_eq!(refused, Err(FormatError::Size { field, found }));
    }
    for found in [0, 3, 48] {
        assert_eq!(VideoFormat::aligned(FourCc::NV12, 1, 1, found), Err(FormatError::StrideAlign { found }));
    }
}

#[test]
fn wrong_audio_formats_are_refused() {
    let planar = AudioFormat::planar(SampleFormat::S16, 2, 48_000, 10);
    let interleaved = AudioFormat::interleaved(SampleFormat::S16, 2, 48_000, 10);
    let cases = [
        (AudioFormat { channels: 0, ..planar }, FormatError::NoChannels),
        (AudioFormat { rate: 0, ..planar }, FormatError::NoRate),
        (
            AudioFormat { plane_stride: 19, ..planar },
            FormatError::PlaneStride { least: 20, most: u32::MAX, found: 19 },
        ),
        (
            AudioFormat { plane_stride: 20, ..interleaved },
            FormatError::PlaneStride { least: 0, most: 0, found: 20 },
        ),
        (
            AudioFormat { plane_stride: 21, ..planar },
            FormatError::SamplesOutside { needed: 41, payload_len: 40 },
        ),
        (
            AudioFormat { channels: 3, ..interleaved },
            FormatError::SamplesOutside { needed: 60, payload_len: 40 },
        ),
    ];
    for (format, error) in cases {
        assert_eq!(format.check(40), Err(error));
        let descriptor = Descriptor { payload_len: 40, ..Descriptor::new(Body::Audio(format)) };
        assert_eq!(descriptor.encode(), Err(DescriptorError::Format(error)));
        assert!(error.to_string().len() > 10);
    }
}

/// The words of a valid descriptor with the bits of `mask` in one word replaced.
fn with(descriptor: Descriptor, word: usize, mask: u64, value: u64) -> [u64; WORDS] {
    let mut words = *descriptor.encode().expect("valid").words();
    words[word] = (words[word] & !mask) | value;
    words
}

#[test]
fn wrong_words_are_refused() {
    let video = Descriptor::new(Body::Video(small()));
    let audio = Descriptor::new(Body::Audio(AudioFormat::interleaved(SampleFormat::U8, 1, 1, 1)));
    let encoded = Descriptor::new(Body::EncodedVideo(EncodedFormat { key: true, ..Default::default() }));
    let opaque = Descriptor::opaque();
    let event = Descriptor::event(EventInfo::default());
    let length = |least, most, found| DescriptorError::Length { least, most, found };
    let unknown = |field, found| DescriptorError::UnknownValue { field, found };
    let cases = [
        (with(opaque, 0, 0xff_0000, 0), DescriptorError::Version { found: 0 }),
        (with(opaque, 0, 0xff_0000, 0x2_0000), DescriptorError::Version { found: 2 }),
        (with(opaque, 0, 0xff00_0000, 0), DescriptorError::Kind { found: 0 }),
        (with(opaque, 0, 0xff00_0000, 0x700_0000), DescriptorError::Kind { found: 7 }),
        (with(opaque, 0, 0xffff, 0), length(64, 128, 0)),
        (with(opaque, 0, 0xffff, 56), length(64, 128, 56)),
        (with(opaque, 0, 0xffff, 68), length(64, 128, 68)),
        (with(opaque, 0, 0xffff, 136), length(64, 128, 136)),
        (with(event, 0, 0xffff, 72), length(80, 144, 72)),
        (with(encoded, 0, 0xffff, 80), length(88, 152, 80)),
        (with(audio, 0, 0xffff, 168), length(96, 160, 168)),
        (with(video, 0, 0xffff, 120), length(128, 192, 120)),
        (with(video, 0, 0xffff, 200), length(128, 192, 200)),
        (with(video, 0, 0xffff, 0xfff8), length(128, 192, 0xfff8)),
        (
            with(opaque, 5, u64::MAX, 101 << 32),
            DescriptorError::PayloadBeyondRoom { payload_len: 101, room: 100 },
        ),
        (with(video, 11, 0xff, 8), unknown("transform", 8)),
        (with(video, 11, 0xff00_0000, 0x300_0000), unknown("colour range", 3)),
        (with(audio, 8, 0xff, 0), unknown("sample format", 0)),
        (with(audio, 8, 0xff, 5), unknown("sample format", 5)),
        (with(audio, 8, 0xff00, 0x200), unknown("planar", 2)),
        (with(encoded, 10, 0xff, 2), unknown("key", 2)),
        (with(encoded, 10, 0xff, 0), DescriptorError::KeyMismatch { body: false }),
        (with(encoded, 0, 0x20 << 32, 0), DescriptorError::KeyMismatch { body: true }),
        (
            with(video, 9, 0x8000, 0x8000),
            DescriptorError::Format(FormatError::Size { field: "coded width", found: 32_772 }),
        ),
        (with(audio, 8, 0xffff_0000, 0), DescriptorError::Format(FormatError::NoChannels)),
    ];
    for (words, error) in cases {
        assert_eq!(Descriptor::decode(&words, 100), Err(error));
        assert!(error.to_string().len() > 10);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let pts = Descriptor { pts_ns: Some(i64::MIN), ..Descriptor::opaque() };
    assert_eq!(pts.encode(), Err(DescriptorError::ReservedTimestamp { field: "pts_ns" }));
    let dts = EncodedFormat { dts_ns: Some(i64::MIN), ..Default::default() };
    let dts = Descriptor::new(Body::EncodedAudio(dts));
    assert_eq!(dts.encode(), Err(DescriptorError::ReservedTimestamp { field: "dts_ns" }));
    let key =
        Descriptor { flags: Flags::KEY, ..Descriptor::new(Body::EncodedAudio(EncodedFormat::default())) };
    assert_eq!(key.encode(), Err(DescriptorError::KeyMismatch { body: false }));
}

#[test]
fn unknown_flags_and_reserved_fields_do_not_disturb() {
    let mut words =
        *Descriptor { flags: Flags(0x8000_0101), ..Descriptor::opaque() }.encode().expect("valid").words();
    words[6] |= 0xabcd << 32;
    words[7] = u64::MAX;
    let decoded = Descriptor::decode(&words, 0).expect("reserved fields are not looked at");
    assert_eq!(decoded.flags.0, 0x8000_0101);
    assert_eq!(decoded.flags.to_string(), "DISCONT|0x80000100");
    assert_eq!(decoded, Descriptor { flags: Flags(0x8000_0101), ..Descriptor::opaque() });
}

/// This number says how many words a ring copies out of a slot that a producer can write to.
#[test]
fn a_word_count_is_a_count_of_words_that_exist() {
    let counts = [(0, 1), (7, 1), (8, 1), (63, 7), (64, 8), (192, 24), (200, 24), (0xffff, 24), (!0, 24)];
    for (first, count) in counts {
        assert_eq!(word_count(first), count, "{first:#x}");
    }
    assert_eq!(word_count(!0xffff | 72), 9);
}
