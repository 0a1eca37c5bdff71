//! The browser's sandbox: on, as an ordinary user; off only where it cannot be, as root. Frames come out of it alike.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{chown, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use frame_ring::LaneOptions;
use frame_ring_pipeline::browser::place::Place;
use frame_ring_pipeline::browser::process::{Browser, Launch};
use nix::unistd::{geteuid, User};

use crate::stage::Stage;
use crate::web::{self, FULL, HEADLESS, SWITCHES};

/// Who runs the browser where the tests run as root.
const USER: &str = "nobody";

/// Says, past the harness, that something was not tried.
fn not_run(why: &str) {
    let line = format!("\nNOT RUN: the browser's sandbox, because {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A directory in memory, for a user's profile.
struct Home {
    place: Place,
}

impl Home {
    fn of(user: &User) -> Self {
        let place = Place::new().unwrap();
        for dir in [place.path().to_owned(), place.path().join("profile")] {
            fs::create_dir_all(&dir).unwrap();
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
            chown(&dir, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
        Self { place }
    }

    fn profile(&self) -> PathBuf {
        self.place.path().join("profile")
    }

    /// A program that starts the browser as the user.
    fn program(&self, browser: &str) -> PathBuf {
        let path = self.place.path().join("browser");
        fs::write(&path, format!("#!/bin/sh\nexec runuser -u {USER} -- {browser} \"$@\"\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

/// The browser's processes that show pages.
fn renderers(browser: &Browser) -> Vec<PathBuf> {
    let is_ours = |process: &PathBuf| group(process) == Some(browser.pid());
    let command = |process: &PathBuf| fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter(|process| is_ours(process) && command(process).contains("--type=renderer")).collect()
}

/// The group that a process is in: it has the number of the process that was started.
fn group(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_whitespace().nth(2)?.parse().ok()
}

fn number(process: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().parse().unwrap_or(0)
}

/// Why there can be no sandbox here, if so.
fn obstacle(is_root: bool) -> Option<&'static str> {
    let mut trial = match is_root {
        true => Command::new("runuser"),
        false => Command::new("unshare"),
    };
    match is_root {
        true => trial.args(["-u", USER, "--", "unshare", "--user", "true"]),
        false => trial.args(["--user", "true"]),
    };
    match trial.status() {
        Err(_) if is_root => Some("the tests run as root, and there is no runuser"),
        Ok(status) if status.success() => None,
        _ => Some("ordinary users may not make namespaces here (unshare --user)"),
    }
}

/// Whether a renderer runs as this user, with fewer system calls than this process and in a namespace of its own.
fn is_confined(renderer: &Path, user: &User) -> bool {
    let own = Path::new("/proc/self");
    let space = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
    number(renderer, "Uid:") == u64::from(user.uid.as_raw())
        && number(renderer, "Seccomp_filters:") > number(own, "Seccomp_filters:")
        // Only root may look.
        && (space(renderer).is_none() || space(renderer) != space(own))
}

/// A page's frames, received through a browser with its sandbox on.
fn sandboxed(program: &str) {
    if web::launch(program).is_none() {
        return;
    }
    let is_root = geteuid().is_root();
    if let Some(why) = obstacle(is_root) {
        return not_run(why);
    }
    let user = if is_root { User::from_name(USER) } else { User::from_uid(geteuid()) }.unwrap().unwrap();
    let home = is_root.then(|| Home::of(&user));
    let launch = match &home {
        None => Launch::new(program),
        Some(home) => {
            Launch::new(home.program(program)).arg(format!("--user-data-dir={}", home.profile().display()))
        }
    };
    let switches = SWITCHES.into_iter().filter(|switch| *switch != "--no-sandbox");
    let mut stage = Stage::with(LaneOptions::default(), || {
        Browser::start_with(launch.args(switches), |command| {
            command.envs(home.as_ref().map(|home| ("HOME", home.place.path())));
        })
    });
    stage.go("/live");

    // The browser starts renderers in advance, which give up their rights a moment later.
    let confined = (0..50).find_map(|_| {
        let all = renderers(&stage.browser);
        let are_confined = !all.is_empty() && all.iter().all(|renderer| is_confined(renderer, &user));
        std::thread::sleep(Duration::from_millis(if are_confined { 0 } else { 100 }));
        are_confined.then_some(all.len())
    });
    let Some(confined) = confined else { panic!("{:?} have no sandbox", renderers(&stage.browser)) };
    let lane = stage.joined();
    let about = fs::metadata(&stage.hub.ring(lane).unwrap().lane().unwrap().path).unwrap();
    assert_eq!((about.uid(), about.mode() & 0o777), (user.uid.as_raw(), 0o600));
    for _ in 0..10 {
        stage.frame("frames out of the sandbox");
    }
    println!("{program}: {confined} sandboxed renderers of user {}", user.name);
}

#[test]
fn frames_come_out_of_the_sandbox_of_the_headless_shell() {
    sandboxed(HEADLESS);
}

#[test]
fn frames_come_out_of_the_sandbox_of_the_full_browser() {
    sandboxed(FULL);
}
