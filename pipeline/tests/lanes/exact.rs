//! Exact bytes, samples and times.

use std::collections::BTreeMap;

use frame_ring::{Body, FourCc, Kind, TrackKind, TrackSource};

use super::stage::{byte_of, Stage};
use super::web;

#[test]
fn pictures_of_every_size_arrive_byte_for_byte() {
    let Some(mut stage) = Stage::new() else { return };
    // Format, its code, size, and for each plane: width, height, bytes of one position.
    type Planes = &'static [(usize, usize, usize)];
    let formats: [(&str, FourCc, usize, usize, Planes); 6] = [
        ("I420", FourCc::I420, 34, 18, &[(34, 18, 1), (17, 9, 1), (17, 9, 1)]),
        ("I420", FourCc::I420, 33, 17, &[(33, 17, 1), (17, 9, 1), (17, 9, 1)]),
        ("I420", FourCc::I420, 641, 359, &[(641, 359, 1), (321, 180, 1), (321, 180, 1)]),
        ("NV12", FourCc::NV12, 64, 36, &[(64, 36, 1), (32, 18, 2)]),
        ("RGBA", FourCc::RGBA, 33, 17, &[(33, 17, 4)]),
        ("BGRA", FourCc::BGRA, 320, 181, &[(320, 181, 4)]),
    ];
    stage.run("await open()");
    for (format, code, width, height, planes) in formats {
        let size: usize = planes.iter().map(|(w, h, bytes)| w * h * bytes).sum();
        stage.begin(&format!(
            "const {{ writer, capture }} = made('video', {{ label: 'exact', source: 'screen', participant: 'p', sourceId: 7 }});
             await sleep(200);
             for (let n = 1; n <= 8; n++) {{ await picture(writer, n, '{format}', {width}, {height}, {size}); await sleep(30); }}
             capture.stop();"
        ));
        let mut seen = 0;
        loop {
            let (id, frame) = stage.frame();
            let about = *frame.descriptor();
            if about.payload_len == 0 {
                break;
            }
            let n = (about.pts_ns.expect("a time") / 40_000_000) as u64;
            let Body::Video(told) = about.body else { panic!("{about:?}") };
            assert_eq!(
                (told.fourcc, told.visible.width, told.visible.height),
                (code, width as u16, height as u16)
            );
            assert_eq!(about.source, 7);
            let picture = frame.video().expect("a picture");
            let mut at = 0;
            for (plane, (w, h, bytes)) in planes.iter().enumerate() {
                let view = picture.plane(plane).expect("a plane");
                for row in 0..*h {
                    let found = view.row(row).expect("a row").to_vec();
                    let expected: Vec<u8> = (at..at + w * bytes).map(|i| byte_of(n, i)).collect();
                    assert_eq!(
                        found, expected,
                        "{format} {width}x{height}, frame {n}, plane {plane}, row {row}"
                    );
                    at += w * bytes;
                }
            }
            let track =
                stage.hub.ring(id).and_then(|ring| ring.tracks().into_iter().find(|t| t.id == about.track));
            let info = track.and_then(|track| track.info).expect("a track");
            assert_eq!(
                (info.kind, info.source, info.label.to_string().as_str()),
                (TrackKind::Video, TrackSource::Screen, "exact")
            );
            seen += 1;
        }
        assert!(seen >= 6, "{seen} of 8 frames of {format} {width}x{height}");
    }
}

#[test]
fn sound_arrives_sample_for_sample() {
    let Some(mut stage) = Stage::new() else { return };
    stage.run("await open()");
    stage.begin(
        "const { writer } = made('audio', { label: 'exact' });
         await sleep(200);
         for (let n = 1; n <= 40; n++) { await sound(writer, n, 2, 480); await sleep(5); }",
    );
    let mut last = 0;
    while last < 40 {
        let (_, frame) = stage.frame();
        let about = *frame.descriptor();
        let Body::Audio(told) = about.body else { panic!("{about:?}") };
        assert_eq!((told.rate, told.channels, told.frames, told.planar), (48000, 2, 480, true));
        let view = frame.audio().expect("sound");
        let first = view.plane(0).expect("a channel").to_vec();
        let first = f32::from_le_bytes(first[..4].try_into().expect("four bytes"));
        let is_it = |n: &u64| f32::from(byte_of(*n, 0)) / 256.0 - 0.5 == first;
        let n = (last + 1..=40)
            .find(is_it)
            .unwrap_or_else(|| panic!("{first} is in no block behind {last}: {about:?}"));
        last = n;
        for channel in 0..2 {
            let bytes = view.plane(channel).expect("a channel").to_vec();
            for (i, sample) in bytes.chunks_exact(4).enumerate() {
                let found = f32::from_le_bytes(sample.try_into().expect("four bytes"));
                let expected = f32::from(byte_of(n, channel * 480 + i)) / 256.0 - 0.5;
                assert_eq!(found, expected, "block {n}, channel {channel}, sample {i}");
            }
        }
    }
}

/// The fake camera and microphone of Chromium, as one stream.
#[test]
fn camera_and_microphone_are_on_one_clock() {
    let Some(launch) = web::launch(web::FULL) else { return };
    let launch = launch.args(["--use-fake-device-for-media-stream=fps=30", "--use-fake-ui-for-media-stream"]);
    let Some(mut stage) = Stage::with(launch) else { return };
    stage.run(
        "await open();
         const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
         stream.getTracks().forEach((track) => ring.captureTrack(track, { label: track.kind }));",
    );
    let mut times: BTreeMap<bool, Vec<(u64, u64)>> = BTreeMap::new();
    let enough = |times: &BTreeMap<bool, Vec<(u64, u64)>>| {
        let len = |is_picture| times.get(&is_picture).map_or(0, Vec::len);
        len(true) >= 60 && len(false) >= 200
    };
    while !enough(&times) {
        let (_, frame) = stage.frame();
        let about = frame.descriptor();
        times.entry(about.kind() == Kind::Video).or_default().push((about.mono_ns, frame_ring::mono_ns()));
    }
    for (is_picture, times) in &times {
        let kind = if *is_picture { "pictures" } else { "sound" };
        // A clock that is fitted to arrivals may go back by as much as it learns; after half of them it has learnt.
        for pair in times[times.len() / 2..].windows(2) {
            assert!(pair[1].0 > pair[0].0, "{kind}: {pair:?}");
        }
        let mut late: Vec<u64> =
            times.iter().map(|(captured, seen)| seen.saturating_sub(*captured)).collect();
        late.sort_unstable();
        let (half, most) = (late[late.len() / 2], late[late.len() * 99 / 100]);
        println!("{kind}: seen {} us after the capture, p99 {} us", half / 1000, most / 1000);
        assert!(half < 1_000_000_000, "{kind}: not on the clock of this machine");
    }
}
