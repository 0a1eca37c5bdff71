//! An event: something that happened, in order with the frames of its track.

use super::wire::{high, low, pair};
use super::WORDS;

/// Describes one event. What the codes mean is up to the two sides; a payload may say more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventInfo {
    /// What happened.
    pub code: u32,
    /// Whom or what it is about, mostly a source id.
    pub subject: u32,
    /// A number that goes with it.
    pub arg: u64,
}

impl EventInfo {
    /// Writes words 8 and 9.
    #[inline]
    pub(super) fn write(&self, words: &mut [u64; WORDS]) {
        words[8] = pair(self.code, self.subject);
        words[9] = self.arg;
    }

    /// Reads words 8 and 9.
    #[inline]
    pub(super) fn read(words: &[u64; WORDS]) -> Self {
        Self { code: low(words[8]), subject: high(words[8]), arg: words[9] }
    }
}
