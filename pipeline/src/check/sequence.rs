//! The numbers of a track's frames: what was dropped, and what is missing without a word.

use frame_ring::Descriptor;

use super::WrongFrame;

/// The numbers seen so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequence {
    next: u64,
    dropped: u64,
    lost: u64,
}

impl Sequence {
    /// Takes the number of a frame. Returns how many frames are missing before it, whoever is to blame.
    pub fn take(&mut self, about: &Descriptor) -> Result<u64, WrongFrame> {
        let dropped = u64::from(about.dropped_before);
        self.dropped = self.dropped.saturating_add(dropped);
        // Tracks begin with 0: what was before the first frame must have been dropped.
        let (expected, found) = (self.next.saturating_add(dropped), about.sequence);
        self.lost = self.lost.saturating_add(found.saturating_sub(expected));
        let missing = found.saturating_sub(self.next);
        self.next = found.saturating_add(1);
        if found < expected {
            return Err(WrongFrame::Number { expected, found });
        }
        Ok(missing)
    }

    /// Frames that the producer said it dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Frames that are missing and nobody said so.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}
