//! The producer processes and their participants: who is there, who goes, who has gone and is to be settled.
//!
//! While somebody goes, nobody opens tracks: the table entries of the ended tracks can be read until they are settled.
//! There are exactly as many entries as tracks, so one that did not become free again would soon be missed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitStatus;

use frame_ring::{Consumer, TrackKind, TrackStats};
use serde::Serialize;

use super::books::Books;
use super::checks::{Check, Checks};
use super::process::{Part, Process};
use super::random::Random;
use super::settle::{self, Sum};
use super::wire::{Order, Reply, TrackEnd};
use crate::error::CliError;
use crate::supervise::how;

/// Participants of one process.
const TOGETHER: u16 = 5;

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Events {
    /// Processes that were started.
    pub launches: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Of those, the ones that were killed before they had said that all their tracks were open.
    pub kills_at_the_start: u64,
    /// Of those that were killed, the ones that had a frame in flight between two counters.
    pub kills_between_counters: u64,
    /// Processes that have left well.
    pub leaves: u64,
    /// Participants that have left a process that went on.
    pub participants_away: u64,
    /// Drops by reason: no bytes, no slots, too long. Those of killed processes included.
    pub full_bytes: u64,
    /// No slots.
    pub full_slots: u64,
    /// Too long for the ring.
    pub too_long: u64,
}

/// A place for a process.
#[derive(Debug)]
struct Seat {
    part: Part,
    process: Option<Process>,
    ready: bool,
    leaving: bool,
    /// How it ended, once nothing more can come of it.
    gone: Option<ExitStatus>,
    away: BTreeMap<u16, Away>,
    /// What its tracks say that have ended with the process.
    ends: Vec<TrackEnd>,
    /// Tracks of this process that were settled before, and their sum.
    settled: BTreeSet<u32>,
    life: Sum,
}

/// A participant that leaves a process that goes on.
#[derive(Debug)]
enum Away {
    Going,
    Gone(Vec<TrackEnd>),
    Settled,
    Coming,
}

/// All of them.
#[derive(Debug)]
pub struct Cast {
    seats: Vec<Seat>,
    /// Seats whose process was started last.
    started: Vec<usize>,
    /// What has happened.
    pub events: Events,
    /// All tracks that were settled: pictures, sound.
    pub sums: [Sum; 2],
}

impl Cast {
    /// So many participants, none of them there yet.
    pub fn new(participants: u16) -> Self {
        let firsts = (0..participants).step_by(TOGETHER.into());
        let part = |first: u16| Part { first, count: TOGETHER.min(participants - first) };
        Self {
            seats: firsts.map(|first| Seat::new(part(first))).collect(),
            started: Vec::new(),
            events: Events::default(),
            sums: [Sum::default(); 2],
        }
    }

    /// How many processes there are to be.
    pub fn size(&self) -> usize {
        self.seats.len()
    }

    /// Starts every process that is not there, and calls every participant back.
    pub fn complete(&mut self, ring: &Consumer, random: &mut Random) -> Result<(), CliError> {
        self.started.clear();
        for (at, seat) in self.seats.iter_mut().enumerate() {
            if seat.process.is_none() {
                self.started.push(at);
                let launch = self.events.launches as u32;
                self.events.launches += 1;
                seat.process = Some(Process::start(ring, launch, seat.part, random.any())?);
            }
            for participant in seat.settled_participants() {
                seat.away.insert(participant, Away::Coming);
                seat.order(&Order::Back(participant));
            }
        }
        Ok(())
    }

    /// Whether everybody is there.
    pub fn is_complete(&self) -> bool {
        self.seats
            .iter()
            .all(|seat| seat.ready && !seat.leaving && seat.gone.is_none() && seat.away.is_empty())
    }

    /// Whether somebody is about to go and was not settled yet.
    pub fn is_going(&self) -> bool {
        self.seats.iter().any(Seat::is_going)
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.seats.iter().all(|seat| seat.process.is_none())
    }

    /// The process that was started last, if nobody else is coming and its place in the ring is known.
    pub fn only_one_coming(&self) -> Option<usize> {
        let [at] = self.started[..] else { return None };
        let others = self.seats.iter().enumerate().filter(|(other, _)| *other != at);
        let nobody_else = others.map(|(_, seat)| seat).all(|seat| seat.ready && seat.away.is_empty());
        let has_id = self.seats[at].process.as_ref().is_some_and(|process| process.id.is_some());
        (nobody_else && has_id).then_some(at)
    }

    /// Kills a process.
    pub fn kill(&mut self, at: usize) {
        let seat = &mut self.seats[at];
        if let Some(process) = seat.process.as_mut().filter(|process| !process.killed) {
            process.kill();
            self.events.kills += 1;
            self.events.kills_at_the_start += u64::from(!seat.ready);
        }
    }

    /// Lets a process leave.
    pub fn leave(&mut self, at: usize) {
        let seat = &mut self.seats[at];
        seat.leaving = true;
        seat.order(&Order::Leave);
    }

    /// Lets some participants of a process leave.
    pub fn send_away(&mut self, at: usize, random: &mut Random) {
        let seat = &mut self.seats[at];
        for participant in seat.part.first..seat.part.first + seat.part.count {
            if random.one_in(2) {
                seat.away.insert(participant, Away::Going);
                seat.order(&Order::Away(participant));
            }
        }
    }

    /// Lets a process hurry.
    pub fn burst(&mut self, at: usize, times: u32, ms: u64) {
        self.seats[at].order(&Order::Burst { times, ms });
    }

    /// Hears what they say and sees who is gone. What a process that is gone has sent can be received from now on.
    pub fn look(&mut self, ring: &Consumer) {
        let producers = ring.producer_stats();
        for seat in &mut self.seats {
            seat.hear();
            let Some(process) = &mut seat.process else { continue };
            let is_connected = process.find(&producers).is_some_and(|stats| stats.connected);
            if seat.gone.is_none() && !is_connected {
                seat.gone = process.end();
            }
        }
    }

    /// Settles whoever is gone. To be called when everything that was in the ring at the last look was received.
    pub fn settle(&mut self, ring: &Consumer, books: &mut Books, checks: &Checks) {
        let Self { seats, events, sums, .. } = self;
        for seat in seats.iter_mut().filter(|seat| seat.has_gone()) {
            let tracks = ring.tracks();
            let mut settlement = Settlement { tracks: &tracks, books, checks, sums };
            for participant in seat.gone_participants() {
                if let Some(Away::Gone(ends)) = seat.away.insert(participant, Away::Settled) {
                    events.participants_away += 1;
                    settlement.end(seat, &ends);
                }
            }
            if let Some(status) = seat.gone {
                settlement.process(seat, status, ring, events);
            }
        }
    }
}

impl Seat {
    fn new(part: Part) -> Self {
        Self {
            part,
            process: None,
            ready: false,
            leaving: false,
            gone: None,
            away: BTreeMap::new(),
            ends: Vec::new(),
            settled: BTreeSet::new(),
            life: Sum::default(),
        }
    }

    fn order(&mut self, order: &Order) {
        if let Some(process) = &mut self.process {
            process.order(order);
        }
    }

    fn hear(&mut self) {
        while let Some(reply) = self.process.as_mut().and_then(Process::reply) {
            match reply {
                Reply::Ready => self.ready = true,
                Reply::Here(participant) => drop(self.away.remove(&participant)),
                Reply::Gone(_, ends) if self.leaving => self.ends.extend(ends),
                Reply::Gone(participant, ends) => drop(self.away.insert(participant, Away::Gone(ends))),
            }
        }
    }

    fn is_going(&self) -> bool {
        self.leaving
            || self.gone.is_some()
            || self.process.as_ref().is_some_and(|process| process.killed)
            || self.away.values().any(|away| matches!(away, Away::Going | Away::Gone(_)))
    }

    fn has_gone(&self) -> bool {
        self.gone.is_some() || !self.gone_participants().is_empty()
    }

    fn gone_participants(&self) -> Vec<u16> {
        self.participants(|away| matches!(away, Away::Gone(_)))
    }

    fn settled_participants(&self) -> Vec<u16> {
        self.participants(|away| matches!(away, Away::Settled))
    }

    fn participants(&self, are: impl Fn(&Away) -> bool) -> Vec<u16> {
        self.away.iter().filter(|(_, away)| are(away)).map(|(participant, _)| *participant).collect()
    }
}

/// What it takes to settle somebody.
struct Settlement<'a> {
    tracks: &'a [TrackStats],
    books: &'a mut Books,
    checks: &'a Checks,
    sums: &'a mut [Sum; 2],
}

impl Settlement<'_> {
    /// Settles tracks that their producer has ended.
    fn end(&mut self, seat: &mut Seat, ends: &[TrackEnd]) {
        let Some(id) = seat.process.as_ref().and_then(|process| process.id) else { return };
        for end in ends {
            let found = self.tracks.iter().find(|track| track.id == end.track && track.owner == id);
            let Some(table) = found else {
                self.checks
                    .note(Check::Ended, Err::<(), _>(format!("track {} is not in the table", end.track)));
                continue;
            };
            let account = self.books.close((id, end.track));
            let agreed = settle::ended(&account, table, end);
            self.checks.note(Check::Ended, agreed.map_err(|why| format!("{table:?}, {end:?}: {why}")));
            self.add(seat, &Sum::of(&account, table), table);
        }
    }

    /// Settles the rest of a process that is gone.
    fn process(&mut self, seat: &mut Seat, status: ExitStatus, ring: &Consumer, events: &mut Events) {
        let ends = std::mem::take(&mut seat.ends);
        self.end(seat, &ends);
        let Some(mut process) = seat.process.take() else { return };
        let as_told = if process.killed { !status.success() } else { seat.leaving && status.success() };
        let told = if as_told { Ok(()) } else { Err(format!("process {} {}", process.launch, how(status))) };
        self.checks.note(Check::Producers, told);
        let left = as_told && !process.killed;
        events.leaves += u64::from(left);
        // One that has failed before it was admitted has no entry.
        if let Some(table) = process.find(&ring.producer_stats()) {
            let check = if left { Check::Ended } else { Check::Killed };
            self.rest(seat, process.id, check);
            let agreed = if left {
                settle::left(&seat.life, table).map(|()| false)
            } else {
                settle::died(&seat.life, table)
            };
            events.kills_between_counters += u64::from(agreed == Ok(true));
            self.checks.note(check, agreed.map(drop).map_err(|why| format!("{table:?}: {why}")));
            events.full_bytes += table.full_bytes;
            events.full_slots += table.full_slots;
            events.too_long += table.too_long;
        }
        *seat = Seat::new(seat.part);
    }

    /// Settles the tracks of a process that it has not ended itself.
    fn rest(&mut self, seat: &mut Seat, id: Option<u8>, check: Check) {
        let Some(id) = id else { return };
        for track in self.tracks.iter().filter(|track| track.owner == id) {
            if seat.settled.contains(&track.id) {
                continue;
            }
            let account = self.books.close((id, track.id));
            let agreed = match check {
                Check::Killed => settle::killed(&account, track),
                _ => Err("its producer did not end it".into()),
            };
            self.checks.note(check, agreed.map_err(|why| format!("{track:?}: {why}")));
            self.add(seat, &Sum::of(&account, track), track);
        }
        let unknown = self.books.forget(id);
        let none =
            if unknown.is_empty() { Ok(()) } else { Err(format!("frames of unknown tracks {unknown:?}")) };
        self.checks.note(check, none);
    }

    fn add(&mut self, seat: &mut Seat, sum: &Sum, table: &TrackStats) {
        seat.settled.insert(table.id);
        seat.life.add(sum);
        let is_video = table.info.is_some_and(|info| info.kind == TrackKind::Video);
        self.sums[usize::from(!is_video)].add(sum);
    }
}
