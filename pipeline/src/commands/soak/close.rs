//! The end of a soak: the last checks, and the report.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use frame_ring::{Class, Consumer, Producer, RecvError};
use nix::sys::resource::{getrusage, UsageWho};
use nix::sys::time::TimeValLike;

use super::checks::{Check, Checks};
use super::health::Health;
use super::report::{Report, Traffic};
use super::stage::Stage;
use crate::error::CliError;
use crate::signals;

/// The consumer's own memory may differ by so much: queues are longer in an overload.
const SLACK_BYTES: u64 = 8 << 20;
/// Descriptors of those who have just left are closed by other threads: not later than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a soak from beginning to end.
pub fn run(participants: u16, time: Duration, seed: u64) -> Result<Report, CliError> {
    let mut stage = Stage::build(participants, seed)?;
    let before = Health::now()?;
    let played = stage.play(time);
    let stopped = signals::stop_requested();
    let end = Health::now()?;
    let left = played.and_then(|()| stage.leave());
    if let Err(why) = left {
        // What was found by then is worth a report, too.
        let CliError::Wrong(why) = why else { return Err(why) };
        stage.checks.note(Check::Producers, Err(why));
    }
    let seconds = stage.start.elapsed().as_secs_f64();
    let Stage { mut ring, books, cast, mischief, workers, checks, hands, warm, .. } = stage;
    let (sums, events, processes) = (cast.sums, cast.events, cast.size());
    drop(cast);
    let worked = if workers.finish() { Ok(()) } else { Err("a worker has panicked") };
    checks.note(Check::Content, worked);
    let [video, audio] = [0, 1].map(|kind| Traffic::new(&sums[kind], &books.latency[kind]));
    pictures_first(&checks, &video, &audio);
    reused(&checks, &ring, video.tracks + audio.tracks);
    checks.note(Check::Capacity, capacity(&mut ring));
    let after = afterwards(&before)?;
    if let Some(warm) = &warm {
        flat(&checks, &before, warm, &end, &after);
    }
    let report = Report {
        seconds,
        stopped,
        seed,
        participants,
        processes,
        video,
        audio,
        events,
        deeds: mischief.deeds(),
        format_changes: books.format_changes,
        frames_checked_whole: hands.whole.load(Ordering::Relaxed),
        slow_workers: hands.slow.load(Ordering::Relaxed),
        held_most: hands.most(),
        held_longest_ms: hands.longest_ns.load(Ordering::Relaxed) / 1_000_000,
        consumer_cpu_s: cpu(UsageWho::RUSAGE_SELF),
        producers_cpu_s: cpu(UsageWho::RUSAGE_CHILDREN),
        health: [Some(before), warm, Some(end), Some(after)],
        checks: checks.verdicts(),
    };
    Ok(report)
}

fn pictures_first(checks: &Checks, video: &Traffic, audio: &Traffic) {
    let (pictures, sound) = (video.dropped_share(), audio.dropped_share());
    let shares = format!("{:.3} % of pictures, {:.3} % of sound dropped", 100.0 * pictures, 100.0 * sound);
    if pictures < sound {
        checks.note(Check::PicturesFirst, Err(shares));
    } else if pictures > 0.0 {
        checks.holds(Check::PicturesFirst, shares);
    }
}

fn reused(checks: &Checks, ring: &Consumer, tracks: u64) {
    let ids = ring.producer_stats();
    let most = ids.iter().map(|(_, stats)| stats.generation).max().unwrap_or(0);
    let entries = ring.tracks().len();
    let detail =
        format!("{} ids, each had by {most} at most; {tracks} tracks in {entries} entries", ids.len());
    checks.holds(Check::Producers, detail);
}

/// Whether the ring is empty, and as much of it can be claimed as ever.
fn capacity(ring: &mut Consumer) -> Result<(), String> {
    while let Ok(Some(_)) | Err(RecvError::BadFrame { .. }) = ring.try_recv() {}
    let snapshot = ring.snapshot();
    if (snapshot.used_bytes, snapshot.used_slots) != (0, 0) {
        return Err(format!("{} bytes in {} slots are in use", snapshot.used_bytes, snapshot.used_slots));
    }
    let invitation = ring.invite().map_err(|why| why.to_string())?;
    let producer = Producer::from_fd(invitation, "soak, in the end").map_err(|why| why.to_string())?;
    let longest = producer.longest(Class::Event);
    producer.try_claim(longest, Class::Event).map(drop).map_err(|why| why.to_string())
}

/// What is in use when everybody has left.
fn afterwards(before: &Health) -> Result<Health, CliError> {
    let start = Instant::now();
    loop {
        let health = Health::now()?;
        if health.descriptors <= before.descriptors || start.elapsed() > PATIENCE {
            return Ok(health);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn flat(checks: &Checks, before: &Health, warm: &Health, end: &Health, after: &Health) {
    let compare = |what: &str, found: u64, most: u64| match found > most {
        true => Err(format!("{what}: {found}, which is more than {most}")),
        false => Ok(()),
    };
    for now in [end, after] {
        let own = warm.own_bytes + SLACK_BYTES;
        checks.note(Check::Memory, compare("bytes of the consumer's own memory", now.own_bytes, own));
        checks.note(Check::Memory, compare("bytes of shared memory", now.shared_bytes, now.ring_bytes));
        checks.note(Check::Memory, compare("bytes of the ring", now.ring_allocated_bytes, before.ring_bytes));
    }
    let (warm, end, after) = (warm.descriptors, end.descriptors, after.descriptors);
    checks.note(Check::Descriptors, compare("descriptors while everybody is there", end, warm));
    checks.note(Check::Descriptors, compare("descriptors when all have left", after, before.descriptors));
}

/// Processor time of this process or those that it has waited for, in seconds.
fn cpu(whose: UsageWho) -> f64 {
    let seconds = |usage: nix::sys::resource::Usage| {
        (usage.user_time() + usage.system_time()).num_milliseconds() as f64 / 1e3
    };
    getrusage(whose).map_or(0.0, seconds)
}
