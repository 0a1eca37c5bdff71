//! What is written where: one kind of garbage for each thing in the shared memory, at random and at the edges of what the
//! words mean.

use std::sync::atomic::Ordering::Relaxed;

use frame_ring::{
    AudioFormat, Body, Descriptor, EncodedFormat, EventInfo, Extensions, FourCc, SampleFormat, VideoFormat,
};
use frame_ring_core::arena::Arena;
use frame_ring_core::layout::{Layout, ProducerEntry, Slot, TrackEntry, PRODUCERS_OFFSET, TRACKS_OFFSET};
use frame_ring_core::word::{Cursor, Geometry, SlotWord, State};

use crate::support::raw::Raw;
use crate::support::Random;

/// A kind of garbage. Those that break the chain of claims, and so end a ring soon, come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any word of the region.
    Anything,
    /// `tail`: back, ahead, outside.
    Tail,
    /// `head`, the same.
    Head,
    /// Slot words of other rounds.
    Laps,
    /// Slot words of the round that is due, with lengths around every limit.
    Lengths,
    /// Slots in a row that claim more than there is, so that they point over each other.
    Overlaps,
    /// Slot words that are there, with another state or owner.
    States,
    /// Now this, now that.
    Mixed,
    /// The header, which was read once.
    Header,
    /// `wake`, `space` and at times `closed`.
    Wakes,
    /// When frames were taken, and what is reserved.
    Times,
    /// The producer table.
    Producers,
    /// The track table: ids, owners, states, versions left odd, names without end.
    Tracks,
    /// Any words as descriptors.
    Descriptors,
    /// Descriptors that are true but for one field, of all kinds of frames.
    Formats,
    /// Payloads.
    Payloads,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::Anything,
        Self::Tail,
        Self::Head,
        Self::Laps,
        Self::Lengths,
        Self::Overlaps,
        Self::States,
        Self::Mixed,
        Self::Header,
        Self::Wakes,
        Self::Times,
        Self::Producers,
        Self::Tracks,
        Self::Descriptors,
        Self::Formats,
        Self::Payloads,
    ];

    pub fn from_name(name: &str) -> Self {
        *Self::ALL.iter().find(|kind| format!("{kind:?}") == name).expect("a kind")
    }

    /// Whether it never touches what says where frames lie: such garbage must not poison a ring.
    pub fn spares_the_chain(self) -> bool {
        self as usize >= Self::Header as usize
    }

    /// Whether it touches neither frames nor what is said of them: honest ones must arrive whole and in order.
    pub fn spares_frames(self) -> bool {
        matches!(self, Self::Header | Self::Wakes | Self::Times | Self::Producers | Self::Tracks)
    }
}

/// A writer of garbage.
pub struct Scribbler<'a> {
    raw: &'a Raw,
    random: Random,
    layout: Layout,
    geometry: Geometry,
    /// True descriptors of all kinds, to be spoilt.
    models: Vec<[u64; 24]>,
}

impl<'a> Scribbler<'a> {
    pub fn new(raw: &'a Raw, seed: u64) -> Self {
        let layout = *raw.region.layout();
        let models = models().iter().map(|model| *model.encode().expect("a true one").words()).collect();
        Self { raw, random: Random::new(seed), layout, geometry: layout.geometry, models }
    }

    /// Writes a word, or a few that belong together. Returns how many.
    pub fn scribble(&mut self, kind: Kind) -> u64 {
        match kind {
            Kind::Anything => self.anywhere(0, 8 * self.raw.words().len() as u64),
            Kind::Tail => self.cursor(true),
            Kind::Head => self.cursor(false),
            Kind::Laps => self.lap(),
            Kind::Lengths => self.length(),
            Kind::Overlaps => self.overlap(),
            Kind::States => self.state(),
            Kind::Mixed => match Kind::ALL[self.below(Kind::ALL.len() as u64) as usize] {
                Kind::Mixed => 0,
                kind => self.scribble(kind),
            },
            Kind::Header => self.anywhere(0, 4096),
            Kind::Wakes => self.wake(),
            Kind::Times => {
                let at = self.slot_offset() + 8 * (1 + self.below(7));
                self.put(at)
            }
            Kind::Producers => self.producer(),
            Kind::Tracks => self.track(),
            Kind::Descriptors => {
                let at = self.slot_offset() + 64 + 8 * self.below(24);
                self.put(at)
            }
            Kind::Formats => self.format(),
            Kind::Payloads => self.anywhere(self.layout.data_offset, self.layout.data_bytes()),
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.below(end)
    }

    /// Values at the edges of what the words mean are likelier to do harm than random ones.
    fn value(&mut self) -> u64 {
        match self.below(6) {
            0 => self.random.word(),
            1 => 0,
            2 => u64::MAX,
            3 => self.below(256),
            4 => 1 << self.below(64),
            _ => self.random.word() & self.random.word() & self.random.word(),
        }
    }

    /// Writes some value to the word at a byte offset.
    fn put(&mut self, offset: u64) -> u64 {
        let value = self.value();
        self.raw.words()[(offset / 8) as usize].store(value, Relaxed);
        1
    }

    fn anywhere(&mut self, start: u64, bytes: u64) -> u64 {
        let at = start + 8 * self.below(bytes / 8);
        self.put(at)
    }

    fn slot_offset(&mut self) -> u64 {
        self.layout.slots_offset + size_of::<Slot>() as u64 * self.below(self.geometry.slots().into())
    }

    /// The index of a claim that is about to be made, or was made a moment ago.
    fn near(&mut self) -> u64 {
        let tail = Cursor(self.raw.region.control().tail.0.load(Relaxed));
        Cursor::new(0, tail.index().wrapping_add(self.below(6)).wrapping_sub(3)).index()
    }

    fn any_state(&mut self) -> State {
        [State::Free, State::Claimed, State::Committed, State::Aborted][self.below(4) as usize]
    }

    fn claim(&mut self, index: u64, lap: u32, len: u32) -> u64 {
        let word = SlotWord::new(lap, self.any_state(), self.below(256) as u8, len);
        self.raw.region.word(self.geometry.slot(index)).store(word.0, Relaxed);
        1
    }

    fn cursor(&mut self, tail: bool) -> u64 {
        let control = self.raw.region.control();
        let cursor = if tail { &control.tail.0 } else { &control.head.0 };
        let was = Cursor(cursor.load(Relaxed));
        let capacity = u64::from(self.geometry.capacity());
        let pos = match self.below(5) {
            0 => was.pos(),
            1 => self.below(2 * capacity) as u32,
            2 => (2 * capacity - 1) as u32,
            3 => (2 * capacity) as u32,
            _ => (1 << 28) - 1,
        };
        let index = match self.below(4) {
            0 => was.index(),
            1 => was.index().wrapping_add(self.below(5)).wrapping_sub(2),
            2 => was.index().wrapping_add(self.geometry.slots().into()),
            _ => self.value(),
        };
        let value = if self.below(8) == 0 { self.value() } else { Cursor::new(pos, index).0 };
        cursor.store(value, Relaxed);
        1
    }

    fn lap(&mut self) -> u64 {
        let index = self.near();
        let due = self.geometry.lap(index);
        let lap = match self.below(5) {
            0 => due.wrapping_add(1),
            1 => due.wrapping_sub(1),
            2 => due ^ 1 << self.below(26),
            3 => (1 << 26) - 1,
            _ => self.random.word() as u32,
        };
        let len = self.below(8) as u32;
        self.claim(index, lap & ((1 << 26) - 1), len)
    }

    fn length(&mut self) -> u64 {
        let index = self.near();
        let capacity = self.geometry.capacity();
        let tail = Cursor(self.raw.region.control().tail.0.load(Relaxed));
        // Somebody may have moved it to a place that the ring does not have.
        let room = self.geometry.room(Cursor::new(tail.pos() % (2 * capacity), 0));
        let lens = [0, 1, room.saturating_sub(1), room, room + 1, capacity, capacity + 1, (1 << 28) - 1];
        let len = lens[self.below(8) as usize];
        self.claim(index, self.geometry.lap(index), len)
    }

    fn overlap(&mut self) -> u64 {
        let first = self.near();
        for step in 0..4 {
            let index = Cursor::new(0, first + step).index();
            let len = 1 + self.below(self.geometry.capacity().into()) as u32;
            let word = SlotWord::new(self.geometry.lap(index), State::Committed, self.raw.owner, len);
            self.raw.region.word(self.geometry.slot(index)).store(word.0, Relaxed);
        }
        4
    }

    fn state(&mut self) -> u64 {
        let slot = self.below(self.geometry.slots().into()) as u32;
        let word = self.raw.region.word(slot);
        let seen = SlotWord(word.load(Relaxed));
        let owner = if self.below(2) == 0 { seen.owner() } else { self.below(256) as u8 };
        let state = self.any_state();
        word.store(SlotWord::new(seen.lap(), state, owner, seen.len()).0, Relaxed);
        1
    }

    fn wake(&mut self) -> u64 {
        let control = self.raw.region.control();
        let value = [0, 1, 2, 3, u32::MAX, self.random.word() as u32][self.below(6) as usize];
        match self.below(16) {
            // Closed for a moment only: it ends the traffic.
            0 => {
                control.closed.0.store(value, Relaxed);
                control.closed.0.store(0, Relaxed);
                return 2;
            }
            1..8 => control.wake.0.store(value, Relaxed),
            _ => control.space.0.store(value, Relaxed),
        }
        1
    }

    fn producer(&mut self) -> u64 {
        // Those that are connected more often than the others.
        let entries = [4, 256][self.below(2) as usize];
        let entry = self.below(entries);
        let words = size_of::<ProducerEntry>() as u64 / 8;
        let at = PRODUCERS_OFFSET + 8 * (words * entry + self.below(words));
        self.put(at)
    }

    fn track(&mut self) -> u64 {
        let entry = self.below(self.layout.tracks.into());
        let start = TRACKS_OFFSET + size_of::<TrackEntry>() as u64 * entry;
        let word = |offset: u64| &self.raw.words()[((start + offset) / 8) as usize];
        match self.below(4) {
            // State and version: live, and being written for ever.
            0 => word(0).store(2 | 0xffff_ffff << 32, Relaxed),
            // Id and owner.
            1 => {
                let id = self.below(6) | self.below(3) << 16;
                word(8).store(id | self.random.below(300) << 32, Relaxed);
            }
            // Names that don't end, and are no UTF-8.
            2 => {
                for offset in (32..128).step_by(8) {
                    word(offset).store(0xf4ff_bfc3_c080_e2f0, Relaxed);
                }
                return 12;
            }
            _ => return self.anywhere(start, size_of::<TrackEntry>() as u64),
        }
        1
    }

    fn format(&mut self) -> u64 {
        let model = self.below(self.models.len() as u64) as usize;
        let mut words = self.models[model];
        let (word, lane) = (self.below(24) as usize, 16 * self.below(4));
        let edge = [0, 1, 0x7f, 0x7fff, 0x8000, 0xffff, self.random.word() & 0xffff][self.below(7) as usize];
        words[word] = words[word] & !(0xffff << lane) | edge << lane;
        let slot = self.below(self.geometry.slots().into()) as u32;
        self.raw.region.write_descriptor(slot, &words);
        24
    }
}

/// A true descriptor of each kind, small enough for most frames.
pub fn models() -> Vec<Descriptor> {
    let mut extensions = Extensions::new();
    extensions.push_crc32c(7).expect("room");
    extensions.push_rtp_timestamp(8).expect("room");
    extensions.push(0x4001, b"application").expect("room");
    let picture =
        |fourcc, width, height| Body::Video(VideoFormat::packed(fourcc, width, height).expect("a format"));
    let bodies = [
        picture(FourCc::I420, 8, 4),
        picture(FourCc::NV12, 5, 3),
        picture(FourCc::RGBA, 3, 4),
        picture(FourCc::I420A, 4, 4),
        Body::Audio(AudioFormat::interleaved(SampleFormat::S16, 2, 48_000, 10)),
        Body::Audio(AudioFormat::planar(SampleFormat::F32, 2, 48_000, 7)),
        Body::EncodedVideo(EncodedFormat { codec: FourCc::VP08, ..EncodedFormat::default() }),
        Body::EncodedAudio(EncodedFormat { codec: FourCc::OPUS, ..EncodedFormat::default() }),
        Body::Event(EventInfo::default()),
        Body::Opaque,
    ];
    bodies.map(|body| Descriptor { track: 1, pts_ns: Some(5), extensions, ..Descriptor::new(body) }).into()
}
