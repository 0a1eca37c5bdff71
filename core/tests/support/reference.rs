//! The ring as one would write it if only one thread existed: a queue of claims. It predicts every result exactly.

use std::collections::VecDeque;

use frame_ring_core::claim::{Class, Refusal};
use frame_ring_core::wake::Sleep;
use frame_ring_core::walk::{Order, Taken};
use frame_ring_core::word::{Cursor, Geometry, State};

const INDICES: u64 = 1 << 36;

#[derive(Debug)]
struct Record {
    taken: Taken,
    state: State,
    /// Whether the consumer has looked at it.
    seen: bool,
    delivered: bool,
    released: bool,
}

/// What the protocol must do.
#[derive(Debug)]
pub struct Reference {
    geometry: Geometry,
    /// All claims that are not free again, oldest first.
    claims: VecDeque<Record>,
    /// Position and index of the next claim.
    pos: u32,
    index: u64,
    sleeps: Option<Sleep>,
    /// How many have published while it slept.
    seen: u32,
    waits_for_space: bool,
}

impl Reference {
    pub fn new(geometry: Geometry, start: Cursor) -> Self {
        let (pos, index) = (start.pos(), start.index());
        Self { geometry, claims: VecDeque::new(), pos, index, sleeps: None, seen: 0, waits_for_space: false }
    }

    fn offset(&self) -> u32 {
        self.pos % self.geometry.capacity()
    }

    fn used(&self) -> u32 {
        self.claims.iter().map(|record| record.taken.len).sum()
    }

    pub fn tail(&self) -> Cursor {
        Cursor::new(self.pos, self.index)
    }

    pub fn head(&self) -> Cursor {
        let round = 2 * self.geometry.capacity();
        let index = (self.index + INDICES - self.claims.len() as u64) % INDICES;
        Cursor::new((self.pos + round - self.used()) % round, index)
    }

    fn push(&mut self, owner: u8, len: u32, state: State) -> Taken {
        let slot = (self.index % u64::from(self.geometry.slots())) as u32;
        let taken = Taken { slot, index: self.index, offset: self.offset(), len, owner };
        self.claims.push_back(Record { taken, state, seen: false, delivered: false, released: false });
        self.skip(len);
        taken
    }

    fn skip(&mut self, len: u32) {
        self.pos = (self.pos + len) % (2 * self.geometry.capacity());
        self.index = (self.index + 1) % INDICES;
    }

    pub fn claim(&mut self, owner: u8, class: Class, len: u32) -> Result<Taken, Refusal> {
        let (bytes, slots) = match class {
            Class::Video => (8, 8),
            Class::Audio => (32, 32),
            Class::Event => (u32::MAX, u32::MAX),
        };
        let bytes = self.geometry.capacity() - self.geometry.capacity() / bytes;
        let slots = self.geometry.slots() - self.geometry.slots() / slots;
        let longest = bytes.min(match self.geometry.capacity() {
            1 => 1,
            capacity => capacity - self.geometry.rewind_from(),
        });
        if len > longest {
            return Err(Refusal::TooLong { longest });
        }
        let room = self.geometry.capacity() - self.offset();
        let pad = (len > room).then_some(room);
        if self.claims.len() as u32 + 1 + u32::from(pad.is_some()) > slots {
            return Err(Refusal::FullSlots);
        }
        if self.used() + pad.unwrap_or(0) + len > bytes {
            return Err(Refusal::FullBytes);
        }
        if let Some(room) = pad {
            self.push(owner, room, State::Aborted);
        }
        Ok(self.push(owner, len, State::Claimed))
    }

    /// Whom to wake, or `None` if the claim was taken away.
    pub fn finish(&mut self, index: u64, state: State) -> Option<Option<Sleep>> {
        let record = self.claims.iter_mut().find(|record| record.taken.index == index)?;
        if record.state != State::Claimed {
            return None;
        }
        record.state = state;
        let Some(how) = self.sleeps else { return Some(None) };
        let before = self.seen;
        self.seen += 1;
        Some((before < 4 || before.is_power_of_two()).then_some(how))
    }

    pub fn sleep(&mut self, how: Sleep) {
        self.sleeps = Some(how);
        self.seen = 0;
    }

    /// Whether somebody has published while it slept.
    pub fn awake(&mut self) -> bool {
        self.sleeps = None;
        std::mem::take(&mut self.seen) > 0
    }

    pub fn wait_for_space(&mut self) {
        self.waits_for_space = true;
    }

    /// The frame delivered, and whether producers must be woken.
    pub fn next(&mut self, order: Order) -> (Option<Taken>, bool) {
        let mut unfinished = Vec::new();
        let mut next = None;
        for record in self.claims.iter_mut().filter(|record| !record.delivered && !record.released) {
            let owner = record.taken.owner;
            record.seen = true;
            match record.state {
                State::Aborted => record.released = true,
                State::Committed if !unfinished.contains(&owner) => {
                    record.delivered = true;
                    next = Some(record.taken);
                    break;
                }
                _ if order == Order::Claims => break,
                _ => unfinished.push(owner),
            }
        }
        (next, self.sweep())
    }

    pub fn release(&mut self, index: u64) -> bool {
        let record = self.claims.iter_mut().find(|record| record.taken.index == index);
        record.expect("a frame that was delivered").released = true;
        self.sweep()
    }

    pub fn bury(&mut self, owner: u8) -> bool {
        for record in &mut self.claims {
            record.seen = true;
            if record.taken.owner == owner && record.state != State::Committed {
                (record.state, record.released) = (State::Aborted, true);
            }
        }
        self.sweep()
    }

    fn sweep(&mut self) -> bool {
        let before = self.claims.len();
        while self.claims.front().is_some_and(|record| record.released) {
            self.claims.pop_front();
        }
        if self.claims.len() == before {
            return false;
        }
        self.rewind();
        std::mem::take(&mut self.waits_for_space)
    }

    /// A ring that is drained, as far as the consumer has looked, starts over; a pad that is there already does as well.
    fn rewind(&mut self) {
        if self.head().pos() % self.geometry.capacity() < self.geometry.rewind_from() {
            return;
        }
        match self.claims.front_mut() {
            None => self.skip(self.geometry.capacity() - self.offset()),
            Some(record) if record.seen => {}
            Some(record) if record.state == State::Aborted => drop(self.claims.pop_front()),
            Some(record) => record.seen = true,
        }
    }
}
