//! What came, whether it was right, how long it took and what it cost.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use frame_ring::{mono_ns, Body, Descriptor};

use super::children::End;
use super::PARTICIPANTS;
use crate::capture::TrackReport;
use crate::check::looped::LoopedFile;
use crate::check::skew::Skews;
use crate::check::{Findings, TrackCheck};
use crate::clock::CpuLap;
use crate::commands::bench::histogram::Histogram;
use crate::error::CliError;
use crate::media::marker::Skew;
use crate::recorder::{Summary, Tally};

/// What pictures are compared with.
#[derive(Debug, Clone)]
pub enum Reference {
    /// The test pattern.
    Pattern,
    /// A y4m file.
    File(PathBuf),
}

/// A track: the number of its producer or connection, and its id there.
pub type Key = (u32, u32);

/// The account of one track.
#[derive(Debug)]
pub struct Account {
    /// Whose track it is, from 1 on.
    pub participant: u32,
    /// Whether it is pictures.
    pub is_video: bool,
    check: TrackCheck,
    latency: Histogram,
    /// Processor time for receiving its frames.
    receive_ns: u64,
}

/// The accounts of all tracks that one thread receives.
#[derive(Debug)]
pub struct Accounts {
    reference: Reference,
    tracks: BTreeMap<Key, Account>,
    skews: Skews,
    cpu: CpuLap,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Accounts {
    /// Nothing came yet. To be made and used on the thread that receives.
    pub fn new(reference: Reference) -> Self {
        let tracks = BTreeMap::new();
        Self { reference, tracks, skews: Skews::default(), cpu: CpuLap::start(), first: None, last: None }
    }

    /// Takes a frame. The processor time since the last call of this or [`skip`](Self::skip) went into receiving it.
    pub fn take(&mut self, key: Key, about: &Descriptor, bytes: &[u8]) -> Result<(), CliError> {
        let receive_ns = self.cpu.lap();
        let latency_ns = mono_ns().saturating_sub(about.mono_ns);
        let is_video = match about.body {
            Body::Video(_) => true,
            Body::Audio(_) => false,
            // The end of a track, which is checked all the same: it tells of the last drops.
            _ => {
                if let Some(account) = self.tracks.get_mut(&key) {
                    account.check.check(about, bytes);
                }
                self.skip();
                return Ok(());
            }
        };
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        if !self.tracks.contains_key(&key) {
            let account = self.open(about.source, is_video)?;
            self.tracks.insert(key, account);
        }
        if let Some(account) = self.tracks.get_mut(&key) {
            account.receive_ns += receive_ns;
            account.latency.add(latency_ns);
            let seen = account.check.check(about, bytes);
            self.skews.see(about.source, about, &seen);
        }
        self.skip();
        Ok(())
    }

    /// What was done since the last frame is not to be charged to the next one.
    pub fn skip(&mut self) {
        self.cpu.lap();
    }

    /// Frames so far.
    pub fn frames(&self) -> u64 {
        self.tracks.values().map(|account| account.check.findings().frames).sum()
    }

    fn open(&self, participant: u32, is_video: bool) -> Result<Account, CliError> {
        let check = match &self.reference {
            Reference::File(path) if is_video => {
                let file = LoopedFile::open(path);
                TrackCheck::of_file(
                    file.map_err(|why| CliError::failed(format!("read {}", path.display()), why))?,
                )
            }
            _ => TrackCheck::of_pattern(),
        };
        Ok(Account { participant, is_video, check, latency: Histogram::new(), receive_ns: 0 })
    }
}

/// One track in the end.
#[derive(Debug)]
pub struct Row {
    /// Its participant's name.
    pub name: &'static str,
    /// Whether it is pictures.
    pub is_video: bool,
    /// What came, and what was wrong with it; frames that were sent but did not come are lost.
    pub findings: Findings,
    /// Frames in files and left out of them, if it was recorded.
    pub tally: Option<Tally>,
    /// From before the sending to after the receiving: half, 99 % and all of the frames stayed below, in nanoseconds.
    pub latency_ns: [u64; 3],
    /// Processor time for sending, in nanoseconds; `None` if the capture process did not say.
    pub send_ns: Option<u64>,
    /// Processor time for receiving, in nanoseconds.
    pub receive_ns: u64,
}

/// A transport in the end.
#[derive(Debug)]
pub struct Outcome {
    /// All tracks, by participant, pictures first.
    pub rows: Vec<Row>,
    /// Flash to beep, for each participant.
    pub skews: Vec<(&'static str, Skew)>,
    /// Latencies of all pictures.
    pub video_latency_ns: [u64; 3],
    /// From the first frame to the last.
    pub seconds: f64,
    /// What was recorded, if it was.
    pub recording: Option<Summary>,
    /// What failed on the way.
    pub failures: Vec<String>,
    /// Whether the user stopped it.
    pub stopped: bool,
}

impl Outcome {
    /// Puts together what was received and what the capture processes say.
    pub fn new(
        all: Vec<Accounts>,
        ends: Vec<End>,
        stopped: bool,
        tally: impl Fn(Key) -> Option<Tally>,
    ) -> Self {
        let first = all.iter().filter_map(|accounts| accounts.first).min();
        let last = all.iter().filter_map(|accounts| accounts.last).max();
        let seconds = first.zip(last).map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        let skews = all.iter().flat_map(|accounts| accounts.skews.all());
        let mut outcome = Self {
            rows: Vec::new(),
            skews: skews.map(|(participant, skew)| (name_of(participant), skew)).collect(),
            video_latency_ns: [0; 3],
            seconds,
            recording: None,
            failures: Vec::new(),
            stopped,
        };
        let mut pictures = Histogram::new();
        for (key, account) in all.into_iter().flat_map(|accounts| accounts.tracks) {
            let end = ends.get((account.participant as usize).wrapping_sub(1));
            let report =
                end.and_then(|end| end.reports.as_ref()).map(|both| both[usize::from(!account.is_video)]);
            if account.is_video {
                pictures.merge(&account.latency);
            }
            outcome.rows.push(row(account, report, tally(key)));
        }
        outcome.rows.sort_by_key(|row| (row.name, !row.is_video));
        outcome.video_latency_ns = quantiles(&pictures);
        if !stopped {
            outcome.failures.extend(ends.into_iter().filter_map(|end| end.failure));
        }
        outcome
    }

    /// What was wrong with the content, and what is missing.
    pub fn complaints(&self) -> Vec<String> {
        let bad = self.rows.iter().filter(|row| !row.findings.is_good());
        let complaint = |row: &Row| {
            let Findings { wrong, lost, first_wrong, .. } = &row.findings;
            let first = first_wrong.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
            format!("{} {}: {wrong} frames wrong, {lost} lost without a word{first}", row.name, row.kind())
        };
        bad.map(complaint).collect()
    }
}

impl Row {
    /// What it is a track of.
    pub fn kind(&self) -> &'static str {
        if self.is_video {
            "video"
        } else {
            "audio"
        }
    }
}

fn row(account: Account, report: Option<TrackReport>, tally: Option<Tally>) -> Row {
    let mut findings = account.check.findings().clone();
    if let Some(report) = report {
        // The numbers of frames do not show what is missing at the end.
        let missing = (report.sent + report.dropped).saturating_sub(findings.frames + findings.dropped);
        findings.lost = findings.lost.max(missing);
    }
    Row {
        name: name_of(account.participant),
        is_video: account.is_video,
        findings,
        tally,
        latency_ns: quantiles(&account.latency),
        send_ns: report.map(|report| report.send_ns),
        receive_ns: account.receive_ns,
    }
}

fn quantiles(latency: &Histogram) -> [u64; 3] {
    [latency.quantile(0.5), latency.quantile(0.99), latency.max()]
}

fn name_of(participant: u32) -> &'static str {
    PARTICIPANTS.get((participant as usize).wrapping_sub(1)).copied().unwrap_or("?")
}
