//! Entries into the ring, piece by piece: a frame's payload is copied from the socket's buffer to where the consumer reads it.
//!
//! Owns what an entry is and how far the present one is. Does not own the socket; whoever calls it has the pieces.

use std::sync::atomic::Ordering;
use std::time::Duration;

use frame_ring::{mono_ns, ClaimError, Class, Descriptor, Flags, Grant, Producer, Refusal};
use frame_ring_core::lane::{
    Counters, PageClock, Record, TrackNews, What, COUNTER_BYTES, NOTE_BYTES, RECORD_BYTES, TRACK_BYTES,
};

use super::tracks::Tracks;
use super::BridgeError;

/// How long a claim waits before others get a turn.
const TURN: Duration = Duration::from_millis(20);

/// A frame that is being taken.
#[derive(Debug)]
struct Arriving<'p> {
    grant: Grant<'p>,
    about: Descriptor,
    /// The page's number of its track.
    number: u32,
}

/// What an entry came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Bytes that it counts for, by the page's account; 0 until it is complete.
    pub(super) bytes: u64,
    /// Something for whoever runs this.
    pub(super) note: Option<String>,
    /// A frame that was longer than this ring takes.
    pub(super) too_long: Option<ClaimError>,
}

/// The entries of a page.
#[derive(Debug)]
pub(super) struct Intake<'p> {
    producer: &'p Producer,
    tracks: Tracks<'p>,
    clock: PageClock,
    /// The record of the present entry: its first `filled` bytes.
    record: [u8; RECORD_BYTES],
    filled: usize,
    /// The same, read, once it is complete.
    entry: Option<Record>,
    /// Bytes of payload that were taken.
    at: usize,
    /// Where they go if the entry is a frame.
    frame: Option<Arriving<'p>>,
    /// Where they go otherwise, as far as they count.
    small: Vec<u8>,
    too_long: Option<ClaimError>,
}

impl<'p> Intake<'p> {
    pub(super) fn new(producer: &'p Producer) -> Self {
        Self {
            producer,
            tracks: Tracks::new(producer),
            clock: PageClock::default(),
            record: [0; RECORD_BYTES],
            filled: 0,
            entry: None,
            at: 0,
            frame: None,
            small: Vec::with_capacity(NOTE_BYTES),
            too_long: None,
        }
    }

    /// The page's tracks.
    pub(super) fn tracks(&mut self) -> &mut Tracks<'p> {
        &mut self.tracks
    }

    /// Takes bytes of a message. Returns how many: fewer than there are while the ring has no room.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, BridgeError> {
        let count = match self.entry {
            Some(_) => 0,
            None => bytes.len().min(RECORD_BYTES - self.filled),
        };
        self.record[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        if self.entry.is_none() && self.filled == RECORD_BYTES && !self.begin()? {
            // The last byte of the record is taken when there is room for its frame.
            self.filled -= 1;
            return Ok(count - 1);
        }
        self.take_payload(&bytes[count..])?;
        Ok(bytes.len())
    }

    fn take_payload(&mut self, bytes: &[u8]) -> Result<(), BridgeError> {
        let Some(entry) = &self.entry else { return Ok(()) };
        let end = self.at + bytes.len();
        if end as u64 > u64::from(entry.payload_len()) {
            return Err(length(entry, end));
        }
        let fitting = |room: usize| &bytes[..bytes.len().min(room.saturating_sub(self.at))];
        match &mut self.frame {
            Some(Arriving { grant, .. }) => grant.write_at(self.at.min(grant.len()), fitting(grant.len())),
            None => self.small.extend(fitting(NOTE_BYTES)),
        }
        self.at = end;
        Ok(())
    }

    /// The message has ended.
    pub(super) fn end(&mut self) -> Result<Taken, BridgeError> {
        let Some(entry) = self.entry.take() else {
            return Err(BridgeError::Length { expected: RECORD_BYTES as u32, found: self.filled as u64 });
        };
        let at = std::mem::take(&mut self.at);
        if at as u64 != u64::from(entry.payload_len()) {
            return Err(length(&entry, at));
        }
        self.filled = 0;
        if let Some(Arriving { grant, about, number }) = self.frame.take() {
            grant.commit(&about).map_err(BridgeError::Commit)?;
            self.tracks.count(number, &about, true);
        }
        let bytes = u64::from(entry.bytes).next_multiple_of(64);
        let mut taken = Taken { bytes, too_long: self.too_long.take(), note: None };
        match entry.what {
            What::Track => self.tracks.news(&TrackNews::parse(&self.small::<TRACK_BYTES>()))?,
            What::Counters => self.tracks.counters(&Counters::parse(&self.small::<COUNTER_BYTES>())),
            What::Note => taken.note = Some(printable(&self.small)),
            What::Frame | What::Time => {}
        }
        self.small.clear();
        Ok(taken)
    }

    /// Begins with what the record says; false if there is no room in the ring.
    fn begin(&mut self) -> Result<bool, BridgeError> {
        let record = Record::parse(&self.record).map_err(BridgeError::Record)?;
        let now = mono_ns();
        self.clock.observe(record.sent_ns, now);
        if record.what != What::Frame {
            self.entry = Some(record);
            return Ok(true);
        }
        let room = u64::from(record.payload_len());
        let sent = Descriptor::decode(&record.descriptor, room).map_err(BridgeError::Descriptor)?;
        let number = sent.track;
        let mut about = self.tracks.describe(&sent)?;
        about.mono_ns = self.clock.to_mono(about.mono_ns);
        if about.mono_ns == 0 {
            about.mono_ns = now;
            about.flags |= Flags::ESTIMATED_TS;
        }
        let class = Class::of(about.kind());
        match self.producer.claim_timeout(about.payload_len as usize, class, TURN) {
            Ok(grant) => self.frame = Some(Arriving { grant, about, number }),
            Err(ClaimError::Full(why)) => {
                self.uncount(why);
                return Ok(false);
            }
            Err(why @ ClaimError::TooLong { .. }) => {
                self.tracks.count(number, &about, false);
                self.too_long = Some(why);
            }
            Err(why) => return Err(BridgeError::Ring(why)),
        }
        self.entry = Some(record);
        Ok(true)
    }

    /// A claim that waited in vain was counted as a drop, but will be tried again.
    fn uncount(&self, why: Refusal) {
        let entry = self.producer.port().entry();
        match why {
            Refusal::FullBytes => entry.full_bytes.fetch_sub(1, Ordering::Relaxed),
            Refusal::FullSlots => entry.full_slots.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// The beginning of the payload. That it is long enough was seen in the record.
    fn small<const N: usize>(&self) -> [u8; N] {
        std::array::from_fn(|at| self.small.get(at).copied().unwrap_or(0))
    }
}

fn length(record: &Record, at: usize) -> BridgeError {
    BridgeError::Length { expected: record.bytes, found: (RECORD_BYTES + at) as u64 }
}

/// A note as it may be shown on a terminal.
fn printable(bytes: &[u8]) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    String::from_utf8_lossy(bytes).chars().map(clean).collect()
}
