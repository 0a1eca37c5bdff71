//! What came on each incarnation of each track, frame by frame.

use std::collections::BTreeMap;

use frame_ring::{mono_ns, Body, Consumer, Descriptor, Flags, Frame, Kind};

use super::checks::{Check, Checks};
use super::formats;
use super::process::launch_of;
use super::stamp::{Origin, Stamp};
use crate::check::sequence::Sequence;
use crate::commands::bench::histogram::Histogram;

/// A track: the id of its producer, and its own.
pub type Key = (u8, u32);

/// What came on one incarnation of a track.
#[derive(Debug, Default)]
pub struct Account {
    origin: Option<Origin>,
    /// Frames, the record of the track's end among them.
    pub received: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the last one.
    pub last_bytes: u64,
    /// The last one's number.
    last_sequence: Option<u64>,
    sequence: Sequence,
    format: Option<Body>,
    ended: bool,
}

/// A producer process, as its frames show it.
#[derive(Debug)]
struct Source {
    launch: u32,
    serial: Option<u64>,
    claim: Option<u64>,
}

/// What came on every track that is open, and some figures of all frames.
#[derive(Debug)]
pub struct Books {
    accounts: BTreeMap<Key, Account>,
    sources: BTreeMap<u8, Source>,
    /// Latencies of pictures, and of sound.
    pub latency: [Histogram; 2],
    /// Changes of the format in the middle of a track.
    pub format_changes: u64,
    /// Frames so far.
    pub frames: u64,
    /// Drops that they have told of.
    pub told: u64,
}

impl Books {
    /// Nothing came yet.
    pub fn new() -> Self {
        Self {
            accounts: BTreeMap::new(),
            sources: BTreeMap::new(),
            latency: [Histogram::new(), Histogram::new()],
            format_changes: 0,
            frames: 0,
            told: 0,
        }
    }

    /// Takes note of a frame. Returns what its bytes must be, if it has any.
    pub fn take(&mut self, ring: &Consumer, frame: &Frame, checks: &Checks) -> Option<Stamp> {
        let about = frame.descriptor();
        let key = (frame.producer(), about.track);
        self.frames += 1;
        self.told += u64::from(about.dropped_before);
        let source = self.sources.entry(key.0).or_insert_with(|| Source::of(ring, key.0));
        checks.note(Check::Order, source.take_claim(frame.claim_index()));
        let account = self.accounts.entry(key).or_default();
        checks.note(Check::InBand, account.count(about));
        if about.kind() == Kind::Event {
            checks.note(Check::Order, account.end(about));
            return None;
        }
        let bytes = frame.payload();
        let stamp = match Stamp::of(bytes.as_slice().unwrap_or_default()) {
            Ok(stamp) => stamp,
            Err(why) => {
                checks.note(
                    Check::Content,
                    Err::<(), _>(format!("frame {} of track {key:?}: {why}", about.sequence)),
                );
                return None;
            }
        };
        checks.note(Check::Order, source.take_serial(&stamp));
        checks.note(Check::Content, account.compare(about, &stamp, source.launch));
        self.format_changes += u64::from(about.flags.contains(Flags::FORMAT_CHANGED));
        self.latency[usize::from(stamp.origin.part > 0)].add(mono_ns().saturating_sub(about.mono_ns));
        Some(stamp)
    }

    /// Takes the account of a track that has ended out of the books; that of one on which nothing came is empty.
    pub fn close(&mut self, key: Key) -> Account {
        self.accounts.remove(&key).unwrap_or_default()
    }

    /// A producer is gone and its tracks were closed. Returns those that nobody has closed.
    pub fn forget(&mut self, producer: u8) -> Vec<Key> {
        self.sources.remove(&producer);
        let left: Vec<Key> = self.accounts.keys().copied().filter(|key| key.0 == producer).collect();
        self.accounts.retain(|key, _| key.0 != producer);
        left
    }
}

impl Source {
    fn of(ring: &Consumer, id: u8) -> Self {
        let producers = ring.producer_stats();
        let label =
            producers.iter().find(|(found, _)| *found == id).map(|(_, stats)| stats.label.to_string());
        let launch = label.and_then(|label| launch_of(&label)).unwrap_or(u32::MAX);
        Self { launch, serial: None, claim: None }
    }

    fn take_claim(&mut self, claim: u64) -> Result<(), String> {
        match self.claim.replace(claim) {
            Some(before) if before >= claim => {
                Err(format!("process {}: claim {claim} came after claim {before}", self.launch))
            }
            _ => Ok(()),
        }
    }

    fn take_serial(&mut self, stamp: &Stamp) -> Result<(), String> {
        match self.serial.replace(stamp.serial) {
            Some(before) if before >= stamp.serial => {
                Err(format!("process {}: frame {} came after frame {before}", self.launch, stamp.serial))
            }
            _ => Ok(()),
        }
    }
}

impl Account {
    /// Drops that its frames have told of.
    pub fn told(&self) -> u64 {
        self.sequence.dropped()
    }

    /// Frames that were sent or dropped up to the last one that came.
    pub fn numbers(&self) -> u64 {
        self.last_sequence.map_or(0, |last| last + 1)
    }

    fn count(&mut self, about: &Descriptor) -> Result<(), String> {
        let is_first = self.received == 0;
        self.received += 1;
        self.last_bytes = about.payload_len.into();
        self.bytes += self.last_bytes;
        let lost = self.sequence.lost();
        self.sequence.take(about).map_err(|why| format!("track {}: {why}", about.track))?;
        self.last_sequence = Some(about.sequence);
        let wrong = |what: &str| Err(format!("track {}, frame {}: {what}", about.track, about.sequence));
        if self.sequence.lost() > lost {
            return wrong("frames before it are missing without a word");
        }
        if (is_first || about.dropped_before > 0) && !about.flags.contains(Flags::DISCONT) {
            return wrong("it does not say that it does not follow on");
        }
        Ok(())
    }

    fn end(&mut self, about: &Descriptor) -> Result<(), String> {
        let is_end = about.flags.contains(Flags::EOS) && about.payload_len == 0;
        if !is_end || std::mem::replace(&mut self.ended, true) {
            return Err(format!("track {}: an event that is no end", about.track));
        }
        Ok(())
    }

    /// Compares what is said of a frame with its stamp.
    fn compare(&mut self, about: &Descriptor, stamp: &Stamp, launch: u32) -> Result<(), String> {
        let origin = *self.origin.get_or_insert(stamp.origin);
        let changed = self.format.replace(about.body).is_some_and(|before| before != about.body);
        let what = if stamp.origin != origin || origin.launch != launch || origin.track != about.track {
            "it belongs to another track"
        } else if about.source != u32::from(origin.participant) {
            "it belongs to another participant"
        } else if stamp.offered != about.sequence + stamp.unwanted {
            "its number is not that of its stamp"
        } else if stamp.len != about.payload_len {
            "its length is not that of its stamp"
        } else if !formats::is_known(origin.part.into(), &about.body) {
            "it has a format that nobody made"
        } else if changed != about.flags.contains(Flags::FORMAT_CHANGED) {
            "its flag for a changed format is wrong"
        } else if self.ended {
            "it came after the end of its track"
        } else {
            return Ok(());
        };
        Err(format!("{stamp:?}, {about:?}: {what}"))
    }
}
