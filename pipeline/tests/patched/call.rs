//! A call: remote pictures and sound in their cadence, on their clocks, through mute, unmute and end.

use frame_ring::{mono_ns, Body, Flags, TrackStats};

use crate::stage::{track, Receiver, Stage};
use crate::web::media::{median_ms, Series};

/// The codes of events.
const MUTED: u32 = 1;
const UNMUTED: u32 = 2;
/// Whom the page says to be in its tracks.
const SOURCE: u32 = 5;
/// RTP's clock of pictures, in a millisecond.
const RTP_PER_MS: f64 = 90.0;

fn calling() -> (Stage, Receiver) {
    let stage = Stage::start();
    let ring = stage.opened();
    stage.begin("patched.call()");
    (stage, ring)
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn remote_pictures_arrive_in_their_cadence_on_their_clocks() {
    let (_stage, mut ring) = calling();
    let (mut series, mut rtp, mut sequence) = (Series::default(), Vec::new(), None);
    ring.until("four seconds of pictures", |_, frame| {
        let about = frame.descriptor();
        let Body::Video(format) = about.body else { return None };
        assert!(format.coded_width <= 320 && format.coded_height <= 180, "{format:?}");
        assert!(
            sequence.is_none_or(|last| about.sequence == last + 1),
            "{} after {sequence:?}",
            about.sequence
        );
        sequence = Some(about.sequence);
        let stamp = about.extensions.rtp_timestamp().expect("an RTP time stamp");
        let received = about.extensions.receive_ns().expect("when its last packet has come");
        assert!(
            received <= mono_ns() && received + 5_000_000_000 > about.mono_ns,
            "{received}, {}",
            about.mono_ns
        );
        rtp.push(stamp);
        series.add(about);
        (series.frames() >= 120).then_some(())
    });
    // It goes round, so only the difference counts.
    let steps: Vec<i32> = rtp.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) as i32).collect();
    assert!(steps.iter().all(|step| *step > 0), "RTP time stamps go back: {rtp:?}");
    let ms: Vec<i64> = steps.iter().map(|step| (f64::from(*step) / RTP_PER_MS * 1e6) as i64).collect();
    let (sent, shown) = (median_ms(&ms), median_ms(&series.steps()));
    println!("a picture each {sent:.2} ms by RTP, each {shown:.2} ms by mono_ns");
    assert!((30.0..37.0).contains(&sent), "sent each {sent} ms");
    assert!((shown - sent).abs() < 3.0, "{shown} ms by mono_ns, {sent} ms by RTP");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn remote_sound_arrives_in_its_cadence_without_a_gap() {
    let (_stage, mut ring) = calling();
    let (mut series, mut position, mut seconds, mut loud) = (Series::default(), None, 0.0, false);
    ring.until("four seconds of sound", |_, frame| {
        let about = frame.descriptor();
        let Body::Audio(format) = about.body else { return None };
        assert!(
            position.is_none_or(|next| format.position == next),
            "{} instead of {position:?}",
            format.position
        );
        position = Some(format.position + u64::from(format.frames));
        assert_eq!(about.dropped_before, 0);
        seconds += f64::from(format.frames) / f64::from(format.rate);
        loud |= crate::web::media::samples(&frame, 0).iter().any(|sample| sample.abs() > 0.05);
        series.add(about);
        (seconds >= 4.0).then_some(())
    });
    let span = (series.mono_ns[series.frames() - 1] - series.mono_ns[0]) as f64 / 1e9;
    println!("{seconds:.2} s of sound in {span:.2} s, {} blocks", series.frames());
    assert!((span - seconds).abs() < 0.2, "{seconds} s of sound came in {span} s");
    assert!(loud, "the microphone's beeps are missing");
}

/// Waits for an event of each of the two tracks.
fn events(ring: &mut Receiver, expected: u32) {
    let mut told = std::collections::BTreeSet::new();
    ring.until("an event of both tracks", |_, frame| {
        if let Body::Event(event) = frame.descriptor().body {
            assert_eq!((event.subject, frame.descriptor().source), (SOURCE, SOURCE));
            // The tracks' first unmuting may come behind their first frames.
            if event.code == expected {
                told.insert(frame.descriptor().track);
            }
        }
        (told.len() == 2).then_some(())
    });
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_call_tells_that_its_tracks_are_muted_unmuted_and_ended() {
    let (stage, mut ring) = calling();
    let mut kinds = std::collections::BTreeSet::new();
    ring.until("frames of both tracks", |ring, frame| {
        assert_eq!(track(ring, &frame).info.unwrap().source_id, SOURCE);
        // Tracks of a call are muted until something has come.
        if !matches!(frame.descriptor().body, Body::Event(_)) {
            kinds.insert(frame.descriptor().kind() as u8);
        }
        (kinds.len() == 2).then_some(())
    });
    stage.finish();
    stage.evaluate("patched.direct('inactive')");
    events(&mut ring, MUTED);
    stage.evaluate("patched.direct('sendrecv')");
    events(&mut ring, UNMUTED);
    ring.frame("frames after the mute");

    stage.evaluate("for (const { track } of patched.calling.arrived) track.stop()");
    let mut ended = 0;
    ring.until("the end of both tracks", |_, frame| {
        let about = frame.descriptor();
        ended += usize::from(about.flags.contains(Flags::EOS));
        (ended == 2).then_some(())
    });
    let is_live = |entry: &TrackStats| entry.live;
    ring.wait("the tracks to be over", |ring| !ring.tracks().iter().any(is_live));
    let before: u64 = ring.ring.tracks().iter().map(|entry| entry.sent).sum();
    stage.pause(300);
    assert_eq!(
        ring.ring.tracks().iter().map(|entry| entry.sent).sum::<u64>(),
        before,
        "nothing comes after the end"
    );
}
