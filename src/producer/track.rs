//! One track of a producer: numbers its frames, carries its drops, honours the consumer's demand.

use std::sync::atomic::Ordering;
use std::time::Duration;

use frame_ring_core::claim::Class;
use frame_ring_core::layout::TrackEntry;
use frame_ring_core::tracks::{self, Demand, TrackInfo, TracksFull};

use super::error::SendError;
use super::grant::Grant;
use super::media::{Picture, Sound};
use super::Producer;
use crate::consumer::recv::class_of;
use crate::sys::clock;
use crate::{Body, Descriptor, Flags};

/// A series of frames of one source.
///
/// `Send`; one thread at a time feeds it (`&mut self`). Dropping it ends the track. Frames that could not be sent are
/// counted, and the next one that goes through says so in `dropped_before`, with [`Flags::DISCONT`].
#[derive(Debug)]
pub struct Track {
    producer: Producer,
    id: u32,
    sequence: u64,
    dropped: u32,
    discont: bool,
    /// When the last frame was sent that counts against the greatest rate.
    last_ns: u64,
    /// How long to wait for room.
    patience: Duration,
    /// The format of the last picture or block of sound that was sent.
    format: Option<Body>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is in the ring.
    Committed,
    /// The consumer does not want it; nothing was copied.
    Unwanted,
}

impl Track {
    pub(super) fn open(producer: Producer, info: &TrackInfo) -> Result<Self, TracksFull> {
        let id = tracks::open(producer.link.ring.memory.region(), producer.id(), info)?;
        Ok(Self {
            producer,
            id,
            sequence: 0,
            dropped: 0,
            discont: true,
            last_ns: 0,
            patience: Duration::ZERO,
            format: None,
        })
    }

    /// The id in the descriptors of its frames.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The producer that it belongs to.
    pub fn producer(&self) -> &Producer {
        &self.producer
    }

    /// What the consumer wants of the track. Ask before a costly capture; the `send` functions ask by themselves.
    pub fn demand(&self) -> Demand {
        self.entry().map_or(Demand::NONE, TrackEntry::demand)
    }

    /// Whether the consumer wants a frame now: the track at all, and at this rate.
    pub fn wants_now(&self) -> bool {
        self.wants_at(clock::mono_ns())
    }

    /// From now on every frame waits so long for room in a full ring before it is dropped. Zero, as in the beginning, is
    /// for live capture: what cannot be sent now is stale. Long is for files that are to arrive complete.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Replaces what is said of the track: another person in it, another name.
    pub fn set_info(&mut self, info: &TrackInfo) {
        if let Some(entry) = self.entry() {
            entry.write_info(info);
        }
    }

    /// Copies a picture into the ring, in one pass, if it is wanted.
    ///
    /// Of `template` the times, flags, source id and extensions are used. Sequence, drops, changes of the format and, if it is zero,
    /// `mono_ns` are filled in.
    pub fn send_video(&mut self, picture: &Picture<'_>, template: &Descriptor) -> Result<Sent, SendError> {
        picture.check()?;
        let now = clock::mono_ns();
        if !self.wants_at(now) {
            return Ok(self.count_unwanted());
        }
        let body = Body::Video(picture.format);
        self.send_with(body, picture.format.payload_len(), template, now, |grant| picture.write(grant))
    }

    /// Copies a block of sound into the ring, in one pass, if the track is wanted.
    pub fn send_audio(&mut self, sound: &Sound<'_>, template: &Descriptor) -> Result<Sent, SendError> {
        sound.check()?;
        if !self.demand().wanted {
            return Ok(self.count_unwanted());
        }
        let (body, len) = (Body::Audio(sound.format), sound.format.payload_len());
        self.send_with(body, len, template, clock::mono_ns(), |grant| sound.write(grant))
    }

    /// Copies bytes into the ring as a frame of the track, whatever its descriptor says they are, if it is wanted.
    pub fn send_bytes(&mut self, bytes: &[u8], template: &Descriptor) -> Result<Sent, SendError> {
        if !self.demand().wanted && class_of(template.kind()) != Class::Event {
            return Ok(self.count_unwanted());
        }
        let len = bytes.len() as u64;
        self.send_with(template.body, len, template, clock::mono_ns(), |grant| grant.write_at(0, bytes))
    }

    /// Sends a frame of `len` bytes that `write` makes in place, if the track is wanted: for decoders and scalers that
    /// can write their result straight into the ring.
    pub fn send_in_place(
        &mut self,
        len: usize,
        template: &Descriptor,
        write: impl FnOnce(&mut Grant<'_>),
    ) -> Result<Sent, SendError> {
        if !self.demand().wanted {
            return Ok(self.count_unwanted());
        }
        self.send_with(template.body, len as u64, template, clock::mono_ns(), write)
    }

    /// Says that the track ends: its last record, an empty frame with [`Flags::EOS`]. It is not subject to demand, and
    /// not lost to a full ring before events are.
    pub fn finish(mut self) -> Result<(), SendError> {
        let template = Descriptor { flags: Flags::EOS, ..Descriptor::event(Default::default()) };
        self.send_with(template.body, 0, &template, clock::mono_ns(), |_| {}).map(drop)
    }

    fn send_with(
        &mut self,
        body: Body,
        len: u64,
        template: &Descriptor,
        now: u64,
        write: impl FnOnce(&mut Grant<'_>),
    ) -> Result<Sent, SendError> {
        let descriptor = self.describe(body, template, now);
        // Formats are checked to describe less than 4 GiB.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let class = class_of(descriptor.kind());
        let claimed = match self.patience {
            Duration::ZERO => self.producer.try_claim(len, class),
            patience => self.producer.claim_timeout(len, class, patience),
        };
        let committed = claimed.map_err(SendError::from).and_then(|mut grant| {
            write(&mut grant);
            grant.commit(&descriptor).map_err(SendError::from)
        });
        match committed {
            Ok(()) => {
                self.count_sent(len as u64, now);
                if matches!(body, Body::Video(_) | Body::Audio(_)) {
                    self.format = Some(body);
                }
            }
            Err(_) => self.count_dropped(),
        }
        committed.map(|()| Sent::Committed)
    }

    fn describe(&self, body: Body, template: &Descriptor, now: u64) -> Descriptor {
        let mut descriptor = *template;
        descriptor.body = body;
        descriptor.track = self.id;
        descriptor.sequence = self.sequence;
        descriptor.dropped_before = self.dropped;
        if descriptor.mono_ns == 0 {
            descriptor.mono_ns = now;
            descriptor.flags |= Flags::ESTIMATED_TS;
        }
        if self.dropped > 0 || self.discont {
            descriptor.flags |= Flags::DISCONT;
        }
        if self.format.is_some_and(|last| is_another_format(&last, &body)) {
            descriptor.flags |= Flags::FORMAT_CHANGED;
        }
        descriptor
    }

    fn wants_at(&self, now: u64) -> bool {
        let demand = self.demand();
        if !demand.wanted {
            return false;
        }
        if demand.max_fps_milli == 0 || self.last_ns == 0 {
            return true;
        }
        // A quarter of the interval early is on time: cameras jitter, and a frame missed halves the rate.
        let interval = 1_000_000_000_000 / u64::from(demand.max_fps_milli);
        now.saturating_sub(self.last_ns) >= interval - interval / 4
    }

    fn entry(&self) -> Option<&TrackEntry> {
        tracks::find(self.producer.link.ring.memory.region(), self.id)
    }

    fn count_sent(&mut self, bytes: u64, now: u64) {
        self.sequence += 1;
        self.dropped = 0;
        self.discont = false;
        self.last_ns = now;
        if let Some(entry) = self.entry() {
            entry.sent.fetch_add(1, Ordering::Relaxed);
            entry.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn count_dropped(&mut self) {
        self.sequence += 1;
        self.dropped = self.dropped.saturating_add(1);
        if let Some(entry) = self.entry() {
            entry.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count_unwanted(&mut self) -> Sent {
        // What is wanted again does not follow on what was sent last.
        self.discont |= !self.demand().wanted;
        if let Some(entry) = self.entry() {
            entry.unwanted.fetch_add(1, Ordering::Relaxed);
        }
        self.producer.entry().unwanted.fetch_add(1, Ordering::Relaxed);
        Sent::Unwanted
    }
}

/// Whether a decoder or a file that was set up for `last` cannot go on with `next`.
fn is_another_format(last: &Body, next: &Body) -> bool {
    match (last, next) {
        (Body::Video(last), Body::Video(next)) => last != next,
        // Blocks may differ in length and always differ in position.
        (Body::Audio(last), Body::Audio(next)) => {
            (last.sample, last.planar, last.channels, last.rate, last.channel_mask)
                != (next.sample, next.planar, next.channels, next.rate, next.channel_mask)
        }
        _ => false,
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        if let Some(entry) = self.entry() {
            entry.end();
        }
    }
}
