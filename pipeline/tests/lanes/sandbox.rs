//! A browser with its sandbox on: started as an ordinary user, which root has to become first.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::{Path, PathBuf};

use frame_ring_pipeline::browser::process::Launch;
use nix::unistd::{geteuid, User};

use super::web;

/// The user that root becomes.
const USER: &str = "nobody";

/// What such a browser needs; removed in the end.
pub struct Sandboxed {
    dir: PathBuf,
    /// What starts it: the browser, or a script that becomes another user.
    program: PathBuf,
}

impl Sandboxed {
    /// `None`, and a word on it, where root cannot become somebody else.
    pub fn new() -> Option<Self> {
        let dir = Path::new("/dev/shm").join(format!("frame-ring-sandboxed-{}", std::process::id()));
        let profile = dir.join("profile");
        fs::create_dir_all(&profile).expect("a directory");
        if !geteuid().is_root() {
            return Some(Self { dir, program: web::FULL.into() });
        }
        let user = User::from_name(USER)
            .expect("a list of users")
            .filter(|_| Path::new("/usr/sbin/runuser").exists());
        let Some(user) = user else {
            let _ = std::io::stderr().write_all(
                b"\nNOT RUN: a test of the sandbox, because there is no runuser, or no user nobody\n",
            );
            return None;
        };
        chown(&profile, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("its owner");
        let program = dir.join("chromium");
        let home = profile.display();
        let text =
            format!("#!/bin/sh\nHOME={home} exec /usr/sbin/runuser -u {USER} -- {} \"$@\"\n", web::FULL);
        fs::write(&program, text).expect("a script");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a script");
        Some(Self { dir, program })
    }

    /// How to start it.
    pub fn launch(&self) -> Launch {
        let profile = format!("--user-data-dir={}", self.dir.join("profile").display());
        let switches = web::SWITCHES.into_iter().filter(|switch| *switch != "--no-sandbox");
        Launch::new(&self.program).args(switches).arg(profile)
    }
}

impl Drop for Sandboxed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Renderers of this machine whose system calls are filtered.
pub fn renderers_with_filter() -> usize {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let read = |path: PathBuf| {
        fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    };
    let is_one = |path: PathBuf| {
        read(path.join("cmdline")).contains("--type=renderer")
            && read(path.join("status")).contains("Seccomp:\t2")
    };
    processes.filter(|process| is_one(process.path())).count()
}
