//! Where planes and channels lie.

use frame_ring_core::descriptor::*;

use crate::KNOWN;

#[test]
fn odd_sizes_round_chroma_up() {
    let cases = [
        (FourCc::I420, 1, 1, vec![(0, 1, 1), (1, 1, 1), (2, 1, 1)], 3),
        (FourCc::I420A, 1, 1, vec![(0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1)], 4),
        (FourCc::NV12, 1, 1, vec![(0, 1, 1), (1, 2, 1)], 3),
        (FourCc::P010, 1, 1, vec![(0, 2, 1), (2, 4, 1)], 6),
        (FourCc::RGBA, 1, 1, vec![(0, 4, 1)], 4),
        (FourCc::I420, 641, 359, vec![(0, 641, 359), (230_119, 321, 180), (287_899, 321, 180)], 345_679),
        (FourCc::I422, 641, 359, vec![(0, 641, 359), (230_119, 321, 359), (345_358, 321, 359)], 460_597),
        (FourCc::I444, 641, 359, vec![(0, 641, 359), (230_119, 641, 359), (460_238, 641, 359)], 690_357),
        (FourCc::NV12, 641, 359, vec![(0, 641, 359), (230_119, 642, 180)], 345_679),
        (FourCc::P010, 641, 359, vec![(0, 1282, 359), (460_238, 1284, 180)], 691_358),
        (FourCc::I010, 641, 359, vec![(0, 1282, 359), (460_238, 642, 180), (575_798, 642, 180)], 691_358),
        (FourCc::BGRX, 641, 359, vec![(0, 2564, 359)], 920_476),
        (FourCc::GREY, 641, 359, vec![(0, 641, 359)], 230_119),
        (
            FourCc::I420,
            1920,
            1080,
            vec![(0, 1920, 1080), (2_073_600, 960, 540), (2_592_000, 960, 540)],
            3_110_400,
        ),
    ];
    for (fourcc, width, height, planes, len) in cases {
        let format = VideoFormat::packed(fourcc, width, height).expect("valid");
        assert_eq!(usize::from(format.plane_count), planes.len(), "{fourcc}");
        for (index, (offset, stride, rows)) in planes.into_iter().enumerate() {
            assert_eq!(format.planes[index], Plane { offset, stride }, "{fourcc} plane {index}");
            assert_eq!(format.plane_row_bytes(index), stride, "{fourcc} plane {index}");
            assert_eq!(format.plane_rows(index), rows, "{fourcc} plane {index}");
        }
        assert_eq!(format.payload_len(), len, "{fourcc}");
        assert_eq!(format.check(len), Ok(()), "{fourcc}");
        assert!(format.check(len - 1).is_err(), "{fourcc}");
        assert_eq!(format.plane_rows(usize::from(format.plane_count)), 0);
        assert_eq!(format.plane_bytes(4), 0..0);
    }
}

#[test]
fn aligned_strides_and_planes() {
    let format = VideoFormat::aligned(FourCc::I420, 641, 359, 64).expect("valid");
    let planes = [(0, 704), (704 * 359, 384), (704 * 359 + 384 * 180, 384)];
    for (plane, (offset, stride)) in format.planes.into_iter().zip(planes) {
        assert_eq!(plane, Plane { offset, stride });
        assert_eq!(offset % 64, 0);
    }
    // The padding after the last row is not needed.
    let len = 704 * 359 + 384 * 180 + 384 * 179 + 321;
    assert_eq!(format.payload_len(), len);
    assert_eq!(format.plane_bytes(1), 704 * 359..704 * 359 + 384 * 179 + 321);
    assert_eq!(format.check(len), Ok(()));
}

#[test]
fn the_largest_pictures_fit() {
    for fourcc in KNOWN {
        if fourcc == FourCc::I410 {
            let needed = 6 * 32_767 * 32_767;
            let refused = VideoFormat::packed(fourcc, MAX_SIZE, MAX_SIZE);
            assert_eq!(refused, Err(FormatError::TooLarge { needed }), "6 bytes for each pixel");
            continue;
        }
        let format = VideoFormat::packed(fourcc, MAX_SIZE, MAX_SIZE).expect("fits");
        assert_eq!(Descriptor::new(Body::Video(format)).encode().map(|_| ()), Ok(()), "{fourcc}");
    }
    assert_eq!(
        VideoFormat::aligned(FourCc::RGBA, MAX_SIZE, MAX_SIZE, 1 << 18),
        Err(FormatError::TooLarge { needed: 32_766 * (1 << 18) + 32_767 * 4 })
    );
    assert_eq!(
        VideoFormat::aligned(FourCc::GREY, 1, 1, 1 << 31).map(|format| format.planes[0].stride),
        Ok(1 << 31)
    );
}

#[test]
fn formats_of_nonsense_do_not_overflow() {
    let most = Plane { offset: u32::MAX, stride: u32::MAX };
    let video = VideoFormat::packed(FourCc::P010, 1, 1).expect("valid");
    let huge = VideoFormat {
        coded_width: u32::MAX,
        coded_height: u32::MAX,
        planes: [most; 4],
        plane_count: 255,
        ..video
    };
    // Plane 0 has 2^32 - 1 rows, and 2^32 - 1 is where a row's length stops.
    let max = u64::from(u32::MAX);
    assert_eq!(huge.payload_len(), max + max * (max - 1) + max);
    assert_eq!(huge.check(u64::MAX), Err(FormatError::Size { field: "coded width", found: u32::MAX }));

    let audio = AudioFormat::planar(SampleFormat::F32, u16::MAX, u32::MAX, u32::MAX);
    assert_eq!(audio.plane_stride, u32::MAX);
    assert_eq!(audio.payload_len(), max * 65_534 + max * 4);
    assert_eq!(
        audio.check(u64::MAX),
        Err(FormatError::PlaneStride { least: max * 4, most: u32::MAX, found: u32::MAX })
    );
    let nobody = AudioFormat { channels: 0, ..audio };
    assert_eq!((nobody.plane_count(), nobody.plane_bytes(0)), (0, 0..0));
    assert_eq!(Descriptor::new(Body::Audio(audio)).payload_len, u32::MAX);
}

#[test]
fn audio_lengths_and_planes() {
    let planar = AudioFormat { plane_stride: 2048, ..AudioFormat::planar(SampleFormat::F32, 3, 48_000, 480) };
    assert_eq!(planar.payload_len(), 2048 * 2 + 1920);
    assert_eq!(planar.plane_count(), 3);
    assert_eq!(planar.plane_bytes(2), 4096..6016);
    assert_eq!(planar.plane_bytes(3), 0..0);
    let interleaved = AudioFormat::interleaved(SampleFormat::S16, 2, 48_000, 480);
    assert_eq!(interleaved.payload_len(), 1920);
    assert_eq!(interleaved.plane_bytes(0), 0..1920);
    assert_eq!(interleaved.plane_bytes(1), 0..0);
    assert_eq!(AudioFormat::interleaved(SampleFormat::U8, 5, 8000, 7).payload_len(), 35);
    assert_eq!(AudioFormat::planar(SampleFormat::S32, 2, 8000, 0).check(0), Ok(()));
}
