//! The bytes on the wire, and the text that people see.

use frame_ring_core::descriptor::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}

/// The wire format, byte by byte: a change of these is a new version.
#[test]
fn the_bytes_stay_what_they_are() {
    let base = Descriptor {
        flags: Flags::DISCONT | Flags::ESTIMATED_TS,
        track: 0x0102_0304,
        source: 0x1112_1314,
        sequence: 0x2122_2324_2526_2728,
        pts_ns: Some(-2),
        duration_ns: 33_333_333,
        mono_ns: 0x3132_3334_3536_3738,
        dropped_before: 9,
        ..Descriptor::opaque()
    };
    let mut video = VideoFormat::aligned(FourCc::I420, 641, 359, 64).expect("valid");
    video.visible = Rect { x: 1, y: 2, width: 640, height: 357 };
    (video.display_width, video.display_height) = (357, 640);
    (video.rotation, video.flip) = (Rotation::Clockwise90, true);
    (video.colour, video.fps_milli) = (Colour::SRGB, 29_970);
    let audio = AudioFormat {
        plane_stride: 2048,
        channel_mask: 3,
        position: 0x4142_4344_4546_4748,
        ..AudioFormat::planar(SampleFormat::F32, 2, 48_000, 480)
    };
    let encoded = EncodedFormat {
        codec: FourCc::VP09,
        dts_ns: None,
        key: true,
        width: 1280,
        height: 720,
        temporal_layer: 1,
        spatial_layer: 2,
    };
    let event = EventInfo { code: 7, subject: 8, arg: 0x5152_5354_5556_5758 };
    let mut extensions = Extensions::new();
    extensions.push_rtp_timestamp(0x6162_6364).expect("room");
    extensions.push(0x4000, b"frame").expect("room");
    let video_len = video.payload_len() as u32;
    let cases = [
        (
            Descriptor { body: Body::Video(video), payload_len: video_len, extensions, ..base },
            "9800 01 01 81000000  04030201 14131211  2827262524232221  feffffffffffffff
             3837363534333231  55a0fc01 01f70500  09000000 00000000  0000000000000000
             59553132 12750000  8102 6701 0100 0200  8002 6501 6501 8002  05 03 08 02 01 0d 00 00
             00000000 c0020000  40db0300 80010000  40e90400 80010000  00000000 00000000
             0100 0400 64636261  0040 0500 6672616d 65 00000000000000",
        ),
        (
            Descriptor { body: Body::Audio(audio), payload_len: 3968, ..base },
            "6000 01 02 81000000  04030201 14131211  2827262524232221  feffffffffffffff
             3837363534333231  55a0fc01 800f0000  09000000 00000000  0000000000000000
             04 01 0200 80bb0000  e0010000 00080000  0300000000000000  4847464544434241",
        ),
        (
            Descriptor {
                body: Body::EncodedVideo(encoded),
                flags: base.flags | Flags::KEY,
                payload_len: 1,
                ..base
            },
            "5800 01 03 a1000000  04030201 14131211  2827262524232221  feffffffffffffff
             3837363534333231  55a0fc01 01000000  09000000 00000000  0000000000000000
             76703039 0005 d002  0000000000000080  01 01 02 0000000000",
        ),
        (
            Descriptor { body: Body::Event(event), pts_ns: None, ..base },
            "5000 01 06 81000000  04030201 14131211  2827262524232221  0000000000000080
             3837363534333231  55a0fc01 00000000  09000000 00000000  0000000000000000
             07000000 08000000  5857565554535251",
        ),
        (
            Descriptor { payload_len: 5, ..base },
            "4000 01 05 81000000  04030201 14131211  2827262524232221  feffffffffffffff
             3837363534333231  55a0fc01 05000000  09000000 00000000  0000000000000000",
        ),
    ];
    for (descriptor, text) in cases {
        let encoded = descriptor.encode().expect("valid");
        let bytes = encoded.bytes();
        let expected = hex(text);
        assert_eq!(bytes[..8 * encoded.word_count()], expected, "{descriptor:?}");
        assert!(bytes[expected.len()..].iter().all(|byte| *byte == 0));
    }
    let audio_only = Descriptor { body: Body::EncodedAudio(EncodedFormat::default()), ..base };
    assert_eq!(audio_only.encode().expect("valid").bytes()[3], 4);
}

#[test]
fn four_characters_are_shown() {
    assert_eq!(FourCc::I420.to_string(), "YU12");
    assert_eq!(FourCc::GREY.to_string(), "R8  ");
    assert_eq!(FourCc(0x1b41_ff0a).to_string(), "??A?");
    assert_eq!(format!("{:?}", FourCc::NV12), "FourCc(NV12, 0x3231564e)");
    assert_eq!(FourCc::I420.0, 0x3231_5559);
}

#[test]
fn flags_are_sets() {
    let flags = Flags::KEY | Flags::EOS;
    assert!(flags.contains(Flags::KEY) && !flags.contains(Flags::KEY | Flags::GAP));
    assert_eq!(flags, Flags::NONE.union(Flags(0x28)));
    assert_eq!(flags.to_string(), "EOS|KEY");
    assert_eq!(Flags::NONE.to_string(), "-");
    assert_eq!(format!("{:?}", Flags(0x200)), "Flags(0x200)");
}
