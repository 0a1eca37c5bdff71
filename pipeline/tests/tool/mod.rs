//! What the tests of the program share: directories, processes with a deadline, a look into Matroska files.

// Each test crate uses its own part of this.
#![allow(dead_code)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use frame_ring::Observer;
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

/// Nothing here takes that long unless it hangs.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory of its own, removed in the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("frame-ring-program-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Starts the program in this directory. Its output goes to files there.
    pub fn start(&self, args: &[&str]) -> Running {
        self.start_with(args, Stdio::null())
    }

    pub fn start_with(&self, args: &[&str], stdin: Stdio) -> Running {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let (out, err) = (self.path(&format!("{count}.stdout")), self.path(&format!("{count}.stderr")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_frame-ring"));
        command.args(args).current_dir(&self.0).stdin(stdin);
        command.env_remove("FRAME_RING_FD").env_remove("FRAME_RING_SOCKET");
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let child = command.spawn().unwrap();
        Running { child, args: args.join(" "), out, err }
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.start(args).wait()
    }

    /// Starts the program and waits until it serves a ring at `socket`.
    pub fn serve(&self, args: &[&str], socket: &str) -> Running {
        let mut running = self.start(args);
        until("the ring is served", || {
            assert!(running.child.try_wait().unwrap().is_none(), "{args:?} ended: {}", running.stderr());
            Observer::connect(self.path(socket)).is_ok()
        });
        running
    }

    /// Names of the files in a directory, in order.
    pub fn list(&self, dir: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(dir)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A process of the program; killed when dropped.
#[derive(Debug)]
pub struct Running {
    pub child: Child,
    args: String,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let mut status = None;
        let (args, start) = (self.args.clone(), Instant::now());
        while status.is_none() {
            assert!(start.elapsed() < DEADLINE, "{args} does not end: {}", self.stderr());
            status = self.child.try_wait().unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        let stdout = fs::read(&self.out).unwrap();
        Ended { status: status.unwrap(), args, stdout, stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a process of the program ended.
#[derive(Debug)]
pub struct Ended {
    status: ExitStatus,
    args: String,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let (status, args, out, err) = (self.status, &self.args, self.text(), &self.stderr);
        assert_eq!(status.code(), Some(code), "{args}: {:?}\n{out}\n{err}", status.signal());
        self
    }

    /// The cells of the first row of a table that starts with these.
    #[track_caller]
    pub fn row(&self, start: &[&str]) -> Vec<String> {
        let text = if self.stdout.is_empty() { self.stderr.clone() } else { self.text() };
        let rows = text.lines().map(|line| line.split_whitespace().map(String::from).collect::<Vec<_>>());
        let mut rows =
            rows.filter(|row| row.len() > start.len() && row.iter().zip(start).all(|(a, b)| a == b));
        rows.next().unwrap_or_else(|| panic!("no row {start:?} in:\n{text}"))
    }
}

/// Numbers in a row, from cell `from` on.
pub fn numbers<const N: usize>(row: &[String], from: usize) -> [u64; N] {
    std::array::from_fn(|at| {
        row[from + at].parse().unwrap_or_else(|_| panic!("cell {} of {row:?}", from + at))
    })
}

/// A complete Matroska file: blocks of each track, by the name of its codec. Panics if the file is not complete.
#[track_caller]
pub fn blocks(path: &Path) -> Vec<(String, u64)> {
    let file = fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let top = elements(&file);
    assert_eq!(
        top.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [0x1A45_DFA3, 0x1853_8067],
        "{}",
        path.display()
    );
    let mut codecs = Vec::new();
    let (mut has_cues, mut has_duration) = (false, false);
    for (id, content) in elements(top[1].1) {
        match id {
            0x1C53_BB6B => has_cues = true,
            0x1549_A966 => has_duration = elements(content).iter().any(|(id, _)| *id == 0x4489),
            0x1654_AE6B => {
                for (_, track) in elements(content) {
                    let codec = elements(track).into_iter().find(|(id, _)| *id == 0x86).unwrap().1;
                    codecs.push((String::from_utf8(codec.to_vec()).unwrap(), 0));
                }
            }
            0x1F43_B675 => {
                for (_, block) in elements(content).into_iter().filter(|(id, _)| *id == 0xA3) {
                    codecs[usize::from(block[0] & 0x7F) - 1].1 += 1;
                }
            }
            _ => {}
        }
    }
    assert!(has_cues && has_duration, "{} was not finished", path.display());
    codecs
}

/// Ids and contents of EBML elements that follow each other and end exactly at the end.
fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let mut all = Vec::new();
    while let [first, ..] = bytes {
        let id_len = first.leading_zeros() as usize + 1;
        let id = bytes[..id_len].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
        let size_len = bytes[id_len].leading_zeros() as usize + 1;
        let size =
            bytes[id_len..id_len + size_len].iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
        let size = (size & !(1 << (7 * size_len))) as usize;
        let (element, rest) = bytes[id_len + size_len..].split_at(size);
        all.push((id, element));
        bytes = rest;
    }
    all
}
