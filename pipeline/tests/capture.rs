//! `run` and `serve` with a real browser: a page with a call in it, recorded by participant.

mod tool;
mod web;

use std::path::{Path, PathBuf};

use frame_ring_pipeline::browser::library::SCRIPT;
use frame_ring_pipeline::browser::place::{candidates, is_tmpfs};
use nix::sys::signal::Signal;
use tool::{blocks, until, Running, Scratch};
use web::{launch, start, Site, FULL, HEADLESS, SWITCHES};

const FAKES: [&str; 2] = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

/// Two connections in one page, whose script knows nothing of rings. It reloads itself once if it is told to.
const CALL: &str = "<!DOCTYPE html><title>call</title><script>
    async function call() {
        const video = { width: 320, height: 240, frameRate: 15 };
        const stream = await navigator.mediaDevices.getUserMedia({ video, audio: true });
        const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
        for (const [from, to] of [[here, there], [there, here]]) {
            from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
        }
        for (const track of stream.getTracks()) here.addTrack(track, stream);
        await here.setLocalDescription(await here.createOffer());
        await there.setRemoteDescription(here.localDescription);
        await there.setLocalDescription(await there.createAnswer());
        await here.setRemoteDescription(there.localDescription);
    }
    call();
    if (location.search === '?reload' && !sessionStorage.again) {
        sessionStorage.again = 'no';
        setTimeout(() => location.reload(), 4000);
    }
</script>";

/// A page that loads the library itself, and sends what it likes.
const OWN: &str = "<!DOCTYPE html><script src=/frame-ring.js></script><script>
    (async () => {
        const ring = await FrameRing.open({ name: 'own', transport: 'lane' });
        const track = ring.track({ label: 'numbers', participant: 'counter' });
        let number = 0;
        setInterval(() => ring.write(track, `number ${number++}`), 50);
    })();
</script>";

fn site() -> Site {
    let library = SCRIPT.to_owned();
    Site::serve(&[("/", ("", CALL.into())), ("/own", ("", OWN.into())), ("/frame-ring.js", ("", library))])
}

/// Starts `run` with a browser, and waits until its error output has `what`.
fn run(scratch: &Scratch, options: &[&str], program: &str, more: &[&str], url: &str, what: &str) -> Running {
    let args = [&["run"], options, &["--", program], &SWITCHES, &FAKES, more, &[url]].concat();
    let mut running = scratch.start(&args);
    heard(&mut running, what);
    running
}

fn heard(running: &mut Running, what: &str) {
    until(&format!("{what:?} is said"), || {
        let ended = running.child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before {what:?} was said: {}", running.stderr());
        running.stderr().contains(what)
    });
}

/// What this process and its like have left in memory.
fn places(pid: u32) -> Vec<PathBuf> {
    let entries = candidates().into_iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
    let start = format!("frame-ring-browser-{pid}-");
    let is_its = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&start);
    entries.map(|entry| entry.path()).filter(is_its).collect()
}

#[test]
fn a_call_is_recorded_through_a_reload() {
    let Some(_) = launch(HEADLESS) else { return };
    let scratch = Scratch::new();
    let url = site().url("/?reload");
    let mut running =
        run(&scratch, &["--out", "out"], HEADLESS, &[], &url, "lane 1: opened by http://127.0.0.1:");
    let pid = running.child.id();
    assert_eq!(places(pid).len(), 1);
    heard(&mut running, "lane 2: opened by");
    std::thread::sleep(std::time::Duration::from_secs(2));
    // Of the script that started the browser; nobody tells the browser itself.
    running.signal(Signal::SIGTERM);
    let ended = running.wait().expect(0);
    for line in [&format!("page {url}: opened"), &format!("page {url}: reloaded")] {
        assert_eq!(ended.stderr.matches(line).count(), 1, "{line:?} in {}", ended.stderr);
    }
    assert_eq!(ended.stderr.matches("ended: its page is gone").count(), 2, "{}", ended.stderr);
    assert!(!ended.stderr.contains("websocket") && ended.stdout.is_empty(), "{}", ended.stderr);
    assert!(places(pid).is_empty());
    let files: Vec<String> = scratch.list("out").into_iter().filter(|name| name.ends_with(".mkv")).collect();
    assert!(files.len() >= 2, "a file before and one after the reload: {files:?}");
    let mut all = files.iter().map(|file| blocks(&scratch.path("out").join(file)));
    let has_both = |file: Vec<(String, u64)>| {
        let of = |start: &str| -> u64 {
            file.iter().filter(|(codec, _)| codec.starts_with(start)).map(|(_, blocks)| blocks).sum()
        };
        of("V_") > 10 && of("A_") > 10
    };
    assert!(all.any(has_both), "{files:?}");
}

#[test]
fn pages_without_files_come_over_the_websocket() {
    let Some(_) = launch(FULL) else { return };
    let scratch = Scratch::new();
    let url = site().url("/");
    let mut running = run(&scratch, &[], FULL, &["--incognito"], &url, ": connected");
    heard(&mut running, "ring: video track");
    running.signal(Signal::SIGTERM);
    let ended = running.wait().expect(0);
    for line in ["--incognito keeps the files", "from http://127.0.0.1:", "the page says: "] {
        assert!(ended.stderr.contains(line), "{line:?} is missing in {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("lane 1"), "{}", ended.stderr);
}

#[test]
fn the_extension_captures_without_pipes() {
    let Some(_) = launch(FULL) else { return };
    let scratch = Scratch::new();
    let options = ["--capture", "extension"];
    let running = run(&scratch, &options, FULL, &[], &site().url("/"), "video track");
    let pid = running.child.id();
    running.signal(Signal::SIGTERM);
    let ended = running.wait().expect(0);
    assert!(ended.stderr.contains("lane 1: opened by"), "{}", ended.stderr);
    assert!(places(pid).is_empty());
}

#[test]
fn a_browser_that_does_not_start_is_no_riddle() {
    let scratch = Scratch::new();
    let ended = scratch.run(&["run", "--browser", "--", "/bin/false", "http://127.0.0.1/"]).expect(1);
    assert!(ended.stderr.contains("the browser failed with exit status 1. As root"), "{}", ended.stderr);
}

#[test]
fn somebody_elses_browser_is_received_and_its_profile_put_back() {
    let Some(launch) = launch(HEADLESS) else { return };
    let scratch = Scratch::new();
    // Not below /tmp, which may be in memory.
    let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{}", std::process::id()));
    assert!(!is_tmpfs(Path::new(env!("CARGO_TARGET_TMPDIR"))), "a test of disks needs one");
    let files = profile.join("Default/File System");
    let name = profile.to_str().unwrap().to_owned();
    let mut serving = scratch.start(&["serve", "--profile", &name, "--no-websocket"]);
    heard(&mut serving, "waiting for lanes");
    assert!(is_tmpfs(&files));
    let browser = start(launch.arg(format!("--user-data-dir={name}")));
    let page = browser.open(&site().url("/own")).unwrap();
    heard(&mut serving, "data track \"numbers\" of \"counter\"");
    browser.reload(&page).unwrap();
    heard(&mut serving, "lane 2 (http://127.0.0.1:");
    drop(browser);
    until("both lanes have ended", || serving.stderr().matches("its page is gone").count() == 2);
    let pid = serving.child.id();
    serving.signal(Signal::SIGINT);
    let ended = serving.wait().expect(0);
    let row = ended.row(&["own", "numbers"]);
    assert!(row[2].parse::<u64>().unwrap() > 0, "{row:?}");
    assert!(!files.is_symlink() && places(pid).is_empty());
    std::fs::remove_dir_all(&profile).unwrap();
}
