//! What is done to the ring and its producers, and when.

use std::time::{Duration, Instant};

use frame_ring::{Consumer, Demand};
use serde::Serialize;

use super::cast::Cast;
use super::random::Random;
use super::workers::Workers;
use crate::error::CliError;

/// Everybody is there for so long between two rounds of going and coming back, in milliseconds.
const CALM_MS: (u64, u64) = (200, 2_000);
/// From one overload to the next, and for how long nothing is given back then.
const OVERLOAD_EVERY_MS: (u64, u64) = (4_000, 12_000);
const OVERLOAD_MS: (u64, u64) = (250, 600);
/// How much faster everything comes in a burst.
const BURST: u32 = 3;
/// From one change of demand to the next, and for how long it lasts.
const DEMAND_EVERY_MS: (u64, u64) = (50, 400);
const DEMAND_MS: (u64, u64) = (50, 1_500);
/// A process is killed at its start so long after it got its id, at most.
const START_MS: u64 = 2;
/// Nothing takes that long unless it hangs.
const HANG: Duration = Duration::from_secs(120);

/// What was done, besides what the cast has counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Deeds {
    /// Times at which nothing was given back while everything came faster.
    pub overloads: u64,
    /// Changes of what is wanted of a track.
    pub demand_changes: u64,
}

/// Where the round is.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Everybody is there.
    Calm { until: Instant },
    /// Somebody goes.
    Going,
    /// Everybody comes back; one that starts may be killed again.
    Coming { kill: Option<Duration> },
}

/// The plan.
#[derive(Debug)]
pub struct Mischief {
    random: Random,
    phase: Phase,
    since: Instant,
    round: u64,
    next_overload: Instant,
    next_demand: Instant,
    /// Tracks whose demand is to become normal again, and when.
    restore: Vec<(Instant, u32)>,
    /// Since when a process that is to be killed can be.
    starting: Option<Instant>,
    deeds: Deeds,
}

impl Mischief {
    /// Begins when everybody has come.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let now = Instant::now();
        Self {
            phase: Phase::Coming { kill: None },
            since: now,
            round: 0,
            next_overload: now + random.ms(1_000, 2_000),
            next_demand: now,
            restore: Vec::new(),
            starting: None,
            deeds: Deeds::default(),
            random,
        }
    }

    /// What was done.
    pub fn deeds(&self) -> Deeds {
        self.deeds
    }

    /// Whether everybody is there.
    pub fn is_calm(&self) -> bool {
        matches!(self.phase, Phase::Calm { .. })
    }

    /// Does what is due. Nobody goes any more when it is `ending`.
    pub fn tick(
        &mut self,
        ring: &Consumer,
        cast: &mut Cast,
        workers: &Workers,
        ending: bool,
    ) -> Result<(), CliError> {
        let now = Instant::now();
        let phase = self.phase;
        match phase {
            Phase::Calm { until } if now < until || ending => {}
            Phase::Calm { .. } => {
                self.begin(cast);
                self.enter(Phase::Going, now);
            }
            Phase::Going if cast.is_going() => {}
            Phase::Going => {
                cast.complete(ring, &mut self.random)?;
                let kill = self.random.one_in(2) && !ending;
                let after = self.random.ms(0, START_MS);
                self.starting = None;
                self.enter(Phase::Coming { kill: kill.then_some(after) }, now);
            }
            Phase::Coming { kill: Some(after) } if self.kill_at_the_start(cast, after, now) => {
                self.enter(Phase::Going, now);
            }
            Phase::Coming { .. } if cast.is_complete() => {
                let until = now + self.random.ms(CALM_MS.0, CALM_MS.1);
                self.enter(Phase::Calm { until }, now);
            }
            Phase::Coming { .. } => {}
        }
        if self.is_calm() || now < self.since + HANG {
            self.overload(cast, workers, now);
            self.demand(ring, now);
            return Ok(());
        }
        Err(CliError::Wrong(format!("producers did not come or go within {} s", HANG.as_secs())))
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }

    /// Begins a round: each kind of going in turn, of processes and participants by chance.
    fn begin(&mut self, cast: &mut Cast) {
        let mut seats: Vec<usize> = (0..cast.size()).collect();
        for at in (1..seats.len()).rev() {
            seats.swap(at, self.random.below(at as u64 + 1) as usize);
        }
        let mut seats = seats.into_iter();
        let (kills, leaves, away) = match self.round % 4 {
            0 => (1, 1, 2),
            // Alone: when it comes back, it may be killed again.
            1 => (1, 0, 0),
            2 => (0, 1, self.random.below(3)),
            _ => (2, 0, self.random.below(3)),
        };
        seats.by_ref().take(kills).for_each(|at| cast.kill(at));
        seats.by_ref().take(leaves).for_each(|at| cast.leave(at));
        seats.take(away as usize).for_each(|at| cast.send_away(at, &mut self.random));
        self.round += 1;
    }

    /// Kills a process while it opens its tracks or sends its first frames, if it is the only one that comes: nobody may
    /// take up its tracks before they were settled.
    fn kill_at_the_start(&mut self, cast: &mut Cast, after: Duration, now: Instant) -> bool {
        let Some(at) = cast.only_one_coming() else { return false };
        if now < *self.starting.get_or_insert(now) + after {
            return false;
        }
        cast.kill(at);
        true
    }

    /// Now and then nothing is given back for a while, and everything comes faster.
    fn overload(&mut self, cast: &mut Cast, workers: &Workers, now: Instant) {
        if now < self.next_overload {
            return;
        }
        let time = self.random.ms(OVERLOAD_MS.0, OVERLOAD_MS.1);
        workers.close_for(time);
        (0..cast.size()).for_each(|at| cast.burst(at, BURST, time.as_millis() as u64 / 2));
        self.deeds.overloads += 1;
        self.next_overload = now + self.random.ms(OVERLOAD_EVERY_MS.0, OVERLOAD_EVERY_MS.1);
    }

    /// Now and then something else is wanted of a track for a while.
    fn demand(&mut self, ring: &Consumer, now: Instant) {
        let (over, on): (Vec<_>, Vec<_>) = self.restore.drain(..).partition(|(until, _)| now >= *until);
        self.restore = on;
        for (_, track) in over {
            // A track that has ended meanwhile needs nothing.
            ring.set_demand(track, Demand::ALL);
        }
        if now < self.next_demand {
            return;
        }
        self.next_demand = now + self.random.ms(DEMAND_EVERY_MS.0, DEMAND_EVERY_MS.1);
        let tracks = ring.tracks();
        let Some(track) = tracks.get(self.random.below(tracks.len().max(1) as u64) as usize) else { return };
        let demand = match self.random.below(3) {
            0 => Demand::NONE,
            1 => Demand { max_fps_milli: 10_000, ..Demand::ALL },
            _ => Demand { max_size: (320, 180), ..Demand::ALL },
        };
        if track.live && ring.set_demand(track.id, demand) {
            self.deeds.demand_changes += 1;
            self.restore.push((now + self.random.ms(DEMAND_MS.0, DEMAND_MS.1), track.id));
        }
    }
}
