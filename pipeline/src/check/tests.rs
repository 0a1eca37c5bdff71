use frame_ring::{AudioFormat, FourCc, SampleFormat, VideoFormat};

use super::skew::Skews;
use super::*;
use crate::media::pattern::Pattern;
use crate::media::tone::Tone;
use crate::media::FrameRate;

const RATE: FrameRate = FrameRate::whole(30);

fn picture(number: u32) -> (Descriptor, Vec<u8>) {
    let format = VideoFormat { fps_milli: 30_000, ..VideoFormat::packed(FourCc::I420, 64, 64).unwrap() };
    let mut pattern = Pattern::new(64, 64, 7, RATE).unwrap();
    pattern.draw(number);
    let pts_ns = Some(RATE.time_ns(number.into()) as i64);
    let about =
        Descriptor { sequence: number.into(), source: 7, pts_ns, ..Descriptor::new(Body::Video(format)) };
    (about, pattern.bytes().to_vec())
}

fn sound(block: u64) -> (Descriptor, Vec<u8>) {
    let format =
        AudioFormat { position: block * 480, ..AudioFormat::interleaved(SampleFormat::F32, 2, 48_000, 480) };
    let mut samples = vec![0.0; 960];
    Tone::new(7).fill(block * 480, &mut samples);
    let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let pts_ns = Some(block as i64 * 10_000_000);
    (Descriptor { sequence: block, source: 7, pts_ns, ..Descriptor::new(Body::Audio(format)) }, bytes)
}

fn found(check: &TrackCheck) -> (u64, u64, u64, u64) {
    let Findings { frames, dropped, lost, wrong, .. } = check.findings();
    (*frames, *dropped, *lost, *wrong)
}

#[test]
fn what_was_sent_is_right_and_drops_that_are_told_are_no_loss() {
    let (mut pictures, mut sounds) = (TrackCheck::of_pattern(), TrackCheck::of_pattern());
    for number in (0..100).filter(|n| n % 10 != 3) {
        let (mut about, bytes) = picture(number);
        about.dropped_before = u32::from(number % 10 == 4);
        assert!(matches!(pictures.check(&about, &bytes), Seen::Picture(seen) if seen.number == number));
        let (mut about, bytes) = sound(number.into());
        about.dropped_before = u32::from(number % 10 == 4);
        assert!(matches!(sounds.check(&about, &bytes), Seen::Sound(at, _) if at == u64::from(number) * 480));
    }
    assert_eq!((found(&pictures), found(&sounds)), ((90, 10, 0, 0), (90, 10, 0, 0)));
    let end = Descriptor {
        flags: Flags::EOS,
        sequence: 101,
        dropped_before: 1,
        ..Descriptor::event(Default::default())
    };
    assert!(matches!(pictures.check(&end, &[]), Seen::Nothing));
    assert_eq!(found(&pictures), (90, 11, 0, 0));
}

#[test]
fn drops_that_nobody_tells_of_are_losses() {
    let mut check = TrackCheck::of_pattern();
    for number in [1, 2, 5, 6] {
        let (about, bytes) = picture(number);
        check.check(&about, &bytes);
    }
    assert_eq!(found(&check), (4, 0, 3, 0));
    assert!(!check.findings().is_good());
}

#[test]
fn one_wrong_pixel_an_old_picture_and_another_participant_are_wrong() {
    let mut check = TrackCheck::of_pattern();
    let (about, mut bytes) = picture(0);
    bytes[64 * 64 - 1] ^= 1;
    check.check(&about, &bytes);
    assert_eq!(found(&check), (1, 0, 0, 1));
    assert!(check.findings().first_wrong.as_ref().is_some_and(|why| why.contains("column 63, row 63")));
    // The content of picture 5 again, under the next number.
    let (about, bytes) = picture(5);
    check.check(&Descriptor { sequence: 1, ..about }, &bytes);
    check.check(&Descriptor { sequence: 2, ..about }, &bytes);
    assert_eq!(found(&check), (3, 0, 0, 2));
    check.check(&Descriptor { sequence: 3, source: 8, ..picture(6).0 }, &picture(6).1);
    assert_eq!(found(&check), (4, 0, 0, 3));
    // A number that was there before.
    check.check(&Descriptor { sequence: 3, ..picture(7).0 }, &picture(7).1);
    assert_eq!(found(&check), (5, 0, 0, 4));
}

#[test]
fn one_wrong_sample_and_a_silent_jump_are_wrong() {
    let mut check = TrackCheck::of_pattern();
    let (about, mut bytes) = sound(0);
    bytes[400] ^= 1;
    check.check(&about, &bytes);
    assert_eq!(found(&check), (1, 0, 0, 1));
    let (about, bytes) = sound(2);
    check.check(&Descriptor { sequence: 1, ..about }, &bytes);
    assert_eq!(found(&check), (2, 0, 0, 2));
    let (about, bytes) = sound(3);
    check.check(&Descriptor { sequence: 2, ..about }, &bytes);
    assert_eq!(found(&check), (3, 0, 0, 2));
    let mono = AudioFormat::interleaved(SampleFormat::F32, 1, 48_000, 480);
    check.check(&Descriptor { sequence: 3, ..Descriptor::new(Body::Audio(mono)) }, &[0; 1920]);
    assert_eq!(found(&check), (4, 0, 0, 3));
}

#[test]
fn skew_is_measured_between_flash_and_beep() {
    let (mut pictures, mut sounds, mut skews) =
        (TrackCheck::of_pattern(), TrackCheck::of_pattern(), Skews::default());
    for block in 0..350 {
        let (about, bytes) = sound(block);
        skews.see(7, &about, &sounds.check(&about, &bytes));
        if block % 10 == 9 {
            for number in block as u32 / 10 * 3..block as u32 / 10 * 3 + 3 {
                let (mut about, bytes) = picture(number);
                about.pts_ns = about.pts_ns.map(|pts| pts + 25_000_000);
                skews.see(7, &about, &pictures.check(&about, &bytes));
            }
        }
    }
    let skew = skews.of(7).unwrap();
    assert_eq!((skew.pairs, skew.min_ns, skew.max_ns), (3, 25_000_000, 25_000_000));
    assert_eq!(skews.all(), [(7, skew)]);
}

#[test]
fn pictures_of_a_file_are_compared_round_after_round() {
    use crate::media::y4m::{Format, Writer};
    use crate::media::{Layout, Picture, Range};
    let path = std::env::temp_dir().join(format!("frame-ring-looped-{}.y4m", std::process::id()));
    let format = Format { width: 2, height: 2, layout: Layout::Mono, rate: RATE, range: Range::Limited };
    let mut writer = Writer::new(std::fs::File::create(&path).unwrap(), format).unwrap();
    for shade in 0..3 {
        writer.write(&Picture::packed(Layout::Mono, 2, 2, &[shade; 4]).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let mut check = TrackCheck::of_file(LoopedFile::open(&path).unwrap());
    let format = VideoFormat::packed(FourCc::GREY, 2, 2).unwrap();
    for number in [0, 1, 2, 3, 7, 8u64] {
        let dropped_before = if number == 7 { 3 } else { 0 };
        let about = Descriptor { sequence: number, dropped_before, ..Descriptor::new(Body::Video(format)) };
        check.check(&about, &[(number % 3) as u8; 4]);
    }
    assert_eq!(found(&check), (6, 3, 0, 0));
    check.check(&Descriptor { sequence: 9, ..Descriptor::new(Body::Video(format)) }, &[0, 0, 0, 1]);
    assert!(check.findings().first_wrong.as_ref().is_some_and(|why| why.contains("row 1 of plane 0")));
    std::fs::remove_file(&path).unwrap();
}
