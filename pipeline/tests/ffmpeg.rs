//! What other programs make of the files: ffprobe and ffmpeg read them, count, seek, and decode.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use frame_ring_pipeline::media::mkv::{MkvWriter, TrackSpec};
use frame_ring_pipeline::media::pattern::{read_number, Pattern};
use frame_ring_pipeline::media::samples::SampleFormat;
use frame_ring_pipeline::media::tone::Tone;
use frame_ring_pipeline::media::{wav, y4m, FrameRate, Layout, Picture, Range};

const WIDTH: u32 = 322;
const HEIGHT: u32 = 242;
const RATE: FrameRate = FrameRate::whole(25);
const SECONDS: u64 = 5;

/// A folder of this test alone, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("frame-ring-ffmpeg-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a program that must succeed without reporting an error.
fn run(program: &str, arguments: &[&str], file: &Path) -> Vec<u8> {
    let arguments: Vec<&str> = arguments
        .iter()
        .map(|&argument| if argument == "FILE" { file.to_str().unwrap() } else { argument })
        .collect();
    let output = Command::new(program).args(["-v", "error"]).args(&arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program} {arguments:?}: {errors}");
    output.stdout
}

/// One value per line of what ffprobe says about `entries` of `stream`.
fn probe(file: &Path, stream: &str, entries: &str) -> Vec<String> {
    let select = ["-count_packets", "-select_streams", stream, "-show_entries", entries];
    let output = run("ffprobe", &[&select[..], &["-of", "default=nw=1:nk=1", "FILE"]].concat(), file);
    String::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
}

/// The burnt-in numbers of all pictures that ffmpeg decodes, from `seek` seconds on.
fn numbers(file: &Path, seek: &str) -> Vec<u32> {
    let decode = ["-nostdin", "-ss", seek, "-i", "FILE", "-an", "-fps_mode", "passthrough"];
    let grey = ["-pix_fmt", "gray", "-f", "rawvideo", "-"];
    let luma = run("ffmpeg", &[&decode[..], &grey].concat(), file);
    let picture = |luma| Picture::packed(Layout::Mono, WIDTH, HEIGHT, luma).unwrap();
    luma.chunks((WIDTH * HEIGHT) as usize).map(|luma| read_number(&picture(luma)).unwrap()).collect()
}

/// All sound that ffmpeg decodes, as interleaved floats.
fn sound(file: &Path) -> Vec<f32> {
    let bytes = run("ffmpeg", &["-nostdin", "-i", "FILE", "-vn", "-f", "f32le", "-"], file);
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn tone_block(block: u64) -> Vec<f32> {
    let mut samples = vec![0.0; 960];
    Tone::new(6).fill(block * 480, &mut samples);
    samples
}

/// Records five seconds; the recorder is killed (or not) before it can finish.
fn record(path: &Path, samples: SampleFormat, finish: bool) {
    let tracks = [
        TrackSpec::Video {
            name: "pattern".into(),
            width: WIDTH,
            height: HEIGHT,
            rate: Some(RATE),
            quality: 85,
        },
        TrackSpec::Audio { name: "tone".into(), channels: 2, rate: 48_000, samples },
    ];
    let mut mkv = MkvWriter::create(path, &tracks).unwrap();
    let mut pattern = Pattern::new(WIDTH, HEIGHT, 6, RATE).unwrap();
    for block in 0..SECONDS * 100 {
        if block % 4 == 0 {
            let number = block / 4;
            mkv.write_video(0, RATE.time_ns(number), &pattern.draw(number as u32)).unwrap();
        }
        mkv.write_audio(1, block * 10_000_000, &tone_block(block)).unwrap();
    }
    if finish {
        mkv.finish().unwrap();
    }
}

#[test]
#[ignore = "needs ffmpeg; .ci/run runs it"]
fn a_recording_is_described_counted_decoded_and_sought() {
    let folder = Folder::new();
    for (samples, codec) in [(SampleFormat::F32, "pcm_f32le"), (SampleFormat::S16, "pcm_s16le")] {
        let file = folder.file("recording.mkv");
        record(&file, samples, true);
        assert_eq!(probe(&file, "v", "format=duration"), ["5.000000"]);
        let video = probe(&file, "v", "stream=codec_name,width,height,r_frame_rate,nb_read_packets");
        assert_eq!(video, ["mjpeg", "322", "242", "25/1", "125"]);
        let audio = probe(&file, "a", "stream=codec_name,sample_rate,channels,nb_read_packets");
        assert_eq!(audio, [codec, "48000", "2", "500"]);

        assert_eq!(numbers(&file, "0"), (0..125).collect::<Vec<u32>>());
        assert_eq!(numbers(&file, "3.2"), (80..125).collect::<Vec<u32>>());
        let expected: Vec<f32> = (0..SECONDS * 100).flat_map(tone_block).collect();
        let found = sound(&file);
        let step = if samples == SampleFormat::F32 { 0.0 } else { 1.0 / 65_536.0 };
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() <= step));
    }
}

#[test]
#[ignore = "needs ffmpeg; .ci/run runs it"]
fn a_killed_recording_plays_up_to_its_last_cluster() {
    let folder = Folder::new();
    let file = folder.file("killed.mkv");
    record(&file, SampleFormat::F32, false);
    let played = numbers(&file, "0");
    assert_eq!(played, (0..played.len() as u32).collect::<Vec<u32>>());
    assert!(played.len() >= 75, "{} of 125 pictures", played.len());
    assert_eq!(numbers(&file, "2.0").first(), Some(&50), "seeks without an index");
}

#[test]
#[ignore = "needs ffmpeg; .ci/run runs it"]
fn sound_files_are_described_and_decoded_finished_or_not() {
    let folder = Folder::new();
    let expected = 2 * 48_000;
    for (samples, codec) in [(SampleFormat::F32, "pcm_f32le"), (SampleFormat::S16, "pcm_s16le")] {
        for finish in [true, false] {
            let path = folder.file("tone.wav");
            let format = wav::Format { channels: 2, rate: 48_000 };
            let mut writer = wav::Writer::new(fs::File::create(&path).unwrap(), format, samples).unwrap();
            (0..100).for_each(|block| writer.write(&tone_block(block)).unwrap());
            if finish {
                writer.finish().unwrap();
                assert_eq!(probe(&path, "a", "format=duration"), ["1.000000"]);
            } else {
                drop(writer);
            }
            let audio = probe(&path, "a", "stream=codec_name,sample_rate,channels");
            assert_eq!(audio, [codec, "48000", "2"]);
            assert_eq!(sound(&path).len(), expected);
        }
    }
}

#[test]
#[ignore = "needs ffmpeg; .ci/run runs it"]
fn ffmpegs_sound_files_are_read() {
    let folder = Folder::new();
    for codec in ["pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"] {
        let path = folder.file("sine.wav");
        let source =
            ["-nostdin", "-y", "-f", "lavfi", "-i", "sine=frequency=440:duration=1:sample_rate=44100"];
        run("ffmpeg", &[&source[..], &["-ac", "6", "-c:a", codec, "FILE"]].concat(), &path);
        let mut reader = wav::Reader::new(fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.format(), wav::Format { channels: 6, rate: 44_100 });
        let mut samples = vec![0.0; 6 * 50_000];
        assert_eq!(reader.read(&mut samples).unwrap(), 6 * 44_100, "{codec}");
        let peak = samples.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.01..=1.0).contains(&peak), "{codec}: {peak}");
    }
}

#[test]
#[ignore = "needs ffmpeg; .ci/run runs it"]
fn uncompressed_video_goes_both_ways_unchanged() {
    let folder = Folder::new();
    let path = folder.file("pattern.y4m");
    let mut pattern = Pattern::new(WIDTH, HEIGHT, 6, RATE).unwrap();
    let format =
        y4m::Format { width: WIDTH, height: HEIGHT, layout: Layout::I420, rate: RATE, range: Range::Limited };
    let mut writer = y4m::Writer::new(fs::File::create(&path).unwrap(), format).unwrap();
    (0..50).for_each(|number| writer.write(&pattern.draw(number)).unwrap());
    writer.finish().unwrap();
    let video = probe(&path, "v", "stream=width,height,pix_fmt,r_frame_rate,nb_read_packets");
    assert_eq!(video, ["322", "242", "yuv420p", "25/1", "50"]);

    let back = folder.file("back.y4m");
    run("ffmpeg", &["-nostdin", "-i", path.to_str().unwrap(), "-f", "yuv4mpegpipe", "FILE"], &back);
    let mut reader = y4m::Reader::new(std::io::BufReader::new(fs::File::open(&back).unwrap())).unwrap();
    assert_eq!((reader.format().rate, reader.format().layout), (RATE, Layout::I420));
    let mut count = 0;
    while let Some(picture) = reader.read().unwrap() {
        assert_eq!(pattern.check(&picture), Ok(count));
        count += 1;
    }
    assert_eq!(count, 50);
}
