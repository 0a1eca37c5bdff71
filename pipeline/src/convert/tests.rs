use super::*;
use frame_ring::Rect;

/// All samples of all planes, without padding.
fn samples(picture: &Picture<'_>) -> Vec<Vec<u8>> {
    let rows =
        |plane| (0..picture.plane_size(plane).1).flat_map(move |y| picture.row(plane, y).to_vec()).collect();
    (0..picture.layout().plane_count()).map(rows).collect()
}

fn of(fourcc: FourCc, width: u32, height: u32, bytes: &[u8]) -> Vec<Vec<u8>> {
    let format = VideoFormat::packed(fourcc, width, height).unwrap();
    assert_eq!(format.payload_len(), bytes.len() as u64);
    samples(&picture(&format, bytes, &mut Vec::new()).unwrap())
}

#[test]
fn planar_pictures_stay_as_they_are_and_alpha_is_left_out() {
    let bytes: Vec<u8> = (0..15 + 6 + 6 + 15).collect();
    let expected = [(0..15).collect::<Vec<u8>>(), (15..21).collect(), (21..27).collect()];
    assert_eq!(of(FourCc::I420, 5, 3, &bytes[..27]), expected);
    assert_eq!(of(FourCc::I420A, 5, 3, &bytes), expected);
    assert_eq!(of(FourCc::GREY, 5, 3, &bytes[..15]), expected[..1]);
}

#[test]
fn alternating_chroma_is_taken_apart() {
    let bytes: Vec<u8> = (0..15).chain([1, 101, 2, 102, 3, 103, 4, 104, 5, 105, 6, 106]).collect();
    let chroma = [vec![1, 2, 3, 4, 5, 6], vec![101, 102, 103, 104, 105, 106]];
    assert_eq!(of(FourCc::NV12, 5, 3, &bytes)[1..], chroma);
    let high: Vec<u8> = bytes.iter().flat_map(|byte| [0xc0, *byte]).collect();
    assert_eq!(of(FourCc::P010, 5, 3, &high), of(FourCc::NV12, 5, 3, &bytes));
}

#[test]
fn ten_bits_become_eight_and_too_many_saturate() {
    for (fourcc, luma) in [(FourCc::I010, 4), (FourCc::I210, 4), (FourCc::I410, 4)] {
        let mut bytes: Vec<u8> = (0..luma as u16).flat_map(|n| (n * 256 + 3).to_le_bytes()).collect();
        let format = VideoFormat::packed(fourcc, 2, 2).unwrap();
        bytes.resize(format.payload_len() as usize, 0xff);
        let planes = of(fourcc, 2, 2, &bytes);
        assert_eq!(planes[0], [0, 64, 128, 192], "{fourcc}");
        assert!(planes[2].iter().all(|sample| *sample == 255), "{fourcc}");
    }
}

#[test]
fn colours_keep_their_places() {
    // Black, white, red, blue.
    let bgra = [[0, 0, 0, 9], [255, 255, 255, 9], [0, 0, 255, 9], [255, 0, 0, 9]].concat();
    let planes = of(FourCc::BGRA, 2, 2, &bgra);
    assert_eq!(planes[0], [16, 235, 82, 41]);
    assert_eq!((planes[1][0], planes[1][1], planes[1][3]), (128, 128, 240));
    assert_eq!((planes[2][0], planes[2][1], planes[2][2]), (128, 128, 240));
    let rgba: Vec<u8> = bgra.chunks(4).flat_map(|p| [p[2], p[1], p[0], p[3]]).collect();
    assert_eq!(of(FourCc::RGBA, 2, 2, &rgba), planes);
}

#[test]
fn only_the_visible_part_is_taken() {
    let mut format = VideoFormat::aligned(FourCc::I420, 8, 6, 16).unwrap();
    format.visible = Rect { x: 2, y: 4, width: 3, height: 2 };
    let bytes: Vec<u8> = (0..format.payload_len()).map(|at| at as u8).collect();
    let planes = samples(&picture(&format, &bytes, &mut Vec::new()).unwrap());
    assert_eq!(planes, [vec![66, 67, 68, 82, 83, 84], vec![96 + 33, 96 + 34], vec![144 + 33, 144 + 34]]);
    format.fourcc = FourCc::NV12;
    format.plane_count = 2;
    let planes = samples(&picture(&format, &bytes, &mut Vec::new()).unwrap());
    assert_eq!(planes[1..], [[96 + 34, 96 + 36], [96 + 35, 96 + 37]]);
}

#[test]
fn what_is_no_picture_is_an_error() {
    let format = VideoFormat::packed(FourCc::I420, 4, 4).unwrap();
    let error = |format: &VideoFormat, bytes: &[u8]| picture(format, bytes, &mut Vec::new()).unwrap_err();
    assert!(matches!(error(&format, &[0; 23]), ConvertError::Picture(PictureError::Data { plane: 2, .. })));
    assert_eq!(error(&format.without_pixels(), &[]), ConvertError::Empty);
    let unknown = VideoFormat { fourcc: FourCc::AV01, ..format };
    assert_eq!(error(&unknown, &[0; 24]), ConvertError::PixelFormat { found: FourCc::AV01 });
    let nv12 = VideoFormat::packed(FourCc::NV12, 4, 4).unwrap();
    assert!(matches!(error(&nv12, &[0; 23]), ConvertError::Short { .. }));
}

#[test]
fn every_kind_of_sample_becomes_interleaved_floats() {
    let half = |sample, planar: bool, bytes: &[u8]| {
        let make = if planar { AudioFormat::planar } else { AudioFormat::interleaved };
        let mut out = vec![9.0; 99];
        sound(&make(sample, 2, 48_000, 2), bytes, &mut out).unwrap();
        out
    };
    let expected = [0.5, -0.5, 0.0, -1.0];
    assert_eq!(half(SampleFormat::U8, false, &[192, 64, 128, 0]), expected);
    let s16: Vec<u8> = [16_384i16, -16_384, 0, -32_768].iter().flat_map(|s| s.to_le_bytes()).collect();
    assert_eq!(half(SampleFormat::S16, false, &s16), expected);
    let s32: Vec<u8> = [1i32 << 30, -1 << 30, 0, i32::MIN].iter().flat_map(|s| s.to_le_bytes()).collect();
    assert_eq!(half(SampleFormat::S32, false, &s32), expected);
    let planar: Vec<u8> = [0.5f32, 0.0, -0.5, -1.0].iter().flat_map(|s| s.to_le_bytes()).collect();
    assert_eq!(half(SampleFormat::F32, true, &planar), expected);
    let short = sound(&AudioFormat::planar(SampleFormat::F32, 2, 48_000, 2), &planar[..15], &mut Vec::new());
    assert_eq!(short, Err(ConvertError::Short { needed: 16, found: 15 }));
}

#[test]
fn rates_survive_the_descriptor() {
    for rate in
        [FrameRate::whole(30), FrameRate::new(30_000, 1001).unwrap(), FrameRate::new(24_000, 1001).unwrap()]
    {
        let format = VideoFormat::packed(FourCc::I420, 4, 4).unwrap();
        assert_eq!(super::rate(&VideoFormat { fps_milli: fps_milli(rate), ..format }), Some(rate));
    }
    let format = VideoFormat { fps_milli: 12_500, ..VideoFormat::packed(FourCc::I420, 4, 4).unwrap() };
    assert_eq!(super::rate(&format), FrameRate::new(12_500, 1000));
    assert_eq!(super::rate(&VideoFormat { fps_milli: 0, ..format }), None);
}
