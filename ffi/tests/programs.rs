//! C, C++ and Rust programs, each as producer and as consumer, in one ring at once; by the shared library and by the static
//! one, plain and under AddressSanitizer and UBSan. And the examples.

#[path = "support/mod.rs"]
mod building;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use building::run;
use frame_ring::{
    Descriptor, FourCc, Picture, Producer, RingBuilder, TrackInfo, TrackKind, TrackSource, VideoFormat,
};
use support::TempDir;

const FRAMES: u64 = 200;
const WIDTH: u32 = 320;
const HEIGHT: u32 = 180;
const BYTES: usize = (WIDTH * HEIGHT * 3 / 2) as usize;

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"];
const SANITIZED: [&str; 3] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"];

/// Programs of this package, built into a directory that goes with them.
struct Programs {
    dir: TempDir,
    compilers: [OsString; 2],
    sanitized: bool,
}

impl Programs {
    fn new(sanitized: bool) -> Option<Self> {
        Some(Self { dir: TempDir::new(), compilers: building::compilers()?, sanitized })
    }

    /// Builds a source file; C against the shared library, C++ against the static one.
    fn build(&self, source: &str) -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let to = self.dir.join(&source.replace(['/', '.'], "_"));
        let test = std::env::current_exe().expect("this test");
        let libraries = test.parent().expect("the directory of the libraries");
        let is_c = source.ends_with(".c");
        let mut command = if is_c {
            let mut cc = Command::new(&self.compilers[0]);
            cc.arg("-std=c11");
            cc
        } else {
            let mut cxx = Command::new(&self.compilers[1]);
            cxx.args(["-std=c++17", "-fno-exceptions", "-fno-rtti"]);
            cxx
        };
        command.args(STRICT).arg("-I").arg(here.join("include")).arg(here.join(source));
        if self.sanitized {
            command.args(SANITIZED);
        }
        if is_c {
            command.arg("-L").arg(libraries).arg("-lframe_ring_c");
            command.arg(format!("-Wl,-rpath,{}", libraries.display()));
        } else {
            command.arg(libraries.join("libframe_ring_c.a")).args(["-lpthread", "-ldl", "-lm"]);
        }
        run(command.arg("-o").arg(&to));
        to
    }
}

/// A child that is killed if the test fails.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("it starts"))
    }

    fn finish(mut self) {
        let status = self.0.wait().expect("its end");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A producer of each language, all in one ring at once.
fn send_all(programs: &Programs, socket: &Path) {
    let numbers = FRAMES.to_string();
    let c = Program::start(
        Command::new(programs.build("examples/send_pattern.c")).arg(socket).args(["in C", &numbers]),
    );
    let mut cxx = Program::start(
        Command::new(programs.build("examples/send_raw.cc"))
            .arg(socket)
            .args([WIDTH.to_string(), HEIGHT.to_string()])
            .stdin(Stdio::piped()),
    );
    let mut raw = cxx.0.stdin.take().expect("a pipe");
    let feeder = std::thread::spawn(move || {
        for n in 0..FRAMES {
            raw.write_all(&[n as u8; BYTES]).expect("it reads");
        }
    });
    let producer = Producer::connect(socket, "in Rust").expect("a connection");
    let info = TrackInfo::new(TrackKind::Video, TrackSource::Camera, "in Rust");
    let mut track = producer.track(&info).expect("a track");
    track.set_patience(support::HANG);
    let format = VideoFormat::packed(FourCc::I420, WIDTH, HEIGHT).expect("a format");
    for n in 0..FRAMES {
        let bytes = vec![n as u8; BYTES];
        let (y, chroma) = bytes.split_at((WIDTH * HEIGHT) as usize);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        let planes = [(y, WIDTH as usize), (u, WIDTH as usize / 2), (v, WIDTH as usize / 2)];
        track.send_video(&Picture { format, planes: &planes }, &Descriptor::default()).expect("sent");
    }
    c.finish();
    feeder.join().expect("no panic");
    cxx.finish();
}

fn in_all_directions(sanitized: bool) {
    let Some(programs) = Programs::new(sanitized) else { return };
    let socket = programs.dir.join("socket");
    for verifier in ["tests/programs/verify.c", "tests/programs/verify.cc"] {
        let numbers = ["3".to_owned(), FRAMES.to_string()];
        let consumer = Program::start(Command::new(programs.build(verifier)).arg(&socket).args(numbers));
        support::until("it listens", || Producer::connect(&socket, "a knock").is_ok());
        send_all(&programs, &socket);
        consumer.finish();
    }
    let mut ring = RingBuilder::new().data_bytes(1 << 20).build().expect("a ring");
    ring.listen(&socket).expect("a socket");
    let receiver = std::thread::spawn(move || {
        let mut next = [0; 256];
        for _ in 0..3 * FRAMES {
            let frame = support::recv(&mut ring).expect("no error");
            let sequence = &mut next[usize::from(frame.producer())];
            assert_eq!(frame.descriptor().sequence, *sequence);
            assert!(frame.payload().to_vec() == [*sequence as u8; BYTES], "frame {sequence}");
            *sequence += 1;
        }
    });
    send_all(&programs, &socket);
    receiver.join().expect("all frames");
}

#[test]
fn c_and_cxx_and_rust_send_and_receive() {
    in_all_directions(false);
}

#[test]
fn nothing_is_found_by_sanitizers() {
    in_all_directions(true);
}

#[test]
fn a_recording_of_the_example_is_a_y4m_file() {
    let Some(programs) = Programs::new(false) else { return };
    let (socket, file) = (programs.dir.join("socket"), programs.dir.join("recorded.y4m"));
    let recorder = Program::start(
        Command::new(programs.build("examples/record_y4m.c")).args([&socket, &file]).arg("20"),
    );
    support::until("it listens", || socket.exists());
    Program::start(
        Command::new(programs.build("examples/send_pattern.c")).arg(&socket).args(["a camera", "20", "200"]),
    )
    .finish();
    recorder.finish();
    let recorded = std::fs::read(file).expect("a file");
    let header = b"YUV4MPEG2 W320 H180 F30:1 Ip A1:1 C420jpeg\n";
    assert_eq!(&recorded[..header.len()], header);
    assert_eq!(recorded.len(), header.len() + 20 * (6 + BYTES));
    for (n, frame) in recorded[header.len()..].chunks(6 + BYTES).enumerate() {
        assert!(frame == [&b"FRAME\n"[..], &[n as u8; BYTES]].concat(), "picture {n}");
    }
}

#[test]
fn nothing_is_exported_but_the_header_s_functions() {
    let test = std::env::current_exe().expect("this test");
    let library = test.parent().expect("its directory").join("libframe_ring_c.so");
    let Ok(output) = Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output() else {
        let _ = writeln!(std::io::stderr(), "NOT RUN: what the C ABI exports, because there is no nm");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listing = String::from_utf8(output.stdout).expect("text");
    let exported: Vec<_> = listing.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let header = include_str!("../include/frame_ring.h");
    for name in &exported {
        assert!(header.contains(&format!("{name}(")), "{name} is exported and not in the header");
    }
    let declared = header.lines().filter(|line| !line.starts_with("//") && !line.starts_with(' '));
    let declared: Vec<_> = declared
        .filter_map(|line| line.split_once('(').filter(|_| line.contains("frame_ring_")))
        .filter_map(|(before, _)| before.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("frame_ring_"))
        .collect();
    assert!(declared.len() > 40, "{declared:?}");
    for name in declared {
        assert!(exported.contains(&name), "{name} is in the header and not exported");
    }
}
