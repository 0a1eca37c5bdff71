//! `frame-ring inspect`: every field of a live ring, once.

mod text;

use std::path::PathBuf;

use frame_ring::{ProducerStats, SlotStats, Snapshot, TrackStats};
use serde_json::{json, Value};

use super::output::{print, print_json};
use super::{names, target};
use crate::error::CliError;

/// Show every field of a live ring
///
/// Reads the ring's shared memory as it is at this moment, without disturbing anybody: what the processes that have it
/// say of themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring inspect /run/user/1000/ring.sock
  frame-ring inspect $(pgrep -n my-recorder) --slots
  frame-ring inspect /proc/4711/fd/5 --json | jq .tracks")]
pub struct Args {
    /// A consumer's socket, /proc/PID/fd/N, or the PID of a process that has a ring
    #[arg(value_name = "SOCKET|/proc/PID/fd/N|PID")]
    target: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Show every slot in use, too
    #[arg(long)]
    slots: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), CliError> {
    let snapshot = target::open(&args.target)?.snapshot();
    if args.json {
        print_json(&record(&snapshot, args.slots))
    } else {
        print(&text::text(&snapshot, args.slots))
    }
}

fn record(ring: &Snapshot, slots: bool) -> Value {
    let header = &ring.header;
    let mut record = json!({
        "mono_ns": ring.mono_ns,
        "header": {
            "magic": String::from_utf8_lossy(&header.magic.to_le_bytes()),
            "abi_version": header.abi_version,
            "required_features": header.required_features,
            "optional_features": header.optional_features,
            "total_bytes": header.total_bytes,
            "data_bytes": header.data_bytes,
            "data_offset": header.data_offset,
            "slots": header.slots,
            "slots_offset": header.slots_offset,
            "tracks": header.tracks,
            "consumer_pid": header.consumer_pid,
            "ring_id": names::ring_id(header),
            "created_mono_ns": header.created_mono_ns,
            "created_real_ns": header.created_real_ns,
            "name": ring.name(),
        },
        "mapped_bytes": ring.mapped_bytes,
        "control": {
            "tail": { "position": ring.tail.pos(), "index": ring.tail.index() },
            "head": { "position": ring.head.pos(), "index": ring.head.index() },
            "wake": ring.wake,
            "space": ring.space,
            "closed": ring.closed,
        },
        "used": {
            "bytes": ring.used_bytes,
            "slots": ring.used_slots,
            "oldest_held_ns": ring.oldest_held_ns(),
        },
        "producers": ring.producers.iter().map(producer).collect::<Vec<_>>(),
        "tracks": ring.tracks.iter().map(track).collect::<Vec<_>>(),
    });
    if slots {
        record["slots"] = ring.slots.iter().map(slot).collect();
    }
    record
}

fn producer((id, stats): &(u8, ProducerStats)) -> Value {
    json!({
        "id": id,
        "label": stats.label.to_string(),
        "connected": stats.connected,
        "generation": stats.generation,
        "pid": stats.pid,
        "frames": stats.frames,
        "bytes": stats.bytes,
        "full_bytes": stats.full_bytes,
        "full_slots": stats.full_slots,
        "too_long": stats.too_long,
        "unwanted": stats.unwanted,
        "aborted": stats.aborted,
    })
}

fn track(stats: &TrackStats) -> Value {
    let info = stats.info.unwrap_or_default();
    json!({
        "id": stats.id,
        "producer": stats.owner,
        "live": stats.live,
        "kind": names::kind(info.kind),
        "source": names::source(info.source),
        "source_id": info.source_id,
        "label": info.label.to_string(),
        "participant": info.participant.to_string(),
        "demand": {
            "wanted": stats.demand.wanted,
            "max_width": stats.demand.max_size.0,
            "max_height": stats.demand.max_size.1,
            "max_fps": f64::from(stats.demand.max_fps_milli) / 1e3,
        },
        "sent": stats.sent,
        "sent_bytes": stats.sent_bytes,
        "dropped": stats.dropped,
        "unwanted": stats.unwanted,
        "received": stats.received,
        "received_bytes": stats.received_bytes,
        "reported_dropped": stats.reported_dropped,
        "skipped": stats.skipped,
        "latency_below_us": stats.latency.iter().enumerate()
            .map(|(bucket, frames)| json!([1u64 << bucket, frames])).collect::<Vec<_>>(),
    })
}

fn slot(slot: &SlotStats) -> Value {
    json!({
        "index": slot.index,
        "state": names::state(slot.state),
        "producer": slot.owner,
        "bytes": slot.bytes,
        "held_ns": slot.held_ns,
    })
}
