//! A ring's fields as text.

use std::fmt::Write;

use frame_ring::Snapshot;

use crate::commands::names;
use crate::commands::table::Table;

/// Everything, section by section.
pub fn text(ring: &Snapshot, slots: bool) -> String {
    let mut text = String::new();
    for (title, section) in [
        ("header", header(ring)),
        ("control", control(ring)),
        ("producers", producers(ring)),
        ("tracks", tracks(ring)),
        ("latency, frames below so many microseconds", latency(ring)),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{title}\n{}", indented(&section));
    }
    if slots {
        let _ = writeln!(text, "slots in use\n{}", indented(&used_slots(ring)));
    }
    text
}

fn indented(section: &str) -> String {
    section.lines().fold(String::new(), |text, line| text + "  " + line + "\n")
}

fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    fields.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

fn header(ring: &Snapshot) -> String {
    let header = &ring.header;
    fields(&[
        ("name", ring.name()),
        ("ring id", names::ring_id(header)),
        ("consumer pid", header.consumer_pid.to_string()),
        ("created", format!("{:.3} s ago", ring.mono_ns.saturating_sub(header.created_mono_ns) as f64 / 1e9)),
        ("abi version", header.abi_version.to_string()),
        (
            "features",
            format!("required {:#x}, optional {:#x}", header.required_features, header.optional_features),
        ),
        ("total", format!("{} bytes, {} mapped", header.total_bytes, ring.mapped_bytes)),
        ("data", format!("{} bytes at {}", header.data_bytes, header.data_offset)),
        ("slots", format!("{} at {}", header.slots, header.slots_offset)),
        ("tracks", header.tracks.to_string()),
    ])
}

fn control(ring: &Snapshot) -> String {
    let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let (bytes, slots) = (ring.used_bytes, ring.used_slots);
    fields(&[
        ("tail", format!("position {}, index {}", ring.tail.pos(), ring.tail.index())),
        ("head", format!("position {}, index {}", ring.head.pos(), ring.head.index())),
        ("wake", format!("{} ({})", ring.wake, names::wake(ring.wake))),
        (
            "space",
            format!(
                "{} ({})",
                ring.space,
                if ring.space & 1 == 0 { "no producer sleeps" } else { "producers sleep" }
            ),
        ),
        ("closed", if ring.closed { "yes, the consumer has left" } else { "no" }.into()),
        ("used bytes", format!("{bytes} ({:.1} %)", percent(bytes, ring.header.data_bytes))),
        ("used slots", format!("{slots} ({:.1} %)", percent(slots, ring.header.slots.into()))),
        ("oldest held", ring.oldest_held_ns().map_or("-".into(), names::ms)),
    ])
}

fn producers(ring: &Snapshot) -> String {
    let heading = [
        "label",
        "state",
        "id",
        "generation",
        "pid",
        "frames",
        "bytes",
        "full bytes",
        "full slots",
        "too long",
        "unwanted",
        "aborted",
    ];
    let mut table = Table::new(2, &heading);
    for (id, stats) in &ring.producers {
        table.row([
            stats.label.to_string(),
            if stats.connected { "connected" } else { "gone" }.into(),
            id.to_string(),
            stats.generation.to_string(),
            stats.pid.to_string(),
            stats.frames.to_string(),
            stats.bytes.to_string(),
            stats.full_bytes.to_string(),
            stats.full_slots.to_string(),
            stats.too_long.to_string(),
            stats.unwanted.to_string(),
            stats.aborted.to_string(),
        ]);
    }
    table.text()
}

fn tracks(ring: &Snapshot) -> String {
    let heading = [
        "label",
        "participant",
        "kind",
        "source",
        "state",
        "wanted",
        "id",
        "producer",
        "source id",
        "sent",
        "sent bytes",
        "dropped",
        "unwanted",
        "received",
        "received bytes",
        "reported",
        "skipped",
    ];
    let mut table = Table::new(6, &heading);
    for stats in &ring.tracks {
        let info = stats.info.unwrap_or_default();
        table.row([
            info.label.to_string(),
            info.participant.to_string(),
            names::kind(info.kind).into(),
            names::source(info.source).into(),
            if stats.live { "live" } else { "ended" }.into(),
            names::demand(&stats.demand),
            stats.id.to_string(),
            stats.owner.to_string(),
            info.source_id.to_string(),
            stats.sent.to_string(),
            stats.sent_bytes.to_string(),
            stats.dropped.to_string(),
            stats.unwanted.to_string(),
            stats.received.to_string(),
            stats.received_bytes.to_string(),
            stats.reported_dropped.to_string(),
            stats.skipped.to_string(),
        ]);
    }
    table.text()
}

fn latency(ring: &Snapshot) -> String {
    let mut lines = String::new();
    for stats in &ring.tracks {
        let counted = stats.latency.iter().enumerate().filter(|(_, frames)| **frames > 0);
        let buckets: Vec<String> =
            counted.map(|(bucket, frames)| format!("{}: {frames}", 1u64 << bucket)).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "track {}  {}", stats.id, buckets.join("  "));
    }
    lines
}

fn used_slots(ring: &Snapshot) -> String {
    let mut table = Table::new(1, &["state", "index", "producer", "bytes", "held"]);
    for slot in &ring.slots {
        table.row([
            names::state(slot.state).into(),
            slot.index.to_string(),
            slot.owner.to_string(),
            slot.bytes.to_string(),
            slot.held_ns.map_or("-".into(), names::ms),
        ]);
    }
    table.text()
}
