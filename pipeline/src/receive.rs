//! The loop of every command that receives: when it ends, who has left, what was wrong on the way.
//!
//! What is done with the frames is up to a [`Sink`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use frame_ring::{Consumer, Frame, RecvError};

use crate::error::CliError;
use crate::progress::Progress;
use crate::signals;

/// How often the loop looks at the clock, the signals and who is connected.
const TICK: Duration = Duration::from_millis(100);

/// When a command has received enough.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Until {
    /// Stop after so many seconds
    #[arg(long, value_name = "S", value_parser = positive)]
    pub seconds: Option<f64>,
    /// Stop when so many producers have come and all have left; 0 to stay until Ctrl-C
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub producers: u64,
}

/// A number above zero.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        // More than a year is a typing error, and a number that no clock must be asked to add.
        Ok(number) if number > 0.0 && number < 4e7 => Ok(number),
        _ => Err("expected a number above 0".into()),
    }
}

/// Takes what comes.
pub trait Sink {
    /// Takes a frame. An error ends the loop.
    fn frame(&mut self, ring: &Consumer, frame: Frame) -> Result<(), CliError>;

    /// A producer has left, and everything of it was taken. Its id may come again for another one.
    fn gone(&mut self, _producer: u8) -> Result<(), CliError> {
        Ok(())
    }

    /// Called now and then, to say what it wants.
    fn tick(&mut self, _ring: &Consumer) -> Wish {
        Wish::GoOn
    }

    /// How far it is, in a line.
    fn status(&self) -> String;
}

/// What a sink wants of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// More.
    GoOn,
    /// What is there already, but nothing that comes later.
    Drain,
    /// Nothing.
    End,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The producers have left, or nobody can connect any more.
    Left,
    /// The time is up.
    Time,
    /// The user wants to stop.
    Stopped,
    /// The sink has what it wants.
    Enough,
}

/// Receives until something says that it is enough.
pub fn receive(ring: &mut Consumer, until: Until, sink: &mut impl Sink) -> Result<Ending, CliError> {
    let mut progress = Progress::new();
    let start = Instant::now();
    let deadline = until.seconds.map(|seconds| start + Duration::from_secs_f64(seconds));
    let mut presence = Presence::of(ring);
    let mut looked = start;
    let mut wish = Wish::GoOn;
    let mut bad: BTreeMap<u8, u64> = BTreeMap::new();
    loop {
        let now = Instant::now();
        if now - looked >= TICK {
            looked = now;
            // Before the ring is looked at: whatever came of who is gone by now, the ring shows.
            presence.update(ring);
            progress.show(|| format!("{:6.1} s  {}", (now - start).as_secs_f64(), sink.status()));
            wish = sink.tick(ring);
            if wish == Wish::End {
                return Ok(Ending::Enough);
            }
        }
        if signals::stop_requested() {
            return Ok(Ending::Stopped);
        }
        let left = deadline.map_or(TICK, |deadline| deadline.saturating_duration_since(now));
        if left.is_zero() {
            return Ok(Ending::Time);
        }
        match ring.recv_timeout(left.min(TICK)) {
            Ok(Some(frame)) => sink.frame(ring, frame)?,
            Ok(None) => {
                presence.take_gone().into_iter().try_for_each(|id| sink.gone(id))?;
                if until.producers > 0 && presence.came >= until.producers && presence.connected.is_empty() {
                    return Ok(Ending::Left);
                }
                if wish == Wish::Drain {
                    return Ok(Ending::Enough);
                }
            }
            Err(RecvError::Disconnected) => return Ok(Ending::Left),
            Err(RecvError::BadFrame { producer, why }) => {
                let count = bad.entry(producer).or_default();
                *count += 1;
                if count.is_power_of_two() {
                    progress.say(&format!("producer {producer}: bad frame number {count}: {why}"));
                }
            }
            Err(why) => return Err(CliError::failed("go on receiving", why)),
        }
    }
}

/// Who is connected, and who was.
#[derive(Debug, Default)]
struct Presence {
    connected: BTreeSet<u8>,
    gone: BTreeSet<u8>,
    /// How many producers have had each id.
    generations: BTreeMap<u8, u32>,
    /// Producers that have come so far.
    came: u64,
}

impl Presence {
    fn of(ring: &Consumer) -> Self {
        let mut presence = Self::default();
        presence.update(ring);
        presence
    }

    fn update(&mut self, ring: &Consumer) {
        let stats = ring.producer_stats();
        self.came = stats.iter().map(|(_, stats)| u64::from(stats.generation)).sum();
        for (id, stats) in stats {
            let is_new = self.generations.insert(id, stats.generation) != Some(stats.generation);
            if stats.connected {
                self.connected.insert(id);
            } else if self.connected.remove(&id) || is_new {
                self.gone.insert(id);
            }
        }
    }

    fn take_gone(&mut self) -> BTreeSet<u8> {
        std::mem::take(&mut self.gone)
    }
}
