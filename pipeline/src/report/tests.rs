//! What a report says of rows whose numbers are easy.

use std::collections::BTreeMap;

use super::*;

fn round(browser: f64, consumer: f64, received: u64) -> BrowserRound {
    BrowserRound {
        frames_captured: 300,
        frames_received: received,
        frames_lost: u64::from(received == 299),
        browser_cpu_s_per_100: browser,
        consumer_cpu_s_per_100: consumer,
        threads: BTreeMap::from([("IO <thread>".into(), browser / 2.0)]),
        p50_ns: (received > 0).then_some(600_000),
        p99_ns: (received > 0).then_some(2_000_000),
        pss_peak_bytes: 300 << 20,
    }
}

fn row(transport: &str, rounds: [BrowserRound; 3]) -> Record {
    Record::Browser(BrowserRow {
        workload: "1080p30".into(),
        transport: transport.into(),
        frames_per_s: 30.0,
        notes: "reads & writes".into(),
        rounds: rounds.into(),
    })
}

/// The second pass was disturbed by something that took 0.3 s of everybody.
fn browser() -> Report {
    let rows = [
        row("capture+close", [round(0.1, 0.0, 0), round(0.4, 0.0, 0), round(0.1, 0.0, 0)]),
        row(BASELINE, [round(0.2, 0.0, 0), round(0.5, 0.0, 0), round(0.2, 0.0, 0)]),
        row(REFERENCE, [round(0.8, 0.1, 300), round(1.1, 0.1, 300), round(0.8, 0.2, 299)]),
        row("lane", [round(0.25, 0.02, 300), round(0.56, 0.01, 300), round(0.27, 0.01, 299)]),
    ];
    Report::new(rows, Price(0.04))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn a_transport_is_what_it_takes_beyond_the_baseline_of_its_own_round() {
    let report = browser();
    let alone = |at: usize| report.browser[at].transport_cpu_s_per_100;
    assert!(alone(0).is_none() && alone(1).is_none(), "neither carries anything");
    let (reference, lane) = (alone(2).unwrap(), alone(3).unwrap());
    assert!(near(reference.median, 0.7) && near(reference.max, 0.8), "{reference:?}");
    assert!(near(lane.median, 0.07) && near(lane.min, 0.07) && near(lane.max, 0.08), "{lane:?}");
    assert!(near(report.browser[3].reference_is_times.unwrap(), 10.0));
    assert!(near(report.browser[2].reference_is_times.unwrap(), 1.0));
    assert_eq!(report.browser[3].frames_lost, 1);
    assert!(near(report.browser[3].threads_cpu_s_per_100["IO <thread>"], 0.135));
}

#[test]
fn without_a_baseline_nothing_is_said_of_the_transport_alone() {
    let report =
        Report::new([row("lane", [round(0.2, 0.0, 3), round(0.2, 0.0, 3), round(0.2, 0.0, 3)])], Price(0.04));
    assert!(report.browser[0].transport_cpu_s_per_100.is_none());
    assert!(report.browser[0].reference_is_times.is_none());
}

#[test]
fn dollars_are_vcpu_time() {
    let report = browser();
    // 0.27 s for 100 frames, 30 frames a second: 0.081 of a vCPU.
    let lane = &report.browser[3];
    assert!(near(lane.total_cpu_s_per_100.median, 0.28));
    assert!(near(lane.dollars.per_bot_hour, 0.28 / 100.0 * 30.0 * 0.04));
    assert!(near(lane.dollars.per_million_bot_minutes, 0.28 / 100.0 * 30.0 * 0.04 / 60.0 * 1e6));
    assert!(near(lane.transport_dollars.unwrap().per_bot_hour, 0.07 / 100.0 * 30.0 * 0.04));
    // A whole vCPU costs its price.
    assert!(near(Price(0.04).of(1.0).per_bot_hour, 0.04));
}

fn process(transport: &str, paced_fps: Option<f64>, cpu: [f64; 3]) -> Record {
    let round = |cpu: f64| ProcessRound {
        frames: 30,
        gb_per_s: 1.0,
        producer_cpu_s_per_gb: cpu / 4.0,
        consumer_cpu_s_per_gb: cpu * 3.0 / 4.0,
        p50_ns: 1_000,
        p99_ns: 2_000,
        max_ns: 3_000,
        lost: 1,
    };
    Record::Process(ProcessRow {
        transport: transport.into(),
        payload_bytes: 1_000_000,
        paced_fps,
        ring: None,
        notes: "polls | copies <twice>".into(),
        rounds: cpu.map(round).into(),
    })
}

#[test]
fn processes_have_medians_of_both_sides_together_and_dollars_if_paced() {
    let records = [process("memcpy", None, [1.0, 2.0, 4.0]), process("uds", Some(30.0), [8.0, 8.0, 9.0])];
    let report = Report::new(records, Price(0.5));
    let row = &report.process[0];
    assert_eq!(row.cpu_s_per_gb, Spread { median: 2.0, min: 1.0, max: 4.0 });
    assert_eq!((row.producer_cpu_s_per_gb.median, row.consumer_cpu_s_per_gb.median), (0.5, 1.5));
    assert_eq!((row.lost, row.dollars), (3, None));
    // 30 MB a second, 8 s for a GB: 0.24 of a vCPU.
    assert!(near(report.process[1].dollars.unwrap().per_bot_hour, 0.24 * 0.5));
}

#[test]
fn records_come_back_from_their_lines() {
    let record = process("uds", Some(30.0), [8.0, 8.0, 9.0]);
    let Record::Process(row) = record.clone() else { panic!() };
    let summary = ProcessSummary::one(row.clone(), Price(0.04)).unwrap();
    let lines = format!(
        "{}\n{}\n{}\n",
        serde_json::to_string(&Record::Machine(Machine::here("test"))).unwrap(),
        serde_json::to_string(&Line::Process(&summary)).unwrap(),
        serde_json::to_string(&record).unwrap(),
    );
    let report = Report::read(&lines, Price(0.04)).unwrap();
    assert_eq!(report.machines.len(), 1);
    assert!(report.process.iter().all(|found| found.row == row), "{lines}");
    assert_eq!(report.process.len(), 2);
    let all: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(all["process"][1]["cpu_s_per_gb"]["median"], 8.0);
    let why = Report::read("{\"kind\":\"process\"}", Price(0.04)).unwrap_err().to_string();
    assert!(why.contains("transport"), "{why}");
}

#[test]
fn a_round_less_row_is_no_row() {
    let Record::Process(row) = process("uds", None, [1.0; 3]) else { panic!() };
    let report = Report::new([Record::Process(ProcessRow { rounds: Vec::new(), ..row })], Price(0.04));
    assert!(report.process.is_empty());
}

#[test]
fn names_from_outside_are_no_markup() {
    let mut report = browser();
    report.process = Report::new([process("<script>", None, [1.0; 3])], Price(0.04)).process;
    let html = report.html();
    assert!(
        !html.contains("<script") && html.contains("&lt;script&gt;") && html.contains("IO &lt;thread&gt;"),
        "{html}"
    );
    assert!(html.contains("reads &amp; writes"));
    let markdown = report.markdown();
    assert!(markdown.contains("- **&lt;script>**: polls \\| copies &lt;twice>\n"), "{markdown}");
    let row = markdown.lines().find(|line| line.starts_with("| lane")).unwrap();
    assert!(row.contains("| 0.0700 (0.0700 to 0.0800) | 10.0 | 600 µs | 2.00 ms |"), "{row}");
}

#[test]
fn pages_are_whole_without_anything() {
    let html = Report::new([], Price(0.04)).html();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    assert!(!html.contains("<svg"));
    let html = browser().html();
    for outside in ["http", "src=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}
