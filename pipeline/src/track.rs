//! Tracks as a receiver tells them apart, and as people call them.

use frame_ring::{Consumer, Frame, TrackKind};

/// A track of one producer; ids alone could be another producer's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKey {
    /// Who feeds it.
    pub producer: u8,
    /// Its id, as in the descriptors of its frames.
    pub track: u32,
}

impl TrackKey {
    /// The track of a frame.
    pub fn of(frame: &Frame) -> Self {
        Self { producer: frame.producer(), track: frame.descriptor().track }
    }
}

/// What people call a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackName {
    /// Of its producer.
    pub producer: String,
    /// Its own.
    pub label: String,
    /// What it carries, if its producer says so.
    pub kind: TrackKind,
}

impl TrackName {
    /// The names of a track as the ring has them now.
    pub fn find(ring: &Consumer, key: TrackKey) -> Self {
        let or = |name: String, instead: String| if name.is_empty() { instead } else { name };
        let stats = ring.producer_stats().into_iter().find(|(id, _)| *id == key.producer);
        let producer = stats.map(|(_, stats)| stats.label.to_string()).unwrap_or_default();
        let mut tracks = ring.tracks().into_iter();
        let info = tracks.find(|t| t.id == key.track && t.owner == key.producer).and_then(|t| t.info);
        Self {
            producer: or(producer, format!("producer {}", key.producer)),
            label: or(info.map(|i| i.label.to_string()).unwrap_or_default(), format!("track {}", key.track)),
            kind: info.map_or(TrackKind::Data, |info| info.kind),
        }
    }
}
