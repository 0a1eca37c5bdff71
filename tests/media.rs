//! Pictures and sound: planes with strides of their own on both sides, odd sizes, and what is too short to be one.

mod support;

use frame_ring::{
    AudioFormat, Body, Consumer, Descriptor, Extensions, Flags, FormatError, FourCc, Frame, Picture, Plane,
    Rotation, SampleFormat, SendError, Sent, Sound, Track, TrackInfo, TrackKind, TrackSource, VideoFormat,
};
use support::{next, producer, Random};

fn ring_and_track() -> (Consumer, Track) {
    let ring = support::ring(1 << 20);
    let info = TrackInfo::new(TrackKind::Video, TrackSource::Screen, "media");
    let track = producer(&ring, "sender").track(&info).expect("a track");
    (ring, track)
}

/// The planes of a random picture, with so many bytes of padding behind each row but the last; also what they show.
struct Source {
    planes: Vec<(Vec<u8>, usize)>,
    rows: Vec<Vec<Vec<u8>>>,
}

impl Source {
    fn new(format: &VideoFormat, padding: usize, random: &mut Random) -> Self {
        let (mut planes, mut rows) = (Vec::new(), Vec::new());
        for plane in 0..usize::from(format.plane_count) {
            let row_bytes = format.plane_row_bytes(plane) as usize;
            let plane_rows: Vec<_> = (0..format.plane_rows(plane)).map(|_| random.bytes(row_bytes)).collect();
            let mut bytes = Vec::new();
            for row in &plane_rows {
                bytes.extend_from_slice(row);
                bytes.resize(bytes.len() + padding, 0xee);
            }
            bytes.truncate(bytes.len() - padding);
            planes.push((bytes, row_bytes + padding));
            rows.push(plane_rows);
        }
        Self { planes, rows }
    }

    fn planes(&self) -> Vec<(&[u8], usize)> {
        self.planes.iter().map(|(bytes, stride)| (&bytes[..], *stride)).collect()
    }
}

/// Looks at a picture in all the ways there are.
fn compare(frame: &Frame, format: &VideoFormat, rows: &[Vec<Vec<u8>>]) {
    let view = frame.video().expect("a picture");
    assert_eq!(view.format(), format);
    assert_eq!(view.planes().count(), rows.len());
    assert!(view.plane(rows.len()).is_none() && view.plane(usize::MAX).is_none());
    assert!(frame.audio().is_none());
    for (number, (plane, rows)) in view.planes().zip(rows).enumerate() {
        let row_bytes = rows[0].len();
        assert_eq!((plane.rows(), plane.row_bytes()), (rows.len(), row_bytes));
        assert_eq!(plane.stride(), format.planes[number].stride as usize);
        assert_eq!(plane.bytes().len(), plane.stride() * (rows.len() - 1) + row_bytes);
        for (row, expected) in rows.iter().enumerate() {
            assert!(plane.row(row).expect("a row").to_vec() == *expected, "plane {number}, row {row}");
        }
        assert!(plane.row(rows.len()).is_none());
        // Packed, with another stride, with the same stride.
        for stride in [row_bytes, row_bytes + 13, plane.stride()] {
            let needed = stride * (rows.len() - 1) + row_bytes;
            let mut to = vec![0xaa; needed + 5];
            assert!(plane.copy_to(&mut to, stride));
            for (row, expected) in rows.iter().enumerate() {
                assert!(to[row * stride..row * stride + row_bytes] == *expected, "plane {number}, row {row}");
            }
            assert_eq!(to[needed..], [0xaa; 5], "nothing behind the last row");
            assert!(plane.copy_to(&mut to[..needed], stride), "not a byte more than needed");
            let mut short = vec![0xaa; needed - 1];
            assert!(!plane.copy_to(&mut short, stride), "a byte less");
            assert!(short.iter().all(|b| *b == 0xaa));
        }
        let mut to = vec![0; 1 << 16];
        assert!(!plane.copy_to(&mut to, row_bytes - 1), "rows would overlap");
        assert!(!plane.copy_to(&mut to, 0));
    }
}

#[test]
fn pictures_arrive_whole_whatever_the_strides() {
    let (mut ring, mut track) = ring_and_track();
    let mut random = Random::new(1);
    let formats =
        [FourCc::I420, FourCc::NV12, FourCc::RGBA, FourCc::GREY, FourCc::I420A, FourCc::I422, FourCc::P010];
    for fourcc in formats {
        for (width, height) in [(64, 36), (33, 17), (1, 1), (1, 9), (31, 1), (2, 2)] {
            for align in [1, 16, 64] {
                let format = VideoFormat::aligned(fourcc, width, height, align).expect("a format");
                for padding in [0, 1, 31] {
                    let source = Source::new(&format, padding, &mut random);
                    let picture = Picture { format, planes: &source.planes() };
                    assert_eq!(track.send_video(&picture, &Descriptor::default()), Ok(Sent::Committed));
                    compare(&next(&mut ring), &format, &source.rows);
                }
            }
        }
    }
}

#[test]
fn planes_may_lie_anywhere_in_the_payload() {
    let (mut ring, mut track) = ring_and_track();
    let mut format = VideoFormat::packed(FourCc::I420, 20, 10).expect("a format");
    // The last plane first, gaps between them.
    format.planes[2] = Plane { offset: 0, stride: 11 };
    format.planes[0] = Plane { offset: 100, stride: 32 };
    format.planes[1] = Plane { offset: 500, stride: 10 };
    format.rotation = Rotation::Clockwise90;
    format.flip = true;
    let source = Source::new(&format, 3, &mut Random::new(2));
    let picture = Picture { format, planes: &source.planes() };
    track.send_video(&picture, &Descriptor::default()).expect("sent");
    let frame = next(&mut ring);
    compare(&frame, &format, &source.rows);
    assert_eq!(frame.payload().len(), 550);
    let detached = frame.detach();
    assert_eq!(detached.video().expect("a picture").plane(2).expect("a plane").rows(), 5);
}

#[test]
fn what_is_said_of_a_picture_arrives_with_it() {
    let (mut ring, mut track) = ring_and_track();
    let format = VideoFormat::packed(FourCc::GREY, 2, 1).expect("a format");
    let picture = Picture { format, planes: &[(b"ab", 2)] };
    let template = Descriptor {
        pts_ns: Some(-5),
        duration_ns: 33,
        mono_ns: 77,
        source: 9,
        flags: Flags::FORMAT_CHANGED,
        // These are the track's business.
        track: 1234,
        sequence: 99,
        dropped_before: 5,
        payload_len: 1,
        body: Body::Opaque,
        extensions: Extensions::new(),
    };
    track.send_video(&picture, &template).expect("sent");
    let expected = Descriptor {
        track: track.id(),
        sequence: 0,
        dropped_before: 0,
        payload_len: 2,
        body: Body::Video(format),
        flags: Flags::FORMAT_CHANGED | Flags::DISCONT,
        ..template
    };
    assert_eq!(*next(&mut ring).descriptor(), expected);
    // Without a time of its own it gets that of its sending, and says so.
    let before = frame_ring::mono_ns();
    track.send_video(&picture, &Descriptor::default()).expect("sent");
    let frame = next(&mut ring);
    let descriptor = frame.descriptor();
    assert!((before..=frame_ring::mono_ns()).contains(&descriptor.mono_ns));
    assert_eq!((descriptor.flags, descriptor.sequence, descriptor.pts_ns), (Flags::ESTIMATED_TS, 1, None));
}

#[test]
fn a_change_of_format_is_flagged_once() {
    let (mut ring, mut track) = ring_and_track();
    let sizes = [2, 2, 4, 4];
    for width in sizes {
        let format = VideoFormat::packed(FourCc::GREY, width, 1).expect("a format");
        let picture = Picture { format, planes: &[(b"abcd", 4)] };
        track.send_video(&picture, &Descriptor::default()).expect("sent");
    }
    let flagged = sizes.map(|_| next(&mut ring).descriptor().flags.contains(Flags::FORMAT_CHANGED));
    assert_eq!(flagged, [false, false, true, false]);
}

#[test]
fn sound_arrives_whole() {
    let (mut ring, mut track) = ring_and_track();
    let mut random = Random::new(3);
    let template = Descriptor::default();
    for sample in [SampleFormat::U8, SampleFormat::S16, SampleFormat::S32, SampleFormat::F32] {
        for (channels, frames) in [(1, 1), (2, 480), (6, 441), (3, 0)] {
            let plane_len = (frames * sample.bytes()) as usize;
            // One plane for all channels; what is given may be longer than what is said.
            let format = AudioFormat::interleaved(sample, channels, 48_000, frames);
            let bytes = random.bytes(plane_len * usize::from(channels) + 3);
            track.send_audio(&Sound { format, planes: &[&bytes] }, &template).expect("sent");
            let frame = next(&mut ring);
            let view = frame.audio().expect("sound");
            assert_eq!(*view.format(), format);
            assert_eq!(view.plane(0).expect("a plane").to_vec(), bytes[..bytes.len() - 3]);
            assert!(view.plane(1).is_none() && frame.video().is_none());
            assert_eq!(frame.payload().len(), bytes.len() - 3);

            // One for each, close together and apart.
            let close = AudioFormat::planar(sample, channels, 44_100, frames);
            let apart = AudioFormat { plane_stride: close.plane_stride + 20, position: 5, ..close };
            for format in [close, apart] {
                let planes: Vec<_> = (0..channels).map(|_| random.bytes(plane_len + 1)).collect();
                let slices: Vec<_> = planes.iter().map(|plane| &plane[..]).collect();
                track.send_audio(&Sound { format, planes: &slices }, &template).expect("sent");
                let frame = next(&mut ring).detach();
                let view = frame.audio().expect("sound");
                assert_eq!(*view.format(), format);
                for (number, plane) in planes.iter().enumerate() {
                    assert_eq!(view.plane(number).expect("a plane").to_vec(), plane[..plane_len]);
                }
                assert!(view.plane(planes.len()).is_none() && view.plane(usize::MAX).is_none());
            }
        }
    }
}

#[test]
fn pictures_and_sound_that_are_none_are_refused_before_anything_is_claimed() {
    let (mut ring, mut track) = ring_and_track();
    let format = VideoFormat::packed(FourCc::I420, 4, 4).expect("a format");
    let (y, u, v) = ([1; 16], [2; 4], [3; 4]);
    let short = |plane, expected, found| Err(SendError::ShortPlane { plane, expected, found });
    let mut send = |format, planes: &[(&[u8], usize)]| {
        track.send_video(&Picture { format, planes }, &Descriptor::default())
    };
    assert_eq!(send(format, &[(&y[..15], 4), (&u, 2), (&v, 2)]), short(0, 16, 15));
    assert_eq!(send(format, &[(&y, 5), (&u, 2), (&v, 2)]), short(0, 19, 16));
    assert_eq!(send(format, &[(&y, 4), (&u, 2), (&v[..3], 2)]), short(2, 4, 3));
    assert_eq!(send(format, &[(&y, 4), (&u, 2)]), short(2, 4, 0));
    assert_eq!(send(format, &[]), short(0, 16, 0));
    assert!(matches!(
        send(format, &[(&y, 3), (&u, 2), (&v, 2)]),
        Err(SendError::ShortPlane { plane: 0, .. })
    ));
    assert!(matches!(
        send(format, &[(&y, usize::MAX), (&u, 2), (&v, 2)]),
        Err(SendError::ShortPlane { plane: 0, .. })
    ));
    let mut narrow = format;
    narrow.planes[0].stride = 3;
    assert_eq!(
        send(narrow, &[(&y, 4), (&u, 2), (&v, 2)]),
        Err(SendError::Format(FormatError::Stride { plane: 0, least: 4, found: 3 }))
    );
    let empty = VideoFormat { coded_width: 0, ..format };
    assert!(matches!(
        send(empty, &[(&y, 4), (&u, 2), (&v, 2)]),
        Err(SendError::Format(FormatError::Size { found: 0, .. }))
    ));
    // How the planes of an unknown format are to be copied is not known.
    let unknown = VideoFormat { fourcc: FourCc::new(*b"ABCD"), ..format };
    assert_eq!(
        send(unknown, &[(&y, 4), (&u, 2), (&v, 2)]),
        Err(SendError::Format(FormatError::UnknownFourCc { found: unknown.fourcc }))
    );

    let mut play =
        |format, planes: &[&[u8]]| track.send_audio(&Sound { format, planes }, &Descriptor::default());
    let planar = AudioFormat::planar(SampleFormat::S16, 2, 8000, 8);
    assert_eq!(play(planar, &[&y, &y[..15]]), short(1, 16, 15));
    assert_eq!(play(planar, &[&y]), short(1, 16, 0));
    let interleaved = AudioFormat::interleaved(SampleFormat::S16, 2, 8000, 8);
    assert_eq!(play(interleaved, &[&y, &y]), short(0, 32, 16));
    let silent = AudioFormat { channels: 0, ..interleaved };
    assert_eq!(play(silent, &[&y]), Err(SendError::Format(FormatError::NoChannels)));
    let still = AudioFormat { rate: 0, ..interleaved };
    assert_eq!(play(still, &[&y]), Err(SendError::Format(FormatError::NoRate)));
    let overlapping = AudioFormat { plane_stride: 15, ..planar };
    assert!(matches!(
        play(overlapping, &[&y, &y]),
        Err(SendError::Format(FormatError::PlaneStride { least: 16, found: 15, .. }))
    ));

    assert!(ring.try_recv().expect("no error").is_none());
    assert_eq!((ring.snapshot().used_slots, ring.tracks()[0].dropped), (0, 0));
    // And a good one goes through as the first.
    let good = Picture { format, planes: &[(&y, 4), (&u, 2), (&v, 2)] };
    track.send_video(&good, &Descriptor::default()).expect("sent");
    assert_eq!(next(&mut ring).descriptor().sequence, 0);
}

#[test]
fn frames_are_made_in_place() {
    let (mut ring, mut track) = ring_and_track();
    let format = VideoFormat::packed(FourCc::GREY, 4, 2).expect("a format");
    let template = Descriptor::new(Body::Video(format));
    let sent = track.send_in_place(8, &template, |grant| {
        assert_eq!(grant.len(), 8);
        grant.write_at(4, b"efgh");
        grant.write_at(0, b"abcd");
    });
    assert_eq!(sent, Ok(Sent::Committed));
    let frame = next(&mut ring);
    assert_eq!(
        frame.video().expect("a picture").plane(0).expect("a plane").row(1).expect("a row").to_vec(),
        b"efgh"
    );
    // What does not hold the picture is not committed, and counts as lost.
    let why = track.send_in_place(7, &template, |grant| grant.write_at(0, b"abcdefg"));
    assert!(matches!(why, Err(SendError::Commit(_))), "{why:?}");
    track.send_bytes(b"next", &Descriptor::opaque()).expect("sent");
    let frame = next(&mut ring);
    assert_eq!((frame.descriptor().sequence, frame.descriptor().dropped_before), (2, 1));
    assert!(frame.descriptor().flags.contains(Flags::DISCONT));
}
