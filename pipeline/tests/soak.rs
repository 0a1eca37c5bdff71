//! The soak, for some seconds: all of its mischief, its report, its end.

mod tool;

use nix::sys::signal::Signal;
use serde_json::Value;
use tool::{until, Scratch};

/// The numbers of an object in a report.
#[track_caller]
fn numbers<const N: usize>(object: &Value, fields: [&str; N]) -> [u64; N] {
    fields.map(|field| object[field].as_u64().unwrap_or_else(|| panic!("no number {field} in {object}")))
}

#[test]
fn some_seconds_with_everything_add_up() {
    let scratch = Scratch::new();
    let ended = scratch.run(&["soak", "--seconds", "12", "--participants", "15", "--json"]).expect(0);
    let report: Value = serde_json::from_str(&ended.text()).unwrap();
    for check in report["checks"].as_array().unwrap() {
        assert_eq!((&check["holds"], &check["failed"]), (&true.into(), &0.into()), "{check}");
        assert!(check["made"].as_u64().unwrap() > 0, "{check}");
    }
    assert_eq!(report["checks"].as_array().unwrap().len(), 10);

    let mut drops = 0;
    for (kind, tracks_each) in [("video", 1), ("audio", 2)] {
        let fields = ["tracks", "offered", "received", "told", "untold", "bytes"];
        let [tracks, offered, received, told, untold, bytes] = numbers(&report[kind], fields);
        assert_eq!(offered, received + told + untold, "{report}");
        // Everybody has come back at least once, or was there from the beginning to the end.
        assert!(tracks >= 15 * tracks_each && received > 0 && bytes > received, "{report}");
        drops += told + untold;
    }
    let events = &report["events"];
    let [bytes, slots, too_long, between] =
        numbers(events, ["full_bytes", "full_slots", "too_long", "kills_between_counters"]);
    // A drop of the killed may have been counted by the process, and not by the track any more.
    assert!((drops..=drops + between).contains(&(bytes + slots + too_long)), "{report}");
    assert!(drops > 0 && too_long == 0, "{report}");
    let [launches, kills, leaves, away] =
        numbers(events, ["launches", "kills", "leaves", "participants_away"]);
    assert_eq!(launches, kills + leaves, "{report}");
    assert!(kills > 0 && leaves > 3 && away > 0, "{report}");
    let [overloads, demand_changes] = numbers(&report["deeds"], ["overloads", "demand_changes"]);
    assert!(overloads > 0 && demand_changes > 0, "{report}");
    let [formats, held] = numbers(&report, ["format_changes", "held_most"]);
    assert!(formats > 0 && held > 0, "{report}");
}

#[test]
fn ctrl_c_ends_it_with_a_report() {
    let scratch = Scratch::new();
    let running = scratch.start(&["soak", "--minutes", "100", "--participants", "6"]);
    until("everybody is there", || running.stderr().contains("2 processes started"));
    running.signal(Signal::SIGINT);
    let ended = running.wait().expect(0);
    let text = ended.text();
    assert!(text.contains("(stopped)") && !text.contains("FAILED"), "{text}");
    assert!(text.contains("NOT RUN: too short  memory flat"), "{text}");
    assert!(text.contains("ok                  tracks that ended: sent = received"), "{text}");
}

#[test]
fn one_process_alone_may_go_too() {
    let scratch = Scratch::new();
    let ended = scratch.run(&["soak", "--seconds", "4", "--participants", "1"]).expect(0);
    assert!(ended.text().starts_with("participants 1, tracks 3, processes 1, "), "{}", ended.text());
}

#[test]
fn wrong_arguments_are_refused() {
    let scratch = Scratch::new();
    for args in [
        &["soak", "--minutes", "0"][..],
        &["soak", "--minutes", "1", "--seconds", "1"],
        &["soak", "--participants", "0"],
        &["soak", "--participants", "1000"],
        &["soak", "--seed", "x"],
    ] {
        let ended = scratch.run(args).expect(2);
        assert!(!ended.stderr.is_empty(), "{args:?}");
    }
}
