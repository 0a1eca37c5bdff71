//! `frame-ring bench` as scripts use it: rows that parse, frames that arrive. Nothing here depends on speed.

use std::process::{Command, Output};

use serde_json::Value;

/// Numbers that have a middle, a least and a greatest round.
const SPREADS: [&str; 7] = [
    "gb_per_s",
    "cpu_s_per_gb",
    "producer_cpu_s_per_gb",
    "consumer_cpu_s_per_gb",
    "p50_us",
    "p99_us",
    "max_us",
];

fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_frame-ring"))
        .arg("bench")
        .args(args)
        .output()
        .expect("the program starts")
}

fn lines(args: &[&str]) -> Vec<Value> {
    let output = bench(args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The rows behind the machine.
fn rows(args: &[&str]) -> Vec<Value> {
    let mut lines = lines(args);
    let machine = lines.remove(0);
    assert_eq!(machine["kind"], "machine");
    assert!(machine["cores"].as_u64().unwrap() > 0 && machine["memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(lines.iter().all(|row| row["kind"] == "process"));
    lines
}

#[test]
fn every_transport_carries_every_frame() {
    let transports = ["memcpy", "frame-ring", "websocket-chromium", "websocket", "uds", "pipe"];
    let sizes = [64, 3840, 200_000, 1_382_400];
    let rows = rows(&["--json", "--frames", "7", "--sizes", "64,3840,200000,1382400"]);
    let found: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (row["transport"].as_str().unwrap(), row["payload_bytes"].as_u64().unwrap()))
        .collect();
    let expected: Vec<(&str, u64)> =
        sizes.iter().flat_map(|size| transports.iter().map(move |transport| (*transport, *size))).collect();
    assert_eq!(found, expected);
    for row in &rows {
        for key in SPREADS {
            let value = |part: &str| row[key][part].as_f64().unwrap();
            assert!(value("min") <= value("median") && value("median") <= value("max"), "{key}: {row}");
        }
        assert!(!row["notes"].as_str().unwrap().is_empty());
        assert_eq!(row["frames"], 7, "{row}");
        assert_eq!(row["lost"], 0, "{row}");
        assert!(row["gb_per_s"]["median"].as_f64().unwrap() > 0.0, "{row}");
        let latency = |key: &str| row[key]["median"].as_f64().unwrap();
        assert!(latency("p50_us") <= latency("p99_us") && latency("p99_us") <= latency("max_us"), "{row}");
    }
}

#[test]
fn rings_vary_in_size_producers_and_frames_held() {
    let args = "--json --transports frame-ring --frames 50 --sizes 3840 --producers 1,3 --held 1,20";
    let rows = rows(&args.split(' ').chain(["--ring-bytes", "1MiB,4MiB"]).collect::<Vec<_>>());
    assert_eq!(rows.len(), 8);
    for row in &rows {
        let producers = row["ring"]["producers"].as_u64().unwrap();
        // All producers but the last one to warm up may have sent some of theirs before the measurement.
        let frames = row["frames"].as_u64().unwrap();
        assert!(frames >= 50 && frames <= 50 * producers, "{row}");
        assert_eq!(row["lost"], 0, "{row}");
    }
    let column = |key: &str| rows.iter().map(|row| row["ring"][key].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("held"), [1, 1, 1, 1, 20, 20, 20, 20]);
    assert_eq!(column("producers"), [1, 1, 3, 3, 1, 1, 3, 3]);
    assert_eq!(column("ring_bytes"), [1 << 20, 4 << 20].repeat(4));
}

#[test]
fn medians_time_limits_and_pace() {
    let args = "--json --transports memcpy,frame-ring --sizes 3840 --seconds 0.05 --paced 200 --repeat 3";
    let rows = rows(&args.split(' ').collect::<Vec<_>>());
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row["paced_fps"], 200.0, "{row}");
        assert_eq!(row["rounds"].as_array().unwrap().len(), 3, "{row}");
        assert!(row["dollars"]["per_bot_hour"].as_f64().unwrap() >= 0.0, "{row}");
        // However late the machine is, no frame comes early: 10 in 50 ms, and one more at the end.
        let frames = row["frames"].as_u64().unwrap();
        assert!((1..=11).contains(&frames), "{row}");
    }
}

#[test]
fn people_get_a_table_with_ratios() {
    let output = bench(&["--frames", "3", "--sizes", "64"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let memcpy = text.lines().find(|line| line.starts_with("memcpy")).expect(&text);
    assert!(memcpy.split_whitespace().any(|cell| cell == "1.00"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("frame-ring 64 MiB")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("uds: Two copies")), "{text}");
}

#[test]
fn rows_become_a_report() {
    let folder = std::env::temp_dir().join(format!("frame-ring-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).into_os_string().into_string().unwrap();
    let output =
        bench(&["--json", "--transports", "memcpy,uds", "--sizes", "3840", "--frames", "5", "--repeat", "2"]);
    std::fs::write(path("rows.json"), output.stdout).unwrap();
    let (rows, html, markdown) = (path("rows.json"), path("out.html"), path("out.md"));
    let made =
        bench(&["report", "--from", &rows, "--html", &html, "--markdown", &markdown, "--vcpu-price", "0.05"]);
    assert!(made.status.success() && made.stdout.is_empty(), "{made:?}");
    let (html, markdown) = [html, markdown].map(|path| std::fs::read_to_string(path).unwrap()).into();
    assert!(html.contains("<svg") && html.contains("0.05 dollars per vCPU-hour"), "{html}");
    assert!(markdown.lines().any(|line| line.starts_with("| uds | ")), "{markdown}");

    let printed = bench(&["report", "--from", &rows, "--vcpu-price", "0.05"]);
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), markdown);

    std::fs::write(&rows, "{\"kind\":\"carrier-pigeon\"}").unwrap();
    let why = bench(&["report", "--from", &rows]);
    assert_eq!(why.status.code(), Some(1), "{why:?}");
    assert!(String::from_utf8_lossy(&why.stderr).contains("carrier-pigeon"), "{why:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn waiting_is_measured() {
    let rows = lines(&["--json", "--idle", "--seconds", "0.2"]);
    let ways: Vec<&str> = rows.iter().map(|row| row["wait"].as_str().unwrap()).collect();
    assert_eq!(ways, ["futex", "eventfd"]);
    for row in &rows {
        assert!(row["seconds"].as_f64().unwrap() >= 0.2, "{row}");
        assert!(row["cpu_percent"].as_f64().unwrap() >= 0.0, "{row}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    for (args, what) in [
        (&["--sizes", "8"][..], "32 bytes"),
        (&["--sizes", "1XB"], "number of bytes"),
        (&["--transports", "carrier-pigeon"], "carrier-pigeon"),
        (&["--seconds", "0"], "above 0"),
        (&["--frames", "0"], "0"),
        (&["--seconds", "1", "--frames", "1"], "cannot be used"),
        (&["--idle", "--frames", "1"], "cannot be used"),
        (&["--producers", "256"], "256"),
        (&["--transports", "frame-ring", "--sizes", "3110400", "--ring-bytes", "1MiB"], "too small"),
    ] {
        let output = bench(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(why.contains(what), "{args:?}: {why}");
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
    }
}
