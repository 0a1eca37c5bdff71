//! One track of a producer: sends its frames. The numbers are kept by `frame_ring_core::series`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use frame_ring_core::claim::Class;
use frame_ring_core::region::Region;
use frame_ring_core::series::Series;
use frame_ring_core::tracks::{self, Demand, TrackInfo, TracksFull};

use super::error::SendError;
use super::grant::Grant;
use super::media::{Picture, Sound};
use super::Producer;
use crate::sys::clock;
use crate::{Body, Descriptor, Flags};

/// A series of frames of one source.
///
/// `Send`; one thread at a time feeds it (`&mut self`). Dropping it ends the track. Frames that could not be sent are
/// counted, and the next one that goes through says so in `dropped_before`, with [`Flags::DISCONT`].
#[derive(Debug)]
pub struct Track {
    producer: Producer,
    series: Series,
    /// How long to wait for room.
    patience: Duration,
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
        let id = tracks::open(producer.region(), producer.id(), info)?;
        Ok(Self { producer, series: Series::new(id), patience: Duration::ZERO })
    }

    /// The id in the descriptors of its frames.
    pub fn id(&self) -> u32 {
        self.series.id()
    }

    /// The producer that it belongs to.
    pub fn producer(&self) -> &Producer {
        &self.producer
    }

    /// What the consumer wants of the track. Ask before a costly capture; the `send` functions ask by themselves.
    pub fn demand(&self) -> Demand {
        self.series.demand(self.region())
    }

    /// Whether the consumer wants a frame now: the track at all, and at this rate.
    pub fn wants_now(&self) -> bool {
        self.series.wants_at(self.region(), clock::mono_ns())
    }

    /// From now on every frame waits so long for room in a full ring before it is dropped. Zero, as in the beginning, is
    /// for live capture: what cannot be sent now is stale. Long is for files that are to arrive complete.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Replaces what is said of the track: another person in it, another name.
    pub fn set_info(&mut self, info: &TrackInfo) {
        if let Some(entry) = tracks::find(self.region(), self.id()) {
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
        if !self.series.wants_at(self.region(), now) {
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
        if !self.demand().wanted && Class::of(template.kind()) != Class::Event {
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
        let descriptor = self.series.describe(template, body, now);
        // Formats are checked to describe less than 4 GiB.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let class = Class::of(descriptor.kind());
        let claimed = match self.patience {
            Duration::ZERO => self.producer.try_claim(len, class),
            patience => self.producer.claim_timeout(len, class, patience),
        };
        let committed = claimed.map_err(SendError::from).and_then(|mut grant| {
            write(&mut grant);
            grant.commit(&descriptor).map_err(SendError::from)
        });
        match committed {
            Ok(()) => self.series.count_sent(self.producer.region(), &body, len as u64, now),
            Err(_) => self.series.count_dropped(self.producer.region()),
        }
        committed.map(|()| Sent::Committed)
    }

    fn count_unwanted(&mut self) -> Sent {
        self.series.count_unwanted(self.producer.region());
        self.producer.port().entry().unwanted.fetch_add(1, Ordering::Relaxed);
        Sent::Unwanted
    }

    fn region(&self) -> &Region {
        self.producer.region()
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        if let Some(entry) = tracks::find(self.region(), self.id()) {
            entry.end();
        }
    }
}
