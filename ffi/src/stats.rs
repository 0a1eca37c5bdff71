//! What is known of the tracks of a ring.

use std::ffi::c_char;

use ::frame_ring_core::c_abi::exclusive;
use ::frame_ring_core::c_abi::status::*;
use frame_ring::TrackStats;

use crate::consumer::frame_ring_consumer;
use crate::error::bad_argument;

/// A track, as its producer and the consumer have counted it. What the producer says may be anything.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct frame_ring_track_stats {
    /// Its id, as in the descriptors of its frames.
    pub id: u32,
    /// The producer that feeds it.
    pub producer: u32,
    /// 1 while it is fed, 0 once it has ended.
    pub live: u32,
    /// 0 data, 1 video, 2 audio.
    pub kind: u32,
    /// 0 not said, 1 camera, 2 screen, 3 microphone, 4 mixed, 5 tab.
    pub source: u32,
    /// Who is in it now.
    pub source_id: u32,
    /// Name for people, UTF-8, ended by NUL.
    pub label: [c_char; 64],
    /// The meeting platform's id of the participant, ended by NUL.
    pub participant: [c_char; 48],
    /// Frames committed.
    pub sent: u64,
    /// Payload bytes committed.
    pub sent_bytes: u64,
    /// Frames that its producer dropped.
    pub dropped: u64,
    /// Frames that nobody wanted.
    pub unwanted: u64,
    /// Frames delivered.
    pub received: u64,
    /// Payload bytes delivered.
    pub received_bytes: u64,
    /// Drops that delivered frames have told of.
    pub reported_dropped: u64,
    /// Frames that the consumer skipped for newer ones.
    pub skipped: u64,
    /// Microseconds from capture to delivery that half of the frames stayed below; 0 not known.
    pub p50_us: u64,
    /// The same for all but one in a hundred.
    pub p99_us: u64,
}

/// As much of a name as there is room for, ended by NUL.
fn text<const N: usize>(name: &str) -> [c_char; N] {
    let mut to = [0; N];
    let mut end = name.len().min(N - 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    for (to, byte) in to.iter_mut().zip(&name.as_bytes()[..end]) {
        *to = *byte as c_char;
    }
    to
}

impl From<&TrackStats> for frame_ring_track_stats {
    fn from(track: &TrackStats) -> Self {
        let info = track.info.unwrap_or_default();
        Self {
            id: track.id,
            producer: track.owner.into(),
            live: track.live.into(),
            kind: info.kind as u32,
            source: info.source as u32,
            source_id: info.source_id,
            label: text(&info.label.to_string()),
            participant: text(&info.participant.to_string()),
            sent: track.sent,
            sent_bytes: track.sent_bytes,
            dropped: track.dropped,
            unwanted: track.unwanted,
            received: track.received,
            received_bytes: track.received_bytes,
            reported_dropped: track.reported_dropped,
            skipped: track.skipped,
            p50_us: track.latency_below_us(0.5).unwrap_or(0),
            p99_us: track.latency_below_us(0.99).unwrap_or(0),
        }
    }
}

/// Writes what is known of the ring's tracks, ended ones included until their entry is needed, to `tracks`, which has room for
/// `room`; `count` becomes how many there are, also when that is more. `tracks` may be null if `room` is 0.
///
/// # Safety
/// `consumer` is null or a live consumer; `tracks` is null or has room for so many; `count` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frame_ring_consumer_tracks(
    consumer: *const frame_ring_consumer,
    tracks: *mut frame_ring_track_stats,
    room: usize,
    count: *mut usize,
) -> frame_ring_status {
    // SAFETY: the caller's promise.
    let Some(count) = (unsafe { exclusive(count) }) else { return bad_argument("count") };
    *count = 0;
    if room > 0 && (tracks.is_null() || !tracks.is_aligned()) {
        return bad_argument("tracks");
    }
    // SAFETY: the caller's promise.
    status(unsafe { frame_ring_consumer::call(consumer, |ring| Ok(ring.tracks())) }.map(|known| {
        *count = known.len();
        for (at, track) in known.iter().take(room).enumerate() {
            // SAFETY: not null, and the caller promises room for `room`.
            unsafe { tracks.add(at).write(track.into()) };
        }
    }))
}
