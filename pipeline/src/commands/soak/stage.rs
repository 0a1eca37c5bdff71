//! The loop: receives, hands on, looks at the clock and the processes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frame_ring::{Consumer, Frame, RecvError, RingBuilder};

use super::books::Books;
use super::cast::Cast;
use super::checks::{Check, Checks};
use super::formats::{self, PARTS};
use super::health::Health;
use super::mischief::Mischief;
use super::random::Random;
use super::stamp::Pattern;
use super::workers::{Hands, Workers};
use crate::error::CliError;
use crate::progress::Progress;
use crate::signals;

/// Bytes and slots of the ring for each participant: a quarter of a second of pictures, and slots for more than that.
const BYTES_EACH: u64 = (64 << 20) / 25;
const SLOTS_EACH: u32 = 8192 / 25;
/// For small meetings: some of the largest pictures.
const BYTES_AT_LEAST: u64 = 8 << 20;
/// How often the loop looks at the processes, and how many frames it takes without looking at the clock.
const TICK: Duration = Duration::from_millis(2);
const FRAMES_AT_ONCE: usize = 256;
/// From one line of progress to the next.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// The warm-up takes a quarter of the time, and no longer than this.
const WARM_UP: Duration = Duration::from_secs(60);
/// Leaving takes no longer unless something hangs.
const HANG: Duration = Duration::from_secs(120);

/// A soak that runs.
#[derive(Debug)]
pub struct Stage {
    /// The ring.
    pub ring: Consumer,
    /// What came.
    pub books: Books,
    /// Who is there.
    pub cast: Cast,
    /// What is done to them.
    pub mischief: Mischief,
    /// Who works.
    pub workers: Workers,
    /// What must hold.
    pub checks: Arc<Checks>,
    /// What the workers have done.
    pub hands: Arc<Hands>,
    /// When it began.
    pub start: Instant,
    /// After the warm-up, with everybody there.
    pub warm: Option<Health>,
    random: Random,
    progress: Progress,
    ticked: Instant,
    said: Option<Instant>,
}

impl Stage {
    /// Makes the ring and starts the workers.
    pub fn build(participants: u16, seed: u64) -> Result<Self, CliError> {
        let bytes = (BYTES_EACH * u64::from(participants)).max(BYTES_AT_LEAST);
        let (slots, tracks) = (SLOTS_EACH * u32::from(participants), u32::from(participants) * PARTS as u32);
        let ring =
            RingBuilder::new().data_bytes(bytes).slots(slots).tracks(tracks).prefault(true).name("soak");
        let mut ring = ring.build().map_err(|why| CliError::failed("make the ring", why))?;
        // SAFETY: its producers are processes of this program, which write to nothing that they have committed.
        unsafe { ring.trust_producers() };
        let (checks, hands) = (Arc::new(Checks::default()), Arc::new(Hands::default()));
        let mut random = Random::new(seed);
        let pattern = Pattern::new(formats::longest());
        let workers = Workers::start(pattern, checks.clone(), hands.clone(), &mut random);
        let now = Instant::now();
        Ok(Self {
            ring,
            books: Books::new(),
            cast: Cast::new(participants),
            mischief: Mischief::new(random.any()),
            workers,
            checks,
            hands,
            start: now,
            warm: None,
            random,
            progress: Progress::new(),
            ticked: now,
            said: None,
        })
    }

    /// Plays for so long, or until the user stops it, and then until everybody is there.
    pub fn play(&mut self, time: Duration) -> Result<(), CliError> {
        self.cast.complete(&self.ring, &mut self.random)?;
        loop {
            let elapsed = self.start.elapsed();
            let ending = elapsed >= time || signals::stop_requested();
            if ending && self.mischief.is_calm() {
                return Ok(());
            }
            if self.turn()? {
                self.mischief.tick(&self.ring, &mut self.cast, &self.workers, ending)?;
            }
            if self.mischief.is_calm() {
                if self.warm.is_none() && elapsed >= WARM_UP.min(time / 4) {
                    self.warm = Some(Health::now()?);
                }
                self.say();
            }
        }
    }

    /// Lets everybody leave.
    pub fn leave(&mut self) -> Result<(), CliError> {
        (0..self.cast.size()).for_each(|at| self.cast.leave(at));
        let start = Instant::now();
        while !self.cast.is_empty() {
            self.turn()?;
            if start.elapsed() > HANG {
                return Err(CliError::Wrong(format!("producers did not leave within {} s", HANG.as_secs())));
            }
        }
        Ok(())
    }

    /// Receives what is there, and looks at the processes if it is time to: then it returns true.
    fn turn(&mut self) -> Result<bool, CliError> {
        let mut drained = false;
        for _ in 0..FRAMES_AT_ONCE {
            match self.receive(Duration::ZERO)? {
                Some(frame) => self.take(frame),
                None => {
                    drained = true;
                    break;
                }
            }
        }
        if drained {
            // Whoever was gone at the last look has left nothing behind that was not received.
            self.cast.settle(&self.ring, &mut self.books, &self.checks);
        }
        let now = Instant::now();
        if now < self.ticked + TICK {
            if drained {
                if let Some(frame) = self.receive(self.ticked + TICK - now)? {
                    self.take(frame);
                }
            }
            return Ok(false);
        }
        self.ticked = now;
        self.cast.look(&self.ring);
        Ok(true)
    }

    fn receive(&mut self, wait: Duration) -> Result<Option<Frame>, CliError> {
        match self.ring.recv_timeout(wait) {
            Ok(frame) => Ok(frame),
            // All processes are gone, and others will come.
            Err(RecvError::Disconnected) => {
                std::thread::sleep(wait);
                Ok(None)
            }
            Err(why @ RecvError::BadFrame { .. }) => {
                self.checks.note(Check::Content, Err(why));
                self.receive(Duration::ZERO)
            }
            Err(why) => Err(CliError::Wrong(why.to_string())),
        }
    }

    fn take(&mut self, frame: Frame) {
        let stamp = self.books.take(&self.ring, &frame, &self.checks);
        self.workers.take(frame, stamp, &mut self.random);
    }

    fn say(&mut self) {
        if self.said.is_some_and(|said| said.elapsed() < SAY_EVERY) {
            return;
        }
        self.said = Some(Instant::now());
        let [frames, dropped] = [self.books.frames, self.books.told];
        let (events, failed) = (&self.cast.events, self.checks.failed());
        self.progress.say(&format!(
            "{:6.0} s  {frames} frames, {dropped} dropped, {} processes started, {} killed; {failed} checks failed",
            self.start.elapsed().as_secs_f64(),
            events.launches,
            events.kills,
        ));
    }
}
