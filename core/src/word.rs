//! The two packed 64-bit words of the protocol and the arithmetic of a ring of a given size.
//!
//! Lengths and positions are counted in [`UNIT`]s of 64 bytes. A *position* runs over `[0, 2C)` for a ring of `C`
//! units, so that an empty ring and a full one differ; an *index* counts claims and selects the slot. The *lap* of a
//! slot says for which round of indices its word speaks, so that a word of an earlier round is never taken for a new one.

/// Bytes in one unit of length and position; every payload starts on a multiple of it.
pub const UNIT: u64 = 64;

const INDEX_BITS: u32 = 36;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
const LAP_BITS: u32 = 26;
const LEN_BITS: u32 = 28;
const LEN_MASK: u64 = (1 << LEN_BITS) - 1;

/// The largest ring, in units (8 GiB): positions must fit 28 bits twice over.
pub const MAX_CAPACITY: u32 = 1 << 27;
/// The largest number of slots.
pub const MAX_SLOTS: u32 = 1 << 20;

/// What a slot's word says about its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has claimed this index yet.
    Free = 0,
    /// Claimed and still being written.
    Claimed = 1,
    /// Complete: the consumer may read it.
    Committed = 2,
    /// Given up, a pad, or a dead producer's: there is nothing to read.
    Aborted = 3,
}

/// A slot's word: `lap:26 | state:2 | owner:8 | len:28`, the highest bits first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotWord(pub u64);

impl SlotWord {
    /// Packs a word; `lap` and `len` must fit their bits.
    #[inline]
    pub const fn new(lap: u32, state: State, owner: u8, len: u32) -> Self {
        Self(
            (lap as u64) << (64 - LAP_BITS)
                | (state as u64) << (8 + LEN_BITS)
                | (owner as u64) << LEN_BITS
                | len as u64,
        )
    }

    /// A slot that waits for the claim of round `lap`.
    #[inline]
    pub const fn free(lap: u32) -> Self {
        Self::new(lap, State::Free, 0, 0)
    }

    /// The same claim in another state.
    #[inline]
    pub const fn with_state(self, state: State) -> Self {
        Self(self.0 & !(3 << (8 + LEN_BITS)) | (state as u64) << (8 + LEN_BITS))
    }

    /// The round of indices that the word speaks for.
    #[inline]
    pub const fn lap(self) -> u32 {
        (self.0 >> (64 - LAP_BITS)) as u32
    }

    /// What became of the claim.
    #[inline]
    pub const fn state(self) -> State {
        match (self.0 >> (8 + LEN_BITS)) & 3 {
            0 => State::Free,
            1 => State::Claimed,
            2 => State::Committed,
            _ => State::Aborted,
        }
    }

    /// The producer that claimed it; 0 is the consumer.
    #[inline]
    pub const fn owner(self) -> u8 {
        (self.0 >> LEN_BITS) as u8
    }

    /// Claimed length in units.
    #[inline]
    pub const fn len(self) -> u32 {
        (self.0 & LEN_MASK) as u32
    }

    /// Whether the claim holds no bytes.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A place in the chain of claims: `pos:28 | index:36`, the form of the shared words `tail` and `head`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor(pub u64);

impl Cursor {
    /// Packs a cursor; `pos` must be below `2C`.
    #[inline]
    pub const fn new(pos: u32, index: u64) -> Self {
        Self((pos as u64) << INDEX_BITS | (index & INDEX_MASK))
    }

    /// Position in units, in `[0, 2C)`.
    #[inline]
    pub const fn pos(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32
    }

    /// Number of the claim, modulo 2^36.
    #[inline]
    pub const fn index(self) -> u64 {
        self.0 & INDEX_MASK
    }

    /// How many claims lie between `earlier` and this cursor, modulo 2^36.
    #[inline]
    pub const fn claims_since(self, earlier: Cursor) -> u64 {
        self.index().wrapping_sub(earlier.index()) & INDEX_MASK
    }
}

/// The size of a ring, and the arithmetic that follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    capacity: u32,
    slots: u32,
    rewind_from: u32,
}

/// Below this offset a drained ring is not rewound: its bytes are still warm.
const REWIND_FROM: u32 = (256 * 1024 / UNIT) as u32;

impl Geometry {
    /// A ring of `capacity` units and `slots` slots, or `None` when either is out of range: `1..=MAX_CAPACITY` units,
    /// and a power of two of slots in `2..=MAX_SLOTS`.
    pub const fn new(capacity: u32, slots: u32) -> Option<Self> {
        if capacity == 0
            || capacity > MAX_CAPACITY
            || !slots.is_power_of_two()
            || slots < 2
            || slots > MAX_SLOTS
        {
            return None;
        }
        let eighth = capacity / 8;
        let rewind_from = if eighth == 0 {
            1
        } else if eighth < REWIND_FROM {
            eighth
        } else {
            REWIND_FROM
        };
        Some(Self { capacity, slots, rewind_from })
    }

    /// Units in the data area.
    #[inline]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Number of slots, a power of two.
    #[inline]
    pub const fn slots(&self) -> u32 {
        self.slots
    }

    /// From which offset on a drained ring is rewound to its start, in units.
    #[inline]
    pub const fn rewind_from(&self) -> u32 {
        self.rewind_from
    }

    /// The longest claim that a drained ring is sure to take, in units: wherever it was drained, either it lies below
    /// [`rewind_from`](Self::rewind_from) or it starts at offset 0 again.
    #[inline]
    pub const fn longest(&self) -> u32 {
        if self.capacity == 1 {
            1
        } else {
            self.capacity - self.rewind_from
        }
    }

    /// The slot of an index.
    #[inline]
    pub const fn slot(&self, index: u64) -> u32 {
        index as u32 & (self.slots - 1)
    }

    const fn lap_mask(&self) -> u32 {
        let bits = INDEX_BITS - self.slots.trailing_zeros();
        (1 << (if bits < LAP_BITS { bits } else { LAP_BITS })) - 1
    }

    /// The round of an index.
    #[inline]
    pub const fn lap(&self, index: u64) -> u32 {
        (index >> self.slots.trailing_zeros()) as u32 & self.lap_mask()
    }

    /// The round after the one of an index.
    #[inline]
    pub const fn next_lap(&self, index: u64) -> u32 {
        self.lap(index).wrapping_add(1) & self.lap_mask()
    }

    /// By how many rounds `lap` is ahead of the round of `index`; negative when it is behind.
    #[inline]
    pub const fn laps_ahead(&self, lap: u32, index: u64) -> i32 {
        let mask = self.lap_mask();
        let d = lap.wrapping_sub(self.lap(index)) & mask;
        if d > mask >> 1 {
            d as i32 - mask as i32 - 1
        } else {
            d as i32
        }
    }

    /// The cursor behind a claim of `len <= C` units at `cursor`.
    #[inline]
    pub const fn advance(&self, cursor: Cursor, len: u32) -> Cursor {
        let sum = cursor.pos() + len;
        let pos = if sum >= 2 * self.capacity { sum - 2 * self.capacity } else { sum };
        Cursor::new(pos, cursor.index() + 1)
    }

    /// Units between `head` and `tail`; more than `C` only if the two don't belong together.
    #[inline]
    pub const fn used(&self, tail: Cursor, head: Cursor) -> u32 {
        let (t, h) = (tail.pos(), head.pos());
        if t >= h {
            t - h
        } else {
            // A hostile head may lie above 2C; wrapping keeps this total.
            t.wrapping_add(2 * self.capacity).wrapping_sub(h)
        }
    }

    /// Offset of a cursor in the data area, in units.
    #[inline]
    pub const fn offset(&self, cursor: Cursor) -> u32 {
        let pos = cursor.pos();
        if pos >= self.capacity {
            pos - self.capacity
        } else {
            pos
        }
    }

    /// Units from a cursor to the end of the data area: the longest claim without a pad.
    #[inline]
    pub const fn room(&self, cursor: Cursor) -> u32 {
        self.capacity - self.offset(cursor)
    }

    /// Whether a cursor's position is one that this ring can have.
    #[inline]
    pub const fn contains(&self, cursor: Cursor) -> bool {
        cursor.pos() < 2 * self.capacity
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_word_gives_back_what_was_packed() {
        for state in [State::Free, State::Claimed, State::Committed, State::Aborted] {
            let word = SlotWord::new((1 << 26) - 1, state, 255, (1 << 28) - 1);
            assert_eq!(
                (word.lap(), word.state(), word.owner(), word.len()),
                ((1 << 26) - 1, state, 255, (1 << 28) - 1)
            );
            assert_eq!(
                word.with_state(State::Aborted),
                SlotWord::new(word.lap(), State::Aborted, 255, word.len())
            );
        }
        assert_eq!(SlotWord::free(0).0, 0, "a zeroed region is a valid empty ring");
    }

    #[test]
    fn positions_wrap_at_twice_the_capacity() {
        let g = Geometry::new(5, 4).unwrap();
        let start = Cursor::new(9, (1 << 36) - 1);
        let next = g.advance(start, 4);
        assert_eq!((next.pos(), next.index()), (3, 0));
        assert_eq!(g.used(next, start), 4);
        assert_eq!(next.claims_since(start), 1);
        assert_eq!(g.offset(start), 4);
        assert_eq!(g.room(start), 1);
    }

    #[test]
    fn laps_compare_across_their_wrap() {
        for slots in [2, 1024, 1 << 16] {
            let g = Geometry::new(1 << 10, slots).unwrap();
            let last = (1u64 << 36) - 1;
            assert_eq!(g.next_lap(last), 0);
            assert_eq!(g.laps_ahead(g.lap(last), last), 0);
            assert_eq!(g.laps_ahead(0, last), 1);
            assert_eq!(g.laps_ahead(g.lap(last), 0), -1);
        }
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for (capacity, slots) in [(0, 2), (MAX_CAPACITY + 1, 2), (1, 0), (1, 1), (1, 3), (1, 2 * MAX_SLOTS)] {
            assert_eq!(Geometry::new(capacity, slots), None, "{capacity} units, {slots} slots");
        }
        assert!(Geometry::new(MAX_CAPACITY, MAX_SLOTS).is_some());
    }
}
