//! The core as a browser links it: one crate of a fixed list of files, no dependency, by the bare compiler, into a C++
//! program without exceptions or run-time types. Its frames arrive.

#[path = "support/mod.rs"]
mod building;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use building::run;
use frame_ring::{Flags, FourCc, RecvError, RingBuilder};
use support::raw::Raw;

/// Builds the program in a directory of its own.
fn build(dir: &Path, cxx: &OsStr) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (core, program) = (dir.join("libframe_ring_core.rlib"), dir.join("renderer"));
    let rustc = || {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
        rustc.args(["--edition=2021", "-O", "-Cpanic=abort", "-Dwarnings"]);
        rustc
    };
    let features = ["--cfg", "feature=\"c-abi\"", "--crate-type=rlib", "--crate-name=frame_ring_core"];
    run(rustc().args(features).arg(here.join("../core/src/lib.rs")).arg("-o").arg(&core));
    let archive = dir.join("libring.a");
    let mut link = rustc();
    link.args(["--crate-type=staticlib", "--crate-name=ring", "--extern"]);
    link.arg(format!("frame_ring_core={}", core.display()));
    run(link.arg(here.join("tests/browser/panic.rs")).arg("-o").arg(&archive));
    let mut cxx = Command::new(cxx);
    cxx.args([
        "-std=c++17",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-fno-exceptions",
        "-fno-rtti",
    ]);
    cxx.arg("-I").arg(here.join("include")).arg(here.join("tests/browser/renderer.cc"));
    run(cxx.arg(&archive).arg("-o").arg(&program));
    program
}

#[test]
fn frames_of_a_program_without_rust_arrive() {
    let Some([_, cxx]) = building::compilers() else { return };
    let dir = support::TempDir::new();
    let program = build(&dir.join(""), &cxx);
    let mut ring = RingBuilder::new().data_bytes(1 << 16).slots(16).tracks(4).build().expect("a ring");
    // What the browser process does: it makes the hand-over, passes the descriptors on and holds the lifeline.
    let raw = Raw::join(&ring, "a browser");
    for fd in [raw.memfd.as_raw_fd(), raw.event.as_raw_fd()] {
        nix::fcntl::fcntl(
            // SAFETY: `raw` keeps it open.
            unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) },
            nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
        )
        .expect("inherited");
    }
    let numbers = [raw.memfd.as_raw_fd(), raw.event.as_raw_fd(), raw.owner.into()].map(|n| n.to_string());
    let mut child = Command::new(program).args(numbers).spawn().expect("a child");
    for n in (0..3000u64).filter(|n| n % 3 != 2) {
        let frame = support::recv(&mut ring).expect("no error");
        let about = frame.descriptor();
        assert_eq!((about.sequence, about.pts_ns), (n, Some(n as i64)));
        assert_eq!(about.dropped_before, u32::from(n % 3 == 0 && n > 0));
        assert_eq!(about.flags.contains(Flags::DISCONT), n % 3 == 0);
        assert_eq!(about.extensions.rtp_timestamp(), Some(90_000));
        let picture = frame.video().expect("a picture");
        assert_eq!((picture.format().fourcc, picture.format().coded_width), (FourCc::NV12, 33));
        assert!(frame.payload().to_vec().iter().all(|byte| *byte == n as u8), "frame {n}");
    }
    assert!(child.wait().expect("its end").success());
    let [track] = &ring.tracks()[..] else { panic!("one track") };
    assert_eq!((track.sent, track.dropped, track.received, track.live), (2000, 1000, 2000, false));
    drop(raw);
    assert!(matches!(support::recv(&mut ring), Err(RecvError::Disconnected)));
}
