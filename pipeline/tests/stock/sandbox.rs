//! The browser's sandbox: on, as an ordinary user; off only where it cannot be, as root. Frames come out of it alike.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{chown, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use frame_ring::{Hub, HubItem, LaneOptions};
use frame_ring_pipeline::browser::place::Place;
use frame_ring_pipeline::browser::process::{Browser, Launch};
use nix::unistd::{geteuid, User};

use crate::stage::{site, turn, PATIENCE};
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

/// Processes of the browser with this profile that show pages.
fn renderers(profile: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let has = |line: &str, part: &str| line.contains(part);
    let profile = profile.display().to_string();
    let line = |process: &PathBuf| fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    // Renderers do not tell the profile; their crash handler does not either. All of one group belong together.
    let browser = processes.filter(|process| process.join("cmdline").exists()).collect::<Vec<_>>();
    let main =
        browser.iter().filter(|process| has(&line(process), &profile) && !has(&line(process), "--type="));
    let groups: Vec<i32> = main.filter_map(|process| group(process)).collect();
    let of_ours =
        browser.iter().filter(|process| group(process).is_some_and(|group| groups.contains(&group)));
    of_ours.filter(|process| has(&line(process), "--type=renderer")).cloned().collect()
}

fn group(process: &Path) -> Option<i32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_whitespace().nth(2)?.parse().ok()
}

fn number(process: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().parse().unwrap_or(0)
}

/// A page's frames, received through a browser with its sandbox on.
fn sandboxed(program: &str) {
    if web::launch(program).is_none() {
        return;
    }
    let _turn = turn();
    let switches = SWITCHES.into_iter().filter(|switch| *switch != "--no-sandbox");
    let is_root = geteuid().is_root();
    let user = if is_root { User::from_name(USER).unwrap() } else { User::from_uid(geteuid()).unwrap() };
    let Some(user) = user else { return not_run(&format!("there is no user {USER}")) };
    let home = is_root.then(|| Home::of(&user));
    let launch = match &home {
        None => Launch::new(program),
        Some(home) => {
            if !Path::new("/usr/sbin/runuser").exists() {
                return not_run("the tests run as root, and there is no runuser");
            }
            let profile = format!("--user-data-dir={}", home.profile().display());
            Launch::new(home.program(program)).arg(profile)
        }
    };
    let mut trial = Command::new("unshare");
    trial.args(["--user", "true"]);
    if is_root {
        trial = Command::new("runuser");
        trial.args(["-u", USER, "--", "unshare", "--user", "true"]);
    }
    if !trial.status().is_ok_and(|status| status.success()) {
        return not_run("users may not make namespaces here (unshare --user)");
    }
    let browser = Browser::start_with(launch.args(switches), |command| {
        if let Some(home) = &home {
            command.env("HOME", home.place.path());
        }
    })
    .unwrap_or_else(|why| panic!("{why}"));
    let mut hub = Hub::new().unwrap();
    hub.watch_profile(browser.profile(), LaneOptions::default()).unwrap();
    let site = site();
    let page = browser.open(&site.url("/live")).unwrap();

    let renderers = renderers(browser.profile());
    assert!(!renderers.is_empty());
    for renderer in &renderers {
        assert_eq!(number(renderer, "Uid:"), u64::from(user.uid.as_raw()));
        // A filter of system calls more than this process has, and a namespace of its own.
        let (theirs, ours) =
            (number(renderer, "Seccomp_filters:"), number(Path::new("/proc/self"), "Seccomp_filters:"));
        assert!(theirs > ours, "{theirs} filters");
        let space = |process: &Path| fs::read_link(process.join("ns/pid")).unwrap();
        assert_ne!(space(renderer), space(Path::new("/proc/self")));
    }

    let (start, mut frames) = (std::time::Instant::now(), 0);
    while frames < 10 {
        match hub.recv_timeout(std::time::Duration::from_millis(200)).unwrap() {
            Some(HubItem::Frame(..)) => frames += 1,
            Some(HubItem::Joined(id)) => {
                let path = hub.ring(id).unwrap().lane().unwrap().path.clone();
                let about = fs::metadata(path).unwrap();
                assert_eq!((about.uid(), about.mode() & 0o777), (user.uid.as_raw(), 0o600));
            }
            Some(item) => panic!("{item:?}"),
            None => assert!(start.elapsed() < PATIENCE, "{:?}", page.evaluate("stock.state()")),
        }
    }
    println!("{program}: {} sandboxed renderers of user {}, {frames} frames", renderers.len(), user.name);
}

#[test]
fn frames_come_out_of_the_sandbox_of_the_headless_shell() {
    sandboxed(HEADLESS);
}

#[test]
fn frames_come_out_of_the_sandbox_of_the_full_browser() {
    sandboxed(FULL);
}
