//! Receiving from everything at once: a ring that producers connect to, and the lanes of a browser's pages.
//!
//! Owns the hub, and what was counted and recorded of each ring in it. What else is to be done now and then, and when it is
//! enough, is the caller's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use frame_ring::{Consumer, Hub, HubItem, LaneError, LaneOptions, RecvError, RingId};

use crate::commands::tally::Counter;
use crate::error::CliError;
use crate::progress::Progress;
use crate::receive::{Sink, Wish};
use crate::recorder::{Options, Recorder};

/// How often the caller is asked.
const TICK: Duration = Duration::from_millis(100);

/// One ring of the hub, or one that has ended.
#[derive(Debug)]
struct Part {
    /// What people call it.
    name: String,
    counter: Counter,
    /// Its producers that were connected when it was looked at last, and those that no longer were.
    connected: BTreeSet<u8>,
    leaving: BTreeSet<u8>,
    /// Tracks that were told of.
    tracks: BTreeSet<u32>,
}

/// Everything that is received.
#[derive(Debug)]
pub struct Gather {
    hub: Hub,
    parts: BTreeMap<RingId, Part>,
    out: Option<(PathBuf, Options)>,
    progress: Progress,
    /// Frames, bad ones and lanes so far.
    frames: u64,
    bad: u64,
    lanes: u64,
}

impl Gather {
    /// Nothing yet. With `out`, everything is recorded to that directory.
    pub fn new(out: Option<(&Path, Options)>) -> Result<Self, CliError> {
        let hub = Hub::new().map_err(|why| CliError::failed("make a hub", why))?;
        let out = out.map(|(dir, options)| (dir.to_owned(), options));
        let (parts, progress) = (BTreeMap::new(), Progress::new());
        Ok(Self { hub, parts, out, progress, frames: 0, bad: 0, lanes: 0 })
    }

    /// Adds a ring.
    pub fn add(&mut self, ring: Consumer, name: &str) -> Result<RingId, CliError> {
        let id = self.hub.add(ring).map_err(|why| CliError::failed("receive from the ring", why))?;
        self.enter(id, name.into())?;
        Ok(id)
    }

    /// Adds all lanes below a profile, now and later.
    pub fn watch(&mut self, profile: &Path, options: LaneOptions) -> Result<(), CliError> {
        let watched = self.hub.watch_profile(profile, options);
        watched.map_err(|why| CliError::failed(format!("watch {}", profile.display()), why))
    }

    /// A line for whoever watches.
    pub fn say(&mut self, line: &str) {
        self.progress.say(line);
    }

    /// A ring that is received.
    pub fn ring(&mut self, id: RingId) -> Option<&mut Consumer> {
        self.hub.ring(id)
    }

    /// Lanes that have come so far.
    pub fn lanes(&self) -> u64 {
        self.lanes
    }

    /// Frames that have come so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Receives until `tick` has enough.
    pub fn run(&mut self, mut tick: impl FnMut(&mut Self) -> Wish) -> Result<(), CliError> {
        let start = Instant::now();
        let (mut looked, mut wish) = (start, Wish::GoOn);
        loop {
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.look()?;
                let (frames, lanes) = (self.frames, self.lanes);
                let left_out = self.parts.values().map(|part| part.counter.status()).next();
                self.progress.show(|| {
                    let seconds = start.elapsed().as_secs_f64();
                    format!(
                        "{seconds:6.1} s  {lanes} lanes, {frames} frames in all; {}",
                        left_out.unwrap_or_default()
                    )
                });
                wish = tick(self);
            }
            let next = match wish {
                Wish::End => return Ok(()),
                Wish::GoOn | Wish::Drain => self.hub.recv_timeout(TICK),
            };
            match next.map_err(|why| CliError::failed("go on receiving", why))? {
                Some(item) => self.take(item)?,
                None if wish == Wish::Drain => return Ok(()),
                None => {}
            }
        }
    }

    fn take(&mut self, item: HubItem) -> Result<(), CliError> {
        match item {
            HubItem::Frame(id, frame) => {
                self.frames += 1;
                match (self.hub.ring(id), self.parts.get_mut(&id)) {
                    (Some(ring), Some(part)) => part.counter.frame(ring, frame),
                    _ => Ok(()),
                }
            }
            HubItem::Joined(id) => {
                self.lanes += 1;
                let lane = self.hub.ring(id).and_then(|ring| ring.lane().cloned());
                let url = lane.map_or(String::new(), |lane| lane.url);
                self.say(&format!("lane {}: opened by {url}", self.lanes));
                self.enter(id, format!("lane {} ({url})", self.lanes))
            }
            // A page that was reloaded leaves its file behind.
            HubItem::Refused(_, LaneError::Left) => Ok(()),
            HubItem::Refused(path, why) => {
                self.say(&format!("a lane cannot be received: {}: {why}", path.display()));
                Ok(())
            }
            HubItem::Error(_, RecvError::BadFrame { producer, why }, _) => {
                self.bad += 1;
                if self.bad.is_power_of_two() {
                    self.say(&format!("producer {producer}: bad frame number {}: {why}", self.bad));
                }
                Ok(())
            }
            HubItem::Error(id, why, ring) => {
                if let (Some(mut ring), Some(part)) = (ring, self.parts.get_mut(&id)) {
                    part.look_at(&mut ring, &mut self.progress)?;
                }
                self.end(id, &why)
            }
        }
    }

    fn enter(&mut self, id: RingId, name: String) -> Result<(), CliError> {
        let recorder = self.out.as_ref().map(|(dir, options)| Recorder::new(dir, *options)).transpose()?;
        let counter = Counter::new(recorder);
        let (connected, leaving, tracks) = Default::default();
        self.parts.insert(id, Part { name, counter, connected, leaving, tracks });
        Ok(())
    }

    fn end(&mut self, id: RingId, why: &RecvError) -> Result<(), CliError> {
        let Some(part) = self.parts.get_mut(&id) else { return Ok(()) };
        let why = match why {
            RecvError::Disconnected => "its page is gone".to_owned(),
            why => why.to_string(),
        };
        let line = format!("{}: ended: {why}", part.name);
        for producer in std::mem::take(&mut part.connected).union(&std::mem::take(&mut part.leaving)).copied()
        {
            part.counter.gone(producer)?;
        }
        self.say(&line);
        Ok(())
    }

    /// Looks at who has come and gone, at new tracks and notes.
    fn look(&mut self) -> Result<(), CliError> {
        for id in self.hub.ids().collect::<Vec<_>>() {
            if let (Some(ring), Some(part)) = (self.hub.ring(id), self.parts.get_mut(&id)) {
                part.look_at(ring, &mut self.progress)?;
            }
        }
        Ok(())
    }

    /// Completes all files, and reports.
    pub fn finish(self) -> Result<(), CliError> {
        drop(self.progress);
        let mut done = Ok(());
        let is_alone = self.parts.len() == 1;
        for part in self.parts.into_values() {
            let (report, recorded) = part.counter.finish();
            if report.lines().count() > 1 {
                let name = if is_alone { String::new() } else { format!("{}:\n", part.name) };
                eprint!("{name}{report}");
            }
            done = done.and(recorded);
        }
        if self.bad > 0 {
            eprintln!("{} bad frames were left out", self.bad);
        }
        done
    }
}

impl Part {
    fn look_at(&mut self, ring: &mut Consumer, progress: &mut Progress) -> Result<(), CliError> {
        for track in ring.tracks() {
            let Some(info) = track.info.filter(|_| self.tracks.insert(track.id)) else { continue };
            let kind = format!("{:?}", info.kind).to_lowercase();
            progress
                .say(&format!("{}: {kind} track \"{}\" of \"{}\"", self.name, info.label, info.participant));
        }
        for note in ring.take_notes() {
            progress.say(&format!("{}: the page says: {note}", self.name));
        }
        let connected = ring.producer_stats().into_iter().filter(|(_, stats)| stats.connected);
        let now: BTreeSet<u8> = connected.map(|(producer, _)| producer).collect();
        // What one has left behind is received by the next look.
        let left = std::mem::take(&mut self.leaving);
        self.leaving = self.connected.difference(&now).copied().collect();
        self.connected = now;
        left.into_iter().try_for_each(|producer| self.counter.gone(producer))
    }
}
