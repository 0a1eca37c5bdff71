//! The consumer's workers: they check frames, keep some of them for a while, give them back in any order, and are slow
//! at times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use frame_ring::Frame;

use super::checks::{Check, Checks};
use super::random::Random;
use super::stamp::{Pattern, Stamp};

/// Threads.
const WORKERS: usize = 4;
/// Of so many frames one is checked byte by byte; of all others the two ends.
const ALL_BYTES_OF_ONE_IN: u64 = 4;
/// Of so many frames one is held.
const HOLD_ONE_IN: u64 = 8;
/// For so long, in milliseconds.
const HOLD_MS: (u64, u64) = (1, 80);
/// Of so many frames one makes its worker slow, for so many milliseconds.
const SLOW_ONE_IN: u64 = 5_000;
const SLOW_MS: (u64, u64) = (20, 120);

/// What the workers have in hand, and have done.
#[derive(Debug, Default)]
pub struct Hands {
    /// Frames now.
    now: AtomicU64,
    /// The most at once.
    most: AtomicU64,
    /// Frames that were checked byte by byte.
    pub whole: AtomicU64,
    /// How often a worker was slow.
    pub slow: AtomicU64,
    /// The longest that a frame was in hand, in nanoseconds.
    pub longest_ns: AtomicU64,
}

impl Hands {
    /// The most frames that were in hand at once.
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    fn take(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    fn give_back(&self, taken: Instant) {
        self.longest_ns.fetch_max(taken.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A frame for a worker.
#[derive(Debug)]
struct Job {
    frame: Frame,
    /// What it must be; `None` if it has no bytes.
    stamp: Option<Stamp>,
    taken: Instant,
}

/// What all workers share.
#[derive(Debug)]
struct Shop {
    pattern: Pattern,
    checks: Arc<Checks>,
    hands: Arc<Hands>,
    /// Until then nobody gives anything back.
    closed_until: Mutex<Option<Instant>>,
}

/// The threads.
#[derive(Debug)]
pub struct Workers {
    shop: Arc<Shop>,
    jobs: Vec<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts them.
    pub fn start(pattern: Pattern, checks: Arc<Checks>, hands: Arc<Hands>, random: &mut Random) -> Self {
        let shop = Arc::new(Shop { pattern, checks, hands, closed_until: Mutex::default() });
        let (jobs, threads) = (0..WORKERS)
            .map(|_| {
                let (sender, jobs) = mpsc::channel();
                let worker =
                    Worker { shop: shop.clone(), random: Random::new(random.any()), held: Vec::new() };
                (sender, std::thread::spawn(move || worker.run(&jobs)))
            })
            .unzip();
        Self { shop, jobs, threads }
    }

    /// Hands a frame to one of them.
    pub fn take(&self, frame: Frame, stamp: Option<Stamp>, random: &mut Random) {
        self.shop.hands.take();
        let worker = &self.jobs[random.below(self.jobs.len() as u64) as usize];
        // A worker that has panicked is noticed in the end.
        let _ = worker.send(Job { frame, stamp, taken: Instant::now() });
    }

    /// For so long no worker gives a frame back.
    pub fn close_for(&self, time: Duration) {
        let until = Instant::now() + time;
        *self.shop.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Waits until they have given everything back. Returns whether none of them has panicked.
    pub fn finish(self) -> bool {
        drop(self.jobs);
        self.threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count() == 0
    }
}

#[derive(Debug)]
struct Worker {
    shop: Arc<Shop>,
    random: Random,
    /// Frames to be kept, and until when.
    held: Vec<(Instant, Job)>,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let now = Instant::now();
            self.release(now);
            let next = self.held.iter().map(|(until, _)| *until).min();
            let wait = next.map_or(Duration::from_secs(1), |until| until.saturating_duration_since(now));
            match jobs.recv_timeout(wait) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        while !self.held.is_empty() {
            let at = self.random.below(self.held.len() as u64) as usize;
            let (_, job) = self.held.swap_remove(at);
            self.give_back(job);
        }
    }

    fn work(&mut self, job: Job) {
        self.check(&job);
        if self.random.one_in(SLOW_ONE_IN) {
            self.shop.hands.slow.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(self.random.ms(SLOW_MS.0, SLOW_MS.1));
        }
        let now = Instant::now();
        let hold = self.random.one_in(HOLD_ONE_IN).then(|| now + self.random.ms(HOLD_MS.0, HOLD_MS.1));
        let closed = *self.shop.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        match hold.max(closed).filter(|until| *until > now) {
            Some(until) => self.held.push((until, job)),
            None => self.give_back_unread(job),
        }
    }

    /// Gives back what was held for long enough, in no particular order.
    fn release(&mut self, now: Instant) {
        while let Some(at) = self.held.iter().position(|(until, _)| *until <= now) {
            let (_, job) = self.held.swap_remove(at);
            self.give_back(job);
        }
    }

    /// Checks once more that nobody has written to a frame that was held, and gives it back.
    fn give_back(&mut self, job: Job) {
        self.check(&job);
        self.give_back_unread(job);
    }

    fn give_back_unread(&self, job: Job) {
        let Job { frame, taken, .. } = job;
        self.shop.hands.give_back(taken);
        drop(frame);
    }

    fn check(&mut self, job: &Job) {
        let Some(stamp) = &job.stamp else { return };
        let payload = job.frame.payload();
        let bytes = payload.as_slice().unwrap_or_default();
        let found = if self.random.one_in(ALL_BYTES_OF_ONE_IN) {
            self.shop.hands.whole.fetch_add(1, Ordering::Relaxed);
            self.shop.pattern.check_all(bytes, stamp)
        } else {
            self.shop.pattern.check_ends(bytes, stamp)
        };
        self.shop.checks.note(Check::Content, found.map_err(|why| format!("{stamp:?}: {why}")));
    }
}
