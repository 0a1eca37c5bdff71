//! Words and numbers for what a ring's shared memory holds, the same in every command.

use frame_ring::{Demand, Header, State, TrackKind, TrackSource};

/// What a track carries.
pub fn kind(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
        TrackKind::Data => "data",
    }
}

/// Where a track comes from.
pub fn source(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Unknown => "unknown",
        TrackSource::Camera => "camera",
        TrackSource::Screen => "screen",
        TrackSource::Microphone => "microphone",
        TrackSource::Mixed => "mixed",
        TrackSource::Tab => "tab",
    }
}

/// What became of a claim.
pub fn state(state: State) -> &'static str {
    match state {
        State::Free => "free",
        State::Claimed => "claimed",
        State::Committed => "committed",
        State::Aborted => "aborted",
    }
}

/// What the control word `wake` says.
pub fn wake(word: u32) -> &'static str {
    match (word % 8, word / 8) {
        (0, _) => "the consumer is awake",
        (1, 0) => "the consumer sleeps on the futex",
        (2, 0) => "the consumer sleeps on the eventfd",
        (1 | 2, _) => "the consumer is being woken",
        _ => "no such way to sleep",
    }
}

/// What the consumer wants of a track.
pub fn demand(demand: &Demand) -> String {
    if !demand.wanted {
        return "no".into();
    }
    let mut text = String::from("yes");
    let (width, height) = demand.max_size;
    if (width, height) != (0, 0) {
        text += &format!(" {width}x{height}");
    }
    if demand.max_fps_milli != 0 {
        text += &format!(" {} fps", f64::from(demand.max_fps_milli) / 1e3);
    }
    text
}

/// The number that tells rings apart.
pub fn ring_id(header: &Header) -> String {
    format!("{:016x}{:016x}", header.ring_id[0], header.ring_id[1])
}

/// A duration in milliseconds.
pub fn ms(ns: u64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}
