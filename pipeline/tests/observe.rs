//! `frame-ring top`, `inspect` and `doctor` as scripts use them, with a live ring in this process.

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use frame_ring::{
    Class, Consumer, Descriptor, Frame, Producer, RingBuilder, Track, TrackInfo, TrackKind, TrackSource,
};
use serde_json::Value;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_frame-ring")).args(args).output().expect("the program starts")
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(args: &[&str]) -> Vec<Value> {
    text(run(args)).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// A path of its own for each ring, gone with it.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("frame-ring-observe-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).expect("a new directory");
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A ring to which five frames of 1000 bytes were sent on one track: two were received and are held, three wait.
struct Live {
    ring: Consumer,
    track: Track,
    _held: Vec<Frame>,
    path: String,
    _dir: Dir,
}

impl Live {
    fn new() -> Self {
        let dir = Dir::new();
        let path = dir.0.join("ring.sock");
        let mut ring = RingBuilder::new()
            .data_bytes(1 << 20)
            .slots(64)
            .tracks(4)
            .name("a test")
            .build()
            .expect("a ring");
        ring.listen(&path).expect("a socket");
        let producer = Producer::connect(&path, "some camera").expect("a connection");
        let info = TrackInfo::new(TrackKind::Video, TrackSource::Camera, "front door");
        let mut track = producer.track(&info).expect("a free track");
        for _ in 0..5 {
            track.send_bytes(&[7; 1000], &Descriptor::opaque()).expect("room");
        }
        let _held = (0..2).map(|_| ring.try_recv().expect("a sound ring").expect("a frame")).collect();
        Self { ring, track, _held, path: path.to_str().expect("UTF-8").into(), _dir: dir }
    }
}

#[test]
fn inspect_shows_what_was_sent() {
    let live = Live::new();
    let [ring] = &json(&["inspect", &live.path, "--json", "--slots"])[..] else { panic!("one object") };

    assert_eq!(ring["header"]["name"], "a test");
    assert_eq!(ring["header"]["magic"], "FRAMERNG");
    assert_eq!(ring["header"]["data_bytes"], 1 << 20);
    assert_eq!(ring["header"]["slots"], 64);
    assert_eq!(ring["header"]["tracks"], 4);
    assert_eq!(ring["header"]["consumer_pid"], std::process::id());
    assert_eq!(ring["control"]["closed"], false);
    assert_eq!(ring["control"]["tail"]["index"], 5);
    assert_eq!(ring["control"]["head"]["index"], 0);
    assert_eq!(ring["used"]["slots"], 5);
    assert_eq!(ring["used"]["bytes"], 5 * 1024, "1000 bytes take up 16 units of 64");
    assert!(ring["used"]["oldest_held_ns"].as_u64().unwrap() > 0);

    let [producer] = &ring["producers"].as_array().unwrap()[..] else { panic!("one producer in {ring}") };
    assert_eq!(producer["label"], "some camera");
    assert_eq!(producer["connected"], true);
    assert_eq!(producer["pid"], std::process::id());
    assert_eq!((&producer["frames"], &producer["bytes"]), (&5.into(), &5000.into()));

    let [track] = &ring["tracks"].as_array().unwrap()[..] else { panic!("one track in {ring}") };
    assert_eq!(
        (&track["label"], &track["kind"], &track["source"]),
        (&"front door".into(), &"video".into(), &"camera".into())
    );
    assert_eq!((&track["sent"], &track["sent_bytes"]), (&5.into(), &5000.into()));
    assert_eq!((&track["received"], &track["received_bytes"]), (&2.into(), &2000.into()));
    let counted: u64 =
        track["latency_below_us"].as_array().unwrap().iter().map(|b| b[1].as_u64().unwrap()).sum();
    assert_eq!(counted, 2);

    let slots = ring["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 5);
    for (i, slot) in slots.iter().enumerate() {
        assert_eq!(
            (&slot["index"], &slot["state"], &slot["bytes"]),
            (&i.into(), &"committed".into(), &1024.into())
        );
        assert_eq!(slot["held_ns"].is_u64(), i < 2, "{slot}");
    }
}

#[test]
fn inspect_finds_a_descriptor() {
    let live = Live::new();
    let by_socket = &json(&["inspect", &live.path, "--json"])[0];
    let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let is_ring = |link: &std::fs::DirEntry| {
        std::fs::read_link(link.path()).is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:frame-ring"))
    };
    let fds: Vec<String> =
        links.filter(is_ring).map(|link| link.file_name().into_string().unwrap()).collect();
    let found = fds.iter().any(|fd| {
        let output = run(&["inspect", &format!("/proc/{}/fd/{fd}", std::process::id()), "--json"]);
        // Those of other tests may be closed meanwhile.
        serde_json::from_slice::<Value>(&output.stdout)
            .is_ok_and(|ring| ring["header"]["ring_id"] == by_socket["header"]["ring_id"])
    });
    assert!(found, "none of {fds:?} is the ring");
    drop(live);
}

#[test]
fn inspect_finds_the_ring_of_a_process() {
    // Any process with a ring will do, if it is not one whose rings come and go with the tests.
    let mut other = Command::new(env!("CARGO_BIN_EXE_frame-ring"))
        .args(["bench", "--idle", "--seconds", "600"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let pid = other.id().to_string();
    let deadline = Instant::now() + Duration::from_secs(60);
    let output = loop {
        let output = run(&["inspect", &pid, "--json"]);
        // At first it has none, or one that is being made.
        if output.status.success() || Instant::now() > deadline {
            break output;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    other.kill().and_then(|()| other.wait()).expect("our own child");
    let ring: Value = serde_json::from_str(&text(output)).expect("JSON");
    assert_eq!(ring["header"]["name"], "bench");
    assert_eq!(ring["header"]["consumer_pid"].to_string(), pid);
}

#[test]
fn inspect_speaks_to_people() {
    let live = Live::new();
    let shown = text(run(&["inspect", &live.path, "--slots"]));
    for expected in
        ["a test", "some camera", "front door", "1048576 bytes", "slots in use", "committed", "tail"]
    {
        assert!(shown.contains(expected), "{expected:?} is missing in:\n{shown}");
    }
    drop(live);
}

#[test]
fn top_shows_what_was_sent() {
    let live = Live::new();
    let intervals = json(&["top", &live.path, "--batch", "--json", "-n", "2", "--interval", "0.05"]);
    assert_eq!(intervals.len(), 2);
    for ring in &intervals {
        assert_eq!(ring["name"], "a test");
        assert_eq!(ring["closed"], false);
        assert_eq!(ring["used_slots"], 5);
        assert!(ring["interval_s"].as_f64().unwrap() >= 0.05);
        let [track] = &ring["tracks"].as_array().unwrap()[..] else { panic!("one track in {ring}") };
        assert_eq!((&track["label"], &track["kind"]), (&"front door".into(), &"video".into()));
        assert_eq!(
            (&track["sent"], &track["received"], &track["dropped"]),
            (&5.into(), &2.into(), &0.into())
        );
        assert_eq!(track["fps"], 0.0, "nothing was sent while it was looked at");
        assert!((track["fill_percent"].as_f64().unwrap() - 100.0 * 5.0 / 1024.0).abs() < 1e-9);
        assert!(track["oldest_held_ns"].as_u64().unwrap() > 0);
    }
    let held = |ring: &Value| ring["oldest_held_ns"].as_u64().unwrap();
    assert!(held(&intervals[1]) > held(&intervals[0]));
}

#[test]
fn top_names_a_claim_that_is_not_finished() {
    let live = Live::new();
    let stuck = Producer::connect(&live.path, "a stuck tab").expect("a connection");
    let _claim = stuck.try_claim(1000, Class::Video).expect("room");
    let [ring] = &json(&["top", &live.path, "--json", "-n", "1", "--interval", "0.01"])[..] else {
        panic!("one object")
    };
    let [stalled] = &ring["stalled"].as_array().unwrap()[..] else { panic!("one claim in {ring}") };
    assert_eq!((&stalled["label"], &stalled["bytes"]), (&"a stuck tab".into(), &1024.into()));
    let shown = text(run(&["top", &live.path, "-n", "1", "--interval", "0.01"]));
    assert!(shown.contains("STALLED: producer 2 (a stuck tab, pid"), "{shown}");
}

#[test]
fn top_counts_frames_of_its_interval() {
    use std::io::{BufRead, BufReader};
    let mut live = Live::new();
    let args = ["top", &live.path, "--json", "--interval", "0.05"];
    let mut top = Command::new(env!("CARGO_BIN_EXE_frame-ring"))
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(top.stdout.take().unwrap()).lines();
    lines.next().expect("an interval before").unwrap();
    live.track.send_bytes(&[7; 1000], &Descriptor::opaque()).expect("room");
    // It is counted in one interval, and in none after that.
    let mut rates = Vec::new();
    for line in lines.by_ref() {
        let ring: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let track = &ring["tracks"][0];
        rates.push((track["fps"].as_f64().unwrap(), ring["interval_s"].as_f64().unwrap()));
        if track["sent"] == 6 && track["fps"] == 0.0 {
            break;
        }
        assert!(rates.len() < 10_000, "the frame is never seen");
    }
    let frames: f64 = rates.iter().map(|(fps, seconds)| fps * seconds).sum();
    assert!((frames - 1.0).abs() < 1e-6, "{rates:?}");
    // The end of the ring is the end of the watch.
    drop(live);
    assert!(top.wait().unwrap().success());
    let last: Value = serde_json::from_str(&lines.last().expect("a last look").unwrap()).unwrap();
    assert_eq!(last["closed"], true);
}

#[test]
fn top_appends_tables_where_there_is_no_terminal() {
    let live = Live::new();
    let shown = text(run(&["top", &live.path, "-n", "2", "--interval", "0.01"]));
    assert_eq!(shown.matches("front door").count(), 2, "{shown}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    drop(live);
}

#[test]
fn doctor_finds_this_machine_fit() {
    let [report] = &json(&["doctor", "--json"])[..] else { panic!("one object") };
    assert_ne!(report["status"], "problem", "{report}");
    let checks = report["checks"].as_array().unwrap();
    for name in ["kernel", "memfd", "memfd seals", "SO_PEERCRED", "SCM_RIGHTS", "eventfd", "RLIMIT_NOFILE"] {
        let check = checks.iter().find(|check| check["name"] == name).expect(name);
        assert_ne!(check["status"], "problem", "{check}");
        assert_eq!(check["status"] == "ok", check.get("advice").is_none(), "{check}");
    }
    assert!(text(run(&["doctor"])).contains("memfd seals"));
}

/// Takes away what a ring needs: the doctor must see it, and say so to scripts.
#[test]
fn doctor_sees_what_is_missing() {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(env!("CARGO_BIN_EXE_frame-ring"));
    command.args(["doctor", "--json"]);
    // SAFETY: `setrlimit` is async-signal-safe and looks only at `limit`, which the closure owns.
    unsafe {
        command.pre_exec(|| {
            // No file may grow: `ftruncate` of a memfd fails.
            let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            match libc::setrlimit(libc::RLIMIT_FSIZE, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["status"], "problem");
    let problems: Vec<&Value> =
        report["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "problem").collect();
    assert!(problems.iter().any(|check| check["name"] == "memfd"), "{report}");
    assert!(problems.iter().all(|check| check["advice"].is_string()), "{report}");
}

#[test]
fn wrong_targets_and_arguments_are_named() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let not_a_ring = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    for (args, code, what) in [
        (&["inspect"][..], 2, "SOCKET"),
        (&["top"], 2, "SOCKET"),
        (&["top", "x", "--interval", "0"], 2, "0.01"),
        (&["top", "x", "-n", "0"], 2, "0"),
        (&["doctor", "now"], 2, "now"),
        (&["inspect", "/no/such/socket"], 1, "/no/such/socket"),
        (&["top", "/no/such/socket"], 1, "/no/such/socket"),
        (&["inspect", &not_a_ring], 1, "not a memfd"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(why.contains(what), "{args:?}: {why}");
    }
}

#[test]
fn a_consumer_that_has_left_is_no_target() {
    let live = Live::new();
    let path = live.path.clone();
    let Live { ring, _dir: dir, .. } = live;
    drop(ring);
    for command in ["inspect", "top"] {
        assert_eq!(run(&[command, &path]).status.code(), Some(1), "{command}");
    }
    drop(dir);
}
