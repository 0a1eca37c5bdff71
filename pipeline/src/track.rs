//! Tracks as a receiver tells them apart, and as people call them.

use std::collections::BTreeMap;

use frame_ring::{Consumer, Frame, TrackKind};

/// A track of one producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKey {
    /// Who feeds it.
    pub producer: u8,
    /// Its id, as in the descriptors of its frames; 0 for all frames whose id is not that of a track of this producer.
    pub track: u32,
}

/// What people call a track.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackName {
    /// Of its producer.
    pub producer: String,
    /// Its own.
    pub label: String,
    /// The platform's id of who is in it; empty if its producer does not say.
    pub participant: String,
    /// What it carries, if its producer says so.
    pub kind: TrackKind,
}

/// All tracks that frames came from.
///
/// Ids in frames are their producer's word, who could make up any number of them: only those that are in the ring's
/// table count.
#[derive(Debug, Default)]
pub struct Tracks {
    names: BTreeMap<TrackKey, TrackName>,
}

impl Tracks {
    /// The track of a frame.
    pub fn of(&mut self, ring: &Consumer, frame: &Frame) -> TrackKey {
        let key = TrackKey { producer: frame.producer(), track: frame.descriptor().track };
        if self.names.contains_key(&key) {
            return key;
        }
        let own = |track: &frame_ring::TrackStats| track.id == key.track && track.owner == key.producer;
        let found = ring.tracks().into_iter().find(own);
        let key = if found.is_some() { key } else { TrackKey { track: 0, ..key } };
        let named =
            |name: Option<String>, instead: String| name.filter(|name| !name.is_empty()).unwrap_or(instead);
        let info = found.and_then(|track| track.info);
        self.names.entry(key).or_insert_with(|| {
            let producer = ring.producer_stats().into_iter().find(|(id, _)| *id == key.producer);
            let producer = producer.map(|(_, stats)| stats.label.to_string());
            TrackName {
                producer: named(producer, format!("producer {}", key.producer)),
                label: named(info.map(|info| info.label.to_string()), format!("track {}", key.track)),
                participant: info.map(|info| info.participant.to_string()).unwrap_or_default(),
                kind: info.map_or(TrackKind::Data, |info| info.kind),
            }
        });
        key
    }

    /// What people call a track that a frame came from.
    pub fn name(&self, key: TrackKey) -> TrackName {
        self.names.get(&key).cloned().unwrap_or_default()
    }

    /// Forgets the tracks of a producer that is gone: its id may come again.
    pub fn forget(&mut self, producer: u8) {
        self.names.retain(|key, _| key.producer != producer);
    }
}
