//! One line on standard error that says how far long work is; nothing if nobody looks.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(250);

/// The line. Dropping it clears it.
#[derive(Debug)]
pub struct Progress {
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// A line that is not there yet.
    pub fn new() -> Self {
        Self { shown: None, terminal: io::stderr().is_terminal() }
    }

    /// Replaces the line, if it is time to.
    pub fn show(&mut self, line: impl FnOnce() -> String) {
        if self.terminal && self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            // A terminal that is gone does not end the work.
            let _ = write!(io::stderr(), "\r\x1b[K{}", line());
        }
    }

    /// Writes a line that stays.
    pub fn say(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
