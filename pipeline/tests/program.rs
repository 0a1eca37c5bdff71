//! The program's commands from outside: real processes, real files, real signals.

mod tool;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use frame_ring::{
    Body, ClaimError, Descriptor, FourCc, Picture, Producer, SendError, TrackInfo, TrackKind, TrackSource,
    VideoFormat,
};
use frame_ring_pipeline::media::pattern::Pattern;
use frame_ring_pipeline::media::{wav, y4m, FrameRate, Layout, Range};
use nix::sys::signal::Signal;
use tool::{blocks, numbers, until, Scratch};

const SOCKET: &str = "ring.sock";

/// Packed pictures of a y4m file.
fn pictures(path: &Path) -> (y4m::Format, Vec<Vec<u8>>) {
    let mut reader = y4m::Reader::new(fs::read(path).unwrap().leak() as &[u8]).unwrap();
    let format = reader.format();
    let mut all = Vec::new();
    while let Some(picture) = reader.read().unwrap() {
        let planes = 0..picture.layout().plane_count();
        all.push(planes.flat_map(|plane| picture.contiguous_plane(plane).unwrap().to_vec()).collect());
    }
    (format, all)
}

/// All samples of a WAV file.
fn samples(path: &Path) -> (wav::Format, Vec<f32>) {
    let mut reader = wav::Reader::new(fs::read(path).unwrap().leak() as &[u8]).unwrap();
    let mut all = vec![0.0; 1 << 20];
    let count = reader.read(&mut all).unwrap();
    all.truncate(count);
    (reader.format(), all)
}

/// Noise, so that every byte counts.
fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 16) as u8
    };
    (0..len).map(step).collect()
}

fn write_y4m(path: &Path, layout: Layout, count: u32) {
    let format = y4m::Format {
        width: 98,
        height: 50,
        layout,
        rate: FrameRate::new(30_000, 1001).unwrap(),
        range: Range::Full,
    };
    let mut writer = y4m::Writer::new(fs::File::create(path).unwrap(), format).unwrap();
    for number in 0..count {
        let bytes = noise(layout.packed_len(98, 50).unwrap(), number);
        let picture = frame_ring_pipeline::media::Picture::packed(layout, 98, 50, &bytes).unwrap();
        writer.write(&picture).unwrap();
    }
    writer.finish().unwrap();
}

fn write_wav(path: &Path, channels: u16, sets: usize) {
    let format = wav::Format { channels, rate: 44_100 };
    let mut writer =
        wav::Writer::new(fs::File::create(path).unwrap(), format, wav::SampleFormat::F32).unwrap();
    let bytes = noise(sets * usize::from(channels), 7);
    let block: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 256.0 - 0.3).collect();
    writer.write(&block).unwrap();
    writer.finish().unwrap();
}

#[test]
fn every_command_explains_itself() {
    let scratch = Scratch::new();
    for command in ["demo", "send", "record", "pipe", "verify", "run"] {
        let text = scratch.run(&[command, "--help"]).expect(0).text();
        assert!(text.contains("Example") && text.contains(&format!("frame-ring {command}")), "{text}");
    }
    assert!(!scratch.run(&["--help"]).expect(0).text().contains("Be a capture process"));
}

#[test]
fn wrong_arguments_are_told_from_failures() {
    let scratch = Scratch::new();
    for args in [
        &["send"][..],
        &["send", "--pattern", "x.y4m"],
        &["send", "no-such-file.y4m"],
        &["send", "--raw", "640x480:YU12"],
        &["send", "--pattern", "--fast", "--realtime"],
        &["record"],
        &["record", SOCKET, "--format", "mp4"],
        &["pipe", SOCKET],
        &["verify", SOCKET, "--seconds", "-1"],
        &["run"],
        &["run", "--", "./no-such-program"],
    ] {
        scratch.run(args).expect(2);
    }
    fs::write(scratch.path("a.txt"), "hello").unwrap();
    let ended = scratch.run(&["send", "a.txt"]).expect(1);
    assert!(ended.stderr.contains("neither a y4m nor a WAV file"), "{}", ended.stderr);
    let ended = scratch.run(&["send", "--pattern"]).expect(1);
    assert!(ended.stderr.contains("FRAME_RING_SOCKET"), "{}", ended.stderr);
    let ended = scratch.run(&["record", "no/such/dir/r.sock"]).expect(1);
    assert!(ended.stderr.contains("no/such/dir/r.sock"), "{}", ended.stderr);
}

#[test]
fn a_pattern_is_recorded_to_one_playable_file() {
    let scratch = Scratch::new();
    let record = scratch.serve(&["record", SOCKET, "--out", "out", "--wait"], SOCKET);
    let send = [
        "send",
        "--to",
        SOCKET,
        "--pattern",
        "--fast",
        "--size",
        "128x96",
        "--seconds",
        "2",
        "--label",
        "Ada L.",
    ];
    scratch.run(&send).expect(0);
    let ended = record.wait().expect(0);
    assert_eq!(scratch.list("out"), ["Ada_L.mkv"]);
    let expected = [("V_MJPEG".to_owned(), 60), ("A_PCM/INT/LIT".to_owned(), 200)];
    assert_eq!(blocks(&scratch.path("out/Ada_L.mkv")), expected);
    assert!(ended.text().contains("Ada_L.mkv"), "{}", ended.text());
    assert_eq!(
        scratch.list("."),
        scratch.list(".").into_iter().filter(|name| name != SOCKET).collect::<Vec<_>>()
    );
}

#[test]
fn uncompressed_recordings_equal_what_was_sent() {
    let scratch = Scratch::new();
    write_y4m(&scratch.path("in.y4m"), Layout::I420, 12);
    write_wav(&scratch.path("in.wav"), 2, 10_000);
    for (format, input, output) in
        [("y4m", "in.y4m", "send-send_video.y4m"), ("wav", "in.wav", "send-send_audio.wav")]
    {
        let record = scratch.serve(&["record", SOCKET, "--out", "out", "--format", format, "--wait"], SOCKET);
        scratch.run(&["send", "--to", SOCKET, "--fast", input]).expect(0);
        record.wait().expect(0);
        assert!(scratch.list("out").contains(&output.into()), "{:?}", scratch.list("out"));
    }
    assert_eq!(pictures(&scratch.path("in.y4m")), pictures(&scratch.path("out/send-send_video.y4m")));
    assert_eq!(samples(&scratch.path("in.wav")), samples(&scratch.path("out/send-send_audio.wav")));
}

#[test]
fn a_y4m_file_comes_out_of_the_pipe_as_it_went_in() {
    let scratch = Scratch::new();
    for layout in [Layout::I420, Layout::I422, Layout::I444, Layout::Mono] {
        write_y4m(&scratch.path("in.y4m"), layout, 20);
        let pipe = scratch.serve(&["pipe", SOCKET, "--format", "y4m"], SOCKET);
        scratch.run(&["send", "--to", SOCKET, "--fast", "in.y4m"]).expect(0);
        let ended = pipe.wait().expect(0);
        fs::write(scratch.path("out.y4m"), &ended.stdout).unwrap();
        assert_eq!(pictures(&scratch.path("in.y4m")), pictures(&scratch.path("out.y4m")), "{layout:?}");
    }
}

#[test]
fn a_wav_file_comes_out_of_the_pipe_as_it_went_in() {
    let scratch = Scratch::new();
    write_wav(&scratch.path("in.wav"), 3, 12_345);
    let pipe = scratch.serve(&["pipe", SOCKET, "--format", "wav", "--track", "audio"], SOCKET);
    scratch.run(&["send", "--to", SOCKET, "--fast", "in.wav"]).expect(0);
    fs::write(scratch.path("out.wav"), pipe.wait().expect(0).stdout).unwrap();
    assert_eq!(samples(&scratch.path("in.wav")), samples(&scratch.path("out.wav")));
}

#[test]
fn raw_frames_go_from_standard_input_to_standard_output() {
    let scratch = Scratch::new();
    let bytes = noise(64 * 48 * 3 / 2 * 25, 3);
    let pipe = scratch.serve(&["pipe", SOCKET, "--format", "raw", "--track", "cam video"], SOCKET);
    let args = ["send", "--to", SOCKET, "--fast", "--raw", "64x48:NV12@25", "--label", "cam"];
    let mut send = scratch.start_with(&args, Stdio::piped());
    send.child.stdin.take().unwrap().write_all(&bytes).unwrap();
    send.wait().expect(0);
    assert!(pipe.wait().expect(0).stdout == bytes);
}

#[test]
fn only_the_track_that_was_asked_for_is_piped() {
    let scratch = Scratch::new();
    let pipe =
        scratch.serve(&["pipe", SOCKET, "--format", "wav", "--track", "b audio", "--producers", "2"], SOCKET);
    let send = |label| {
        let args = [
            "send",
            "--to",
            SOCKET,
            "--fast",
            "--pattern",
            "--size",
            "64x64",
            "--seconds",
            "1",
            "--label",
            label,
        ];
        scratch.start(&args)
    };
    let (a, b) = (send("a"), send("b"));
    b.wait().expect(0);
    fs::write(scratch.path("out.wav"), pipe.wait().expect(0).stdout).unwrap();
    assert_eq!(samples(&scratch.path("out.wav")).1.len(), 96_000);
    drop(a);
    let pipe = scratch.serve(&["pipe", SOCKET, "--format", "wav"], SOCKET);
    write_y4m(&scratch.path("in.y4m"), Layout::I420, 2);
    scratch.run(&["send", "--to", SOCKET, "in.y4m"]).expect(0);
    assert!(pipe.wait().expect(1).stderr.contains("no track came"));
}

#[test]
fn a_pipe_that_nobody_reads_ends_well() {
    let scratch = Scratch::new();
    let socket = scratch.path(SOCKET);
    let mut pipe = std::process::Command::new(env!("CARGO_BIN_EXE_frame-ring"))
        .args(["pipe", socket.to_str().unwrap(), "--format", "y4m"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(pipe.stdout.take());
    until("the ring is served", || frame_ring::Observer::connect(&socket).is_ok());
    let send = scratch.start(&["send", "--to", SOCKET, "--pattern", "--size", "64x64"]);
    let mut status = None;
    until("the pipe has ended", || {
        status = pipe.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0));
    assert!(send.wait().expect(1).stderr.contains("the consumer has left"));
}

#[test]
fn a_pattern_is_verified() {
    let scratch = Scratch::new();
    let verify = scratch.serve(&["verify", SOCKET, "--producers", "2"], SOCKET);
    let send = |label, participant| {
        let size = ["--size", "96x64", "--seconds", "2.5", "--participant", participant, "--label", label];
        scratch.start(&[&["send", "--to", SOCKET, "--fast", "--pattern"], &size[..]].concat())
    };
    let (a, b) = (send("a", "5"), send("b", "6"));
    a.wait().expect(0);
    b.wait().expect(0);
    let ended = verify.wait().expect(0);
    for name in ["a", "b"] {
        assert_eq!(numbers(&ended.row(&[name, name, "video"]), 3), [75, 0, 0, 0]);
        assert_eq!(numbers(&ended.row(&[name, name, "audio"]), 3), [250, 0, 0, 0]);
    }
    assert!(
        ended.text().contains("participant 5: picture after sound by 0 us (0 to 0), 2 flashes"),
        "{}",
        ended.text()
    );

    let verify = scratch.serve(&["verify", SOCKET, "--seconds", "0.2"], SOCKET);
    assert!(verify.wait().expect(1).stderr.contains("nothing came"));
}

/// A track of test pictures that this process sends itself.
struct Camera {
    producer: Producer,
    track: frame_ring::Track,
    pattern: Pattern,
    format: VideoFormat,
    number: u32,
}

impl Camera {
    fn new(scratch: &Scratch, label: &str, width: u32) -> Self {
        let producer = Producer::connect(scratch.path(SOCKET), label).unwrap();
        let track = producer.track(&TrackInfo::new(TrackKind::Video, TrackSource::Camera, label)).unwrap();
        let mut camera = Self { producer, track, pattern: pattern(64), format: format(64), number: 0 };
        camera.resize(width);
        camera
    }

    fn resize(&mut self, width: u32) {
        (self.pattern, self.format) = (pattern(width), format(width));
    }

    /// Sends the next picture with one byte changed by `flip`; false if the consumer has left.
    fn send(&mut self, flip: u8) -> bool {
        self.pattern.draw(self.number);
        let mut bytes = self.pattern.bytes().to_vec();
        bytes[100] ^= flip;
        let pts_ns = Some(i64::from(self.number) * 33_333_333);
        let about = Descriptor { source: 1, pts_ns, ..Descriptor::new(Body::Video(self.format)) };
        let planes = (0..3).map(|plane| {
            let range = self.format.plane_bytes(plane);
            (&bytes[range.start as usize..range.end as usize], self.format.planes[plane].stride as usize)
        });
        let planes: Vec<_> = planes.collect();
        self.number += 1;
        match self.track.send_video(&Picture { format: self.format, planes: &planes }, &about) {
            Ok(_) | Err(SendError::Claim(ClaimError::Full(_))) => true,
            Err(SendError::Claim(ClaimError::Closed)) => false,
            Err(why) => panic!("{why}"),
        }
    }
}

fn pattern(width: u32) -> Pattern {
    Pattern::new(width, 64, 1, FrameRate::whole(30)).unwrap()
}

fn format(width: u32) -> VideoFormat {
    VideoFormat { fps_milli: 30_000, ..VideoFormat::packed(FourCc::I420, width, 64).unwrap() }
}

#[test]
fn a_damaged_picture_is_found() {
    let scratch = Scratch::new();
    let verify = scratch.serve(&["verify", SOCKET, "--json"], SOCKET);
    let mut camera = Camera::new(&scratch, "bad", 64);
    for number in 0..10 {
        assert!(camera.send(u8::from(number == 7)));
    }
    drop(camera);
    let ended = verify.wait().expect(3);
    assert!(ended.stderr.contains("frame 7 of its track: frame 7 is damaged: plane 0"), "{}", ended.stderr);
    let text = ended.text();
    assert!(
        text.contains(r#""frames":10"#) && text.contains(r#""wrong":1"#) && text.contains(r#""lost":0"#),
        "{text}"
    );
}

#[test]
fn frames_that_are_missing_without_a_word_are_found() {
    let scratch = Scratch::new();
    let verify = scratch.serve(&["verify", SOCKET], SOCKET);
    let camera = Camera::new(&scratch, "gap", 64);
    let mut pattern = pattern(64);
    for number in [0, 1, 4, 5] {
        let bytes = pattern.draw(number);
        let bytes: Vec<u8> =
            (0..3).flat_map(|plane| bytes.contiguous_plane(plane).unwrap().to_vec()).collect();
        let about = Descriptor {
            source: 1,
            track: camera.track.id(),
            sequence: number.into(),
            ..Descriptor::new(Body::Video(camera.format))
        };
        camera.producer.send(&bytes, &about).unwrap();
    }
    drop(camera);
    let ended = verify.wait().expect(3);
    assert!(ended.stderr.contains("0 frames wrong, 2 lost without a word"), "{}", ended.stderr);
}

#[test]
fn hostile_labels_stay_in_the_directory() {
    let scratch = Scratch::new();
    let record =
        scratch.serve(&["record", SOCKET, "--out", "in/out", "--format", "y4m", "--producers", "2"], SOCKET);
    for label in ["../../up\x1b[2J", "/etc/passwd\n"] {
        assert!(Camera::new(&scratch, label, 64).send(0));
    }
    let ended = record.wait().expect(0);
    assert_eq!(scratch.list("in/out"), ["etc_passwd-etc_passwd.y4m", "up__2J-up__2J.y4m"]);
    assert_eq!(scratch.list("in"), ["out"]);
    assert!(!ended.text().contains('\x1b'));
}

#[test]
fn another_size_starts_another_file_and_nothing_is_overwritten() {
    let scratch = Scratch::new();
    for round in 1..=2 {
        let record = scratch.serve(&["record", SOCKET, "--out", "out", "--wait"], SOCKET);
        let mut camera = Camera::new(&scratch, "cam", 64);
        for number in 0..9 {
            if number % 3 == 0 {
                camera.resize(64 + 32 * number);
            }
            assert!(camera.send(0));
        }
        drop(camera);
        record.wait().expect(0);
        assert_eq!(scratch.list("out").len(), 3 * round);
    }
    for name in ["cam", "cam-2", "cam-3", "cam-4", "cam-5", "cam-6"] {
        assert_eq!(blocks(&scratch.path(&format!("out/{name}.mkv"))), [("V_MJPEG".to_owned(), 3)]);
    }
}

#[test]
fn ctrl_c_and_sigterm_complete_the_files() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let scratch = Scratch::new();
        let record = scratch.serve(&["record", SOCKET, "--out", "out"], SOCKET);
        let send = scratch.start(&["send", "--to", SOCKET, "--pattern", "--size", "64x64"]);
        until("the file is begun", || scratch.list("out") == ["send.mkv"]);
        record.signal(signal);
        record.wait().expect(0);
        let recorded = blocks(&scratch.path("out/send.mkv"));
        assert!(recorded.len() == 2 && recorded.iter().all(|(_, blocks)| *blocks > 0), "{recorded:?}");
        assert!(send.wait().expect(1).stderr.contains("the consumer has left"));
    }
}

#[test]
fn a_sender_that_stops_says_that_its_tracks_end() {
    let scratch = Scratch::new();
    let verify = scratch.serve(&["verify", SOCKET], SOCKET);
    let send = scratch.start(&["send", "--to", SOCKET, "--pattern", "--size", "64x64"]);
    frames_came(&scratch);
    send.signal(Signal::SIGINT);
    assert!(send.wait().expect(0).stderr.contains("frames sent"));
    verify.wait().expect(0);
}

#[test]
fn a_producer_that_is_killed_harms_only_itself() {
    let scratch = Scratch::new();
    let record = scratch.serve(&["record", SOCKET, "--out", "out", "--wait", "--producers", "2"], SOCKET);
    let killed =
        scratch.start(&["send", "--to", SOCKET, "--pattern", "--size", "64x64", "--label", "killed"]);
    until("the file is begun", || scratch.list("out") == ["killed.mkv"]);
    killed.signal(Signal::SIGKILL);
    let args = [
        "send",
        "--to",
        SOCKET,
        "--pattern",
        "--fast",
        "--size",
        "64x64",
        "--seconds",
        "2",
        "--label",
        "fine",
    ];
    scratch.run(&args).expect(0);
    record.wait().expect(0);
    assert_eq!(blocks(&scratch.path("out/fine.mkv")).iter().map(|(_, n)| *n).collect::<Vec<_>>(), [60, 200]);
    assert!(blocks(&scratch.path("out/killed.mkv")).iter().all(|(_, blocks)| *blocks > 0));
}

#[test]
fn commands_are_run_with_a_ring() {
    let scratch = Scratch::new();
    let exe = env!("CARGO_BIN_EXE_frame-ring");
    let pattern = ["--pattern", "--fast", "--size", "64x64", "--seconds", "1"];
    let ended = scratch.run(&[&["run", "--out", "out", "--", exe, "send"], &pattern[..]].concat()).expect(0);
    assert_eq!(numbers::<1>(&ended.row(&["send", "send", "video"]), 3), [30]);
    assert_eq!(numbers::<1>(&ended.row(&["send", "send", "audio"]), 3), [100]);
    assert_eq!(scratch.list("out"), ["send.mkv"]);
    blocks(&scratch.path("out/send.mkv"));

    let ended = scratch.run(&[&["run", "--fd", "--", exe, "send"], &pattern[..]].concat()).expect(0);
    assert_eq!(numbers::<1>(&ended.row(&["send", "send", "audio"]), 3), [100]);

    let script =
        format!("{exe} send {0} --label a & {exe} send {0} --label b; wait; exit 7", pattern.join(" "));
    let ended = scratch.run(&["run", "--socket", SOCKET, "--", "sh", "-c", &script]).expect(1);
    for name in ["a", "b"] {
        assert_eq!(numbers::<1>(&ended.row(&[name, name, "video"]), 3), [30]);
    }
    assert!(ended.stderr.contains("sh failed with exit status 7"), "{}", ended.stderr);
    assert!(!scratch.path(SOCKET).exists());

    let ended = scratch.run(&["run", "--", "sh", "-c", "kill -9 $$"]).expect(1);
    assert!(ended.stderr.contains("sh was ended by signal 9 (SIGKILL)"), "{}", ended.stderr);
    let ended = scratch.run(&["run", "--", "echo", "its own output"]).expect(0);
    assert_eq!(ended.stdout, b"its own output\n");
}

#[test]
fn signals_are_handed_on_to_the_command() {
    let scratch = Scratch::new();
    let script = "trap 'exit 5' TERM; : >ready; while :; do sleep 0.05; done";
    let run = scratch.start(&["run", "--", "sh", "-c", script]);
    until("the command is ready", || scratch.path("ready").exists());
    run.signal(Signal::SIGTERM);
    let ended = run.wait().expect(1);
    assert!(ended.stderr.contains("sh failed with exit status 5"), "{}", ended.stderr);

    let send = [env!("CARGO_BIN_EXE_frame-ring"), "send", "--pattern", "--size", "64x64"];
    let run = scratch.serve(&[&["run", "--socket", SOCKET, "--"], &send[..]].concat(), SOCKET);
    frames_came(&scratch);
    run.signal(Signal::SIGINT);
    let ended = run.wait().expect(0);
    assert!(numbers::<1>(&ended.row(&["send", "send", "video"]), 3)[0] > 0);
}

/// Waits until some frames were received.
fn frames_came(scratch: &Scratch) {
    let observer = frame_ring::Observer::connect(scratch.path(SOCKET)).unwrap();
    until("frames have come", || observer.snapshot().tracks.iter().any(|track| track.received > 5));
}

#[test]
fn senders_wait_a_moment_for_their_consumer() {
    let scratch = Scratch::new();
    let send =
        scratch.start(&["send", "--to", SOCKET, "--pattern", "--fast", "--size", "64x64", "--seconds", "1"]);
    until("it says what it waits for", || send.stderr().contains("waiting for a consumer"));
    let ended = scratch.run(&["verify", SOCKET]).expect(0);
    assert_eq!(numbers(&ended.row(&["send", "send", "video"]), 3), [30, 0, 0, 0]);
    send.wait().expect(0);
}
