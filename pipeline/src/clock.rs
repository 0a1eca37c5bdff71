//! The processor time of this thread, and waiting for a moment on the media's time line.

use std::time::{Duration, Instant};

use nix::time::{clock_gettime, ClockId};

use crate::signals;

/// How often a wait looks whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Processor time that this thread has used, user and system, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    // It cannot fail for a thread's own clock.
    let spent = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    spent.map_or(0, |spent| u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX))
}

/// Measures a thread in laps.
#[derive(Debug)]
pub struct CpuLap {
    last_ns: u64,
}

impl CpuLap {
    /// Starts the first lap.
    pub fn start() -> Self {
        Self { last_ns: thread_cpu_ns() }
    }

    /// Ends a lap, in nanoseconds, and starts the next one.
    pub fn lap(&mut self) -> u64 {
        let now = thread_cpu_ns();
        let lap = now.saturating_sub(self.last_ns);
        self.last_ns = now;
        lap
    }
}

/// Lets media time pass as real time does.
#[derive(Debug)]
pub struct Pace {
    /// When media time 0 was; `None` to wait for nothing.
    start: Option<Instant>,
}

impl Pace {
    /// Media time begins now if `realtime`, else it does not matter.
    pub fn new(realtime: bool) -> Self {
        Self { start: realtime.then(Instant::now) }
    }

    /// Waits until `due_ns`. Returns false if the user wants to stop.
    ///
    /// Who is late goes on at once and catches up: nothing is left out, so that what arrives can be counted.
    pub fn wait_until(&self, due_ns: u64) -> bool {
        while !signals::stop_requested() {
            let due = self.start.and_then(|start| start.checked_add(Duration::from_nanos(due_ns)));
            let left = due.map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
        false
    }
}
