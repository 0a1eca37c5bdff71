//! A page's tracks in the ring: numbers become ids, news of them become table entries, the consumer's demand becomes
//! messages.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use frame_ring::{Class, Demand, Descriptor, Flags, Producer, Track};
use frame_ring_core::lane::{demand_bytes, Counters, TrackNews, MAX_TRACKS};
use frame_ring_core::layout::TrackEntry;
use frame_ring_core::tracks;

use super::BridgeError;

/// How long a track's end may wait for room.
const PATIENCE: Duration = Duration::from_millis(50);

/// A track of the page.
#[derive(Debug)]
struct Open {
    track: Track,
    /// The demand that the page knows of.
    told: Demand,
    /// The number behind that of its last frame.
    next: u64,
    /// Whether its last frame said that it ends.
    finished: bool,
    /// Frames that did not get into the ring since the last one that did.
    lost: u32,
    /// All of them.
    all_lost: u64,
}

/// All tracks of a page.
#[derive(Debug)]
pub(super) struct Tracks<'p> {
    producer: &'p Producer,
    open: BTreeMap<u32, Open>,
}

impl<'p> Tracks<'p> {
    pub(super) fn new(producer: &'p Producer) -> Self {
        Self { producer, open: BTreeMap::new() }
    }

    /// Opens, changes or ends a track.
    pub(super) fn news(&mut self, news: &TrackNews) -> Result<(), BridgeError> {
        if !(1..=MAX_TRACKS).contains(&news.number) {
            return Err(BridgeError::Track { number: news.number });
        }
        if news.ended {
            if let Some(open) = self.open.remove(&news.number) {
                end(self.producer, open);
            }
            return Ok(());
        }
        match self.open.get_mut(&news.number) {
            Some(open) => open.track.set_info(&news.info),
            None => {
                let track = self.producer.track(&news.info).map_err(BridgeError::Tracks)?;
                let told = Demand::ALL;
                let open = Open { track, told, next: 0, finished: false, lost: 0, all_lost: 0 };
                self.open.insert(news.number, open);
            }
        }
        Ok(())
    }

    /// A frame as the ring is to have it, from one with the page's number of its track.
    pub(super) fn describe(&self, about: &Descriptor) -> Result<Descriptor, BridgeError> {
        let open = self.open.get(&about.track).ok_or(BridgeError::Track { number: about.track })?;
        let mut described = *about;
        described.track = open.track.id();
        if open.lost > 0 {
            described.dropped_before = about.dropped_before.saturating_add(open.lost);
            described.flags |= Flags::DISCONT;
        }
        Ok(described)
    }

    /// A frame of the track lies in the ring, or does not fit into it.
    pub(super) fn count(&mut self, number: u32, about: &Descriptor, sent: bool) {
        let Some(open) = self.open.get_mut(&number) else { return };
        open.next = about.sequence.wrapping_add(1);
        open.finished = about.flags.contains(Flags::EOS);
        open.lost = if sent { 0 } else { open.lost.saturating_add(1) };
        open.all_lost += u64::from(!sent);
        let Some(entry) = tracks::find(self.producer.port().region(), open.track.id()) else { return };
        if sent {
            entry.sent.fetch_add(1, Ordering::Relaxed);
            entry.sent_bytes.fetch_add(about.payload_len.into(), Ordering::Relaxed);
        } else {
            entry.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What the page has counted.
    pub(super) fn counters(&self, counters: &Counters) {
        let Some(open) = self.open.get(&counters.number) else { return };
        if let Some(TrackEntry { dropped, unwanted, .. }) =
            tracks::find(self.producer.port().region(), open.track.id())
        {
            dropped.store(counters.dropped.wrapping_add(open.all_lost), Ordering::Relaxed);
            unwanted.store(counters.unwanted, Ordering::Relaxed);
        }
    }

    /// Messages to the page: what is wanted now of tracks of which it was something else.
    pub(super) fn demands(&mut self) -> Vec<[u8; 20]> {
        let mut messages = Vec::new();
        for (number, open) in &mut self.open {
            let demand = open.track.demand();
            if demand != open.told {
                open.told = demand;
                messages.push(demand_message(*number, &demand));
            }
        }
        messages
    }
}

impl Drop for Tracks<'_> {
    fn drop(&mut self) {
        std::mem::take(&mut self.open).into_values().for_each(|open| end(self.producer, open));
    }
}

/// Ends a track, with a last frame that says so unless the page has sent one.
fn end(producer: &Producer, open: Open) {
    if open.finished {
        return;
    }
    let last = Descriptor {
        track: open.track.id(),
        sequence: open.next,
        dropped_before: open.lost,
        flags: Flags::EOS,
        mono_ns: frame_ring::mono_ns(),
        ..Descriptor::event(Default::default())
    };
    // A ring that is full for long, or closed, learns of the end by that of the entry.
    if let Ok(grant) = producer.claim_timeout(0, Class::Event, PATIENCE) {
        let _ = grant.commit(&last);
    }
}

fn demand_message(number: u32, demand: &Demand) -> [u8; 20] {
    let mut message = [0; 20];
    message[..4].copy_from_slice(&2u32.to_le_bytes());
    message[4..8].copy_from_slice(&number.to_le_bytes());
    message[8..].copy_from_slice(&demand_bytes(demand)[..12]);
    message
}
