//! The demo, as a newcomer runs it, only smaller.

mod tool;

use std::time::{Duration, Instant};

use frame_ring_pipeline::media::y4m::{Format, Writer};
use frame_ring_pipeline::media::{FrameRate, Layout, Picture, Range};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use tool::{blocks, numbers, until, Ended, Scratch};

/// Frames, dropped, lost and wrong ones, and those left out of the file, of a track in the first table.
#[track_caller]
fn counts(ended: &Ended, name: &str, track: &str) -> ([u64; 4], u64) {
    let row = ended.row(&[name, track]);
    (numbers(&row, 2), row[11].parse().unwrap())
}

/// A machine may be too busy for every frame, but each of them is accounted for, and what came is right.
#[track_caller]
fn is_complete(ended: &Ended, scratch: &Scratch, name: &str, pictures: u64, sounds: u64) {
    let ([frames, dropped, lost, wrong], left_out) = counts(ended, name, "video");
    assert_eq!((frames + dropped, lost, wrong), (pictures, 0, 0), "{}", ended.text());
    let ([blocks_of_sound, sound_dropped, lost, wrong], sound_left_out) = counts(ended, name, "audio");
    assert_eq!((blocks_of_sound + sound_dropped, lost, wrong), (sounds, 0, 0), "{}", ended.text());
    let recorded = blocks(&scratch.path(&format!("out/{name}.mkv")));
    let expected = [("V_MJPEG", frames - left_out), ("A_PCM/INT/LIT", blocks_of_sound - sound_left_out)];
    assert_eq!(recorded, expected.map(|(codec, blocks)| (codec.to_owned(), blocks)));
}

#[test]
fn two_processes_two_files_and_the_same_through_a_websocket() {
    let scratch = Scratch::new();
    let ended = scratch.run(&["demo", "--seconds", "2", "--size", "320x180", "--out", "out"]).expect(0);
    is_complete(&ended, &scratch, "ada", 60, 200);
    is_complete(&ended, &scratch, "grace", 60, 200);
    assert_eq!(scratch.list("out"), ["ada.mkv", "grace.mkv"]);
    let text = ended.text();
    assert_eq!(text.matches("0 wrong, 0 lost.").count(), 2, "{text}");
    // Nothing is dropped on the way through TCP.
    assert!(text.contains("every pixel of 120 pictures and every sample of 400 blocks of sound"), "{text}");
    assert!(text.contains("Side by side") && text.contains("CPU s per GB"), "{text}");
}

#[test]
fn an_earlier_demo_is_replaced() {
    let scratch = Scratch::new();
    for _ in 0..2 {
        let args = ["demo", "--seconds", "0.2", "--size", "64x64", "--out", "out", "--no-websocket"];
        let ended = scratch.run(&args).expect(0);
        assert!(!ended.text().contains("Side by side"));
        is_complete(&ended, &scratch, "ada", 6, 20);
    }
    assert_eq!(scratch.list("out"), ["ada.mkv", "grace.mkv"]);
}

#[test]
fn pictures_of_a_file_are_sent_and_compared() {
    let scratch = Scratch::new();
    let format = Format {
        width: 90,
        height: 66,
        layout: Layout::I422,
        rate: FrameRate::new(24_000, 1001).unwrap(),
        range: Range::Limited,
    };
    let mut writer = Writer::new(std::fs::File::create(scratch.path("in.y4m")).unwrap(), format).unwrap();
    for shade in [10, 100, 200] {
        let picture = vec![shade; 90 * 66 * 2];
        writer.write(&Picture::packed(Layout::I422, 90, 66, &picture).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let ended = scratch.run(&["demo", "--seconds", "1", "--input", "in.y4m", "--out", "out"]).expect(0);
    is_complete(&ended, &scratch, "grace", 24, 100);
    assert_eq!(ended.text().matches("Compared with the file").count(), 2);
}

/// The process id of a participant's capture process, when it was started.
fn pid(running: &tool::Running, name: &str) -> Pid {
    let start = format!("capture process of {name}: ");
    let mut found = None;
    until("the capture process was started", || {
        let text = running.stderr();
        // A line counts when it is complete.
        let line = text.split_inclusive('\n').find(|line| line.starts_with(&start) && line.ends_with('\n'));
        found = line.map(|line| line.trim_end()[start.len()..].parse().unwrap());
        found.is_some()
    });
    Pid::from_raw(found.unwrap())
}

#[test]
fn a_capture_process_that_is_killed_harms_only_itself() {
    let scratch = Scratch::new();
    let args = ["demo", "--seconds", "10", "--size", "64x64", "--out", "out", "--no-websocket"];
    let running = scratch.start(&args);
    let ada = pid(&running, "ada");
    // In the middle of its work if possible, and long before its end in any case.
    let start = Instant::now();
    while !scratch.path("out/ada.mkv").exists() && start.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(ada, Signal::SIGKILL).unwrap();
    let ended = running.wait().expect(1);
    assert!(
        ended.stderr.contains("the capture process of ada was ended by signal 9 (SIGKILL)"),
        "{}",
        ended.stderr
    );
    is_complete(&ended, &scratch, "grace", 300, 1000);
    if scratch.path("out/ada.mkv").exists() {
        blocks(&scratch.path("out/ada.mkv"));
    }
    assert!(ended.text().contains("0 wrong, 0 lost."), "{}", ended.text());
}

#[test]
fn ctrl_c_ends_it_with_complete_files() {
    let scratch = Scratch::new();
    let running = scratch.start(&["demo", "--seconds", "100000", "--size", "64x64", "--out", "out"]);
    until("both files are begun", || scratch.list("out").len() == 2);
    running.signal(Signal::SIGINT);
    let ended = running.wait().expect(0);
    assert!(ended.text().contains("Stopped."), "{}", ended.text());
    for name in ["ada", "grace"] {
        let recorded = blocks(&scratch.path(&format!("out/{name}.mkv")));
        assert!(recorded.iter().all(|(_, blocks)| *blocks > 0), "{recorded:?}");
    }
}

#[test]
fn wrong_arguments_are_refused_before_anything_starts() {
    let scratch = Scratch::new();
    for args in [
        &["demo", "--size", "20x20"][..],
        &["demo", "--size", "big"],
        &["demo", "--seconds", "0"],
        &["demo", "--fps", "0"],
        &["demo", "--input", "no-such-file.y4m"],
        &["demo", "--input", "x.y4m", "--size", "64x64"],
    ] {
        let ended = scratch.run(args).expect(2);
        assert!(
            !ended.stderr.is_empty() && !ended.stderr.contains("capture process"),
            "{args:?}: {}",
            ended.stderr
        );
    }
    assert_eq!(scratch.list("frame-ring-demo"), [""; 0]);
}
