//! The producer table: who is connected, and what each producer has counted of itself.

use crate::layout::ProducerEntry;
use crate::sync::Ordering;
use crate::text::Text;

/// A private copy of one entry of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerStats {
    /// Whether it is connected now.
    pub connected: bool,
    /// How many producers have had this entry, this one included.
    pub generation: u32,
    /// Its process id as the kernel told the consumer.
    pub pid: u32,
    /// Frames committed.
    pub frames: u64,
    /// Payload bytes committed.
    pub bytes: u64,
    /// Frames dropped because the bytes of their class were in use.
    pub full_bytes: u64,
    /// Frames dropped because the slots of their class were in use.
    pub full_slots: u64,
    /// Frames dropped because the ring can never hold them.
    pub too_long: u64,
    /// Frames not copied because nobody wanted them.
    pub unwanted: u64,
    /// Claims given up.
    pub aborted: u64,
    /// Its name.
    pub label: Text<7>,
}

impl ProducerEntry {
    /// Enters a new producer; the consumer calls it.
    pub fn connect(&self, pid: u32, label: &str) -> u32 {
        for counter in [
            &self.frames,
            &self.bytes,
            &self.full_bytes,
            &self.full_slots,
            &self.too_long,
            &self.unwanted,
            &self.aborted,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        Text::<7>::new(label).store(&self.label);
        self.pid.store(pid, Ordering::Relaxed);
        let generation = self.generation.load(Ordering::Relaxed).wrapping_add(1);
        self.generation.store(generation, Ordering::Relaxed);
        self.state.store(1, Ordering::Release);
        generation
    }

    /// Notes that the producer is gone; the consumer calls it.
    pub fn disconnect(&self) {
        self.state.store(2, Ordering::Release);
    }

    /// A copy of the entry, or `None` if nobody has ever had it. What it says is the producer's word.
    pub fn read(&self) -> Option<ProducerStats> {
        let state = self.state.load(Ordering::Acquire);
        let get = |counter: &crate::sync::AtomicU64| counter.load(Ordering::Relaxed);
        (state != 0).then(|| ProducerStats {
            connected: state == 1,
            generation: self.generation.load(Ordering::Relaxed),
            pid: self.pid.load(Ordering::Relaxed),
            frames: get(&self.frames),
            bytes: get(&self.bytes),
            full_bytes: get(&self.full_bytes),
            full_slots: get(&self.full_slots),
            too_long: get(&self.too_long),
            unwanted: get(&self.unwanted),
            aborted: get(&self.aborted),
            label: Text::load(&self.label),
        })
    }
}
