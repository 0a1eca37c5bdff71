//! What is said in the end.

use serde::Serialize;

use super::cast::Events;
use super::checks::{Check, Verdict};
use super::health::Health;
use super::mischief::Deeds;
use super::settle::Sum;
use crate::commands::bench::histogram::Histogram;
use crate::commands::table::Table;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    /// For how long it ran.
    pub seconds: f64,
    /// Whether the user stopped it.
    pub stopped: bool,
    /// The seed of everything that was left to chance.
    pub seed: u64,
    /// Participants, of three tracks each.
    pub participants: u16,
    /// Processes that they are in.
    pub processes: usize,
    /// Pictures.
    pub video: Traffic,
    /// Sound.
    pub audio: Traffic,
    /// Who came and went, and drops by reason.
    pub events: Events,
    /// What was done besides.
    pub deeds: Deeds,
    /// Changes of the format in the middle of a track.
    pub format_changes: u64,
    /// Frames that were checked byte by byte, by the workers.
    pub frames_checked_whole: u64,
    /// Times that a worker was slow.
    pub slow_workers: u64,
    /// The most frames in the workers' hands at once.
    pub held_most: u64,
    /// The longest that one was there, in milliseconds.
    pub held_longest_ms: u64,
    /// Processor time of the consumer, in seconds.
    pub consumer_cpu_s: f64,
    /// Processor time of all producers, in seconds.
    pub producers_cpu_s: f64,
    /// What the consumer had in use, before the first producer, after the warm-up, in the end, after the last producer.
    pub health: [Option<Health>; 4],
    /// The checks.
    pub checks: Vec<Verdict>,
}

/// All tracks of a kind that have ended, added up.
#[derive(Debug, Serialize)]
pub struct Traffic {
    /// Incarnations of tracks.
    pub tracks: u64,
    /// Frames that were wanted: received + told + untold.
    pub offered: u64,
    /// Frames received.
    pub received: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames dropped that a later frame has told of.
    pub told: u64,
    /// Frames dropped at the end of a track, which only the table tells of.
    pub untold: u64,
    /// Frames that were not wanted.
    pub unwanted: u64,
    /// From before the copy into the ring to delivery, in microseconds: half of the frames stayed below.
    pub p50_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
    /// All of them.
    pub max_us: u64,
}

impl Traffic {
    /// Of these tracks.
    pub fn new(sum: &Sum, latency: &Histogram) -> Self {
        let us = |share| latency.quantile(share) / 1000;
        Self {
            tracks: sum.tracks,
            offered: sum.received + sum.dropped,
            received: sum.received,
            bytes: sum.received_bytes,
            told: sum.told,
            untold: sum.untold(),
            unwanted: sum.unwanted,
            p50_us: us(0.5),
            p99_us: us(0.99),
            max_us: us(1.0),
        }
    }

    /// Frames dropped of those that were wanted.
    pub fn dropped_share(&self) -> f64 {
        (self.told + self.untold) as f64 / self.offered.max(1) as f64
    }

    fn row(&self, name: &str) -> Vec<String> {
        let ms = |us: u64| format!("{:.2}", us as f64 / 1e3);
        let numbers = [self.tracks, self.offered, self.received, self.told, self.untold, self.unwanted];
        let mut row = vec![name.into()];
        row.extend(numbers.map(|number| number.to_string()));
        row.push(format!("{:.2}", self.bytes as f64 / 1e9));
        row.extend([self.p50_us, self.p99_us, self.max_us].map(ms));
        row
    }
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let Self { seconds, participants, processes, seed, .. } = self;
        let tracks = usize::from(*participants) * 3;
        let mut text = format!(
            "participants {participants}, tracks {tracks}, processes {processes}, {:.1} minutes{}, seed {seed}\n\n",
            seconds / 60.0,
            if self.stopped { " (stopped)" } else { "" },
        );
        let heading = [
            "", "tracks", "offered", "received", "told", "untold", "unwanted", "GB", "p50 ms", "p99 ms",
            "max ms",
        ];
        let mut table = Table::new(1, &heading);
        table.row(self.video.row("video"));
        table.row(self.audio.row("audio"));
        text += &table.text();
        text += "\noffered = received + told + untold: drops that a later frame told of, and those at a track's end\n\n";
        text += &self.deeds_text();
        text += &self.cost_text();
        text + &self.checks_text()
    }

    fn deeds_text(&self) -> String {
        let Events {
            launches,
            kills,
            kills_at_the_start,
            kills_between_counters,
            leaves,
            participants_away,
            ..
        } = self.events;
        let Events { full_bytes, full_slots, too_long, .. } = self.events;
        let Deeds { overloads, demand_changes } = self.deeds;
        format!(
            "processes: {launches} started, {kills} killed ({kills_at_the_start} while they opened their tracks, \
             {kills_between_counters} with a frame in flight between two counters), {leaves} left\n\
             participants that left and came back: {participants_away}\n\
             changes of format: {}, of demand: {demand_changes}; overloads: {overloads}; slow workers: {}\n\
             drops for want of bytes: {full_bytes}, of slots: {full_slots}; too long: {too_long}\n\
             held at once: {} frames at most; held longest: {} ms; checks of all bytes of a frame: {}\n",
            self.format_changes,
            self.slow_workers,
            self.held_most,
            self.held_longest_ms,
            self.frames_checked_whole,
        )
    }

    fn cost_text(&self) -> String {
        let share = |cpu: f64| 100.0 * cpu / self.seconds;
        let mut text = format!(
            "processor time: consumer {:.0} s ({:.0} % of a core), producers {:.0} s ({:.0} %)\n\n",
            self.consumer_cpu_s,
            share(self.consumer_cpu_s),
            self.producers_cpu_s,
            share(self.producers_cpu_s),
        );
        let heading = ["consumer", "own MB", "shared MB", "ring MB", "allocated MB", "descriptors"];
        let mut table = Table::new(1, &heading);
        let moments = ["before", "after the warm-up", "in the end", "afterwards"];
        for (moment, health) in moments.into_iter().zip(&self.health) {
            let Some(health) = health else { continue };
            let bytes =
                [health.own_bytes, health.shared_bytes, health.ring_bytes, health.ring_allocated_bytes];
            let cells = bytes.map(|bytes| format!("{:.2}", bytes as f64 / 1e6));
            table.row([moment.into()].into_iter().chain(cells).chain([health.descriptors.to_string()]));
        }
        text += &table.text();
        text + "\n"
    }

    fn checks_text(&self) -> String {
        let mut table = Table::new(2, &["verdict", "check", "made"]);
        for (check, verdict) in Check::ALL.into_iter().zip(&self.checks) {
            let word = match verdict.holds {
                Some(true) => "ok",
                Some(false) => "FAILED",
                None => "NOT RUN: too short",
            };
            table.row([word.into(), check.claim().into(), verdict.made.to_string()]);
        }
        let mut text = table.text();
        for verdict in self.checks.iter().filter(|verdict| verdict.detail.is_some()) {
            let detail = verdict.detail.as_deref().unwrap_or_default();
            text += &format!("{}: {detail}\n", verdict.check);
        }
        text
    }

    /// What failed.
    pub fn complaints(&self) -> Vec<String> {
        let failed = self.checks.iter().filter(|verdict| verdict.holds == Some(false));
        let complaint = |verdict: &Verdict| {
            let Verdict { check, made, failed, detail, .. } = verdict;
            format!("{check}: {failed} of {made} failed; {}", detail.as_deref().unwrap_or_default())
        };
        failed.map(complaint).collect()
    }
}
