//! One clock for all tracks of a file, from the time stamps of their producer.
//!
//! Presentation times are even but each track may count from its own zero; the monotonic times of the capture have one
//! zero for all but are uneven. So each track keeps its presentation times, shifted as a whole: all tracks by the same
//! amount if that is right to within [`SAME_NS`], for then they have one zero and belong together exactly.

use std::collections::BTreeMap;

/// Tracks whose zeros are this close have the same one, and what is between is the unevenness of the capture.
const SAME_NS: i128 = 500_000_000;
/// A step in presentation times above this is a new zero.
const JUMP_NS: i128 = 60_000_000_000;

/// The clock of one file and its successors.
#[derive(Debug, Default)]
pub struct Timeline {
    /// The shift of the first track.
    first: Option<i128>,
    tracks: BTreeMap<u32, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    shift: i128,
    last: u64,
}

impl Timeline {
    /// Where a frame belongs, in nanoseconds of the monotonic clock. Never goes back on a track.
    pub fn place(&mut self, track: u32, pts_ns: Option<i64>, mono_ns: u64) -> u64 {
        let mono = i128::from(mono_ns);
        let pts = pts_ns.map_or(mono, i128::from);
        let before = self.tracks.get(&track).copied();
        let shift = match before {
            Some(Place { shift, last }) if (0..JUMP_NS).contains(&(pts + shift - i128::from(last))) => shift,
            // The first frame of the track, or one after a jump.
            _ => {
                let own = mono - pts;
                let first = *self.first.get_or_insert(own);
                let fits = |shift: i128| before.is_none_or(|place| pts + shift >= i128::from(place.last));
                if (own - first).abs() <= SAME_NS && fits(first) {
                    first
                } else {
                    own
                }
            }
        };
        let last = before.map_or(0, |place| place.last);
        let place = u64::try_from((pts + shift).max(0)).unwrap_or(mono_ns).max(last);
        self.tracks.insert(track, Place { shift, last: place });
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn tracks_with_one_zero_stay_exactly_together() {
        let mut clock = Timeline::default();
        // The sound's first block came 80 ms late: unevenness, not another zero.
        assert_eq!(clock.place(1, Some(0), 5000 * MS), 5000 * MS);
        assert_eq!(clock.place(2, Some(0), 5080 * MS), 5000 * MS);
        assert_eq!(clock.place(1, Some(33 * MS as i64), 5100 * MS), 5033 * MS);
        assert_eq!(clock.place(2, Some(10 * MS as i64), 5081 * MS), 5010 * MS);
    }

    #[test]
    fn tracks_with_different_zeros_meet_on_the_capture_clock() {
        let mut clock = Timeline::default();
        assert_eq!(clock.place(1, Some(0), 5000 * MS), 5000 * MS);
        assert_eq!(clock.place(2, Some(7_000_000 * MS as i64), 5080 * MS), 5080 * MS);
        assert_eq!(clock.place(2, Some(7_000_010 * MS as i64), 5099 * MS), 5090 * MS);
        assert_eq!(clock.place(3, None, 5001 * MS), 5001 * MS);
    }

    #[test]
    fn time_never_goes_back_whatever_a_producer_says() {
        let mut clock = Timeline::default();
        assert_eq!(clock.place(1, Some(90_000 * MS as i64), 5000 * MS), 5000 * MS);
        // A loop, back to zero.
        assert_eq!(clock.place(1, Some(0), 5040 * MS), 5040 * MS);
        assert_eq!(clock.place(1, Some(33 * MS as i64), 5080 * MS), 5073 * MS);
        for pts in [i64::MAX, i64::MIN + 1, 0, -1, i64::MAX] {
            assert_eq!(clock.place(1, Some(pts), 5090 * MS), 5090 * MS);
        }
        assert_eq!(clock.place(1, Some(0), 0), 5090 * MS);
        assert_eq!(clock.place(4, Some(i64::MIN + 1), u64::MAX), u64::MAX);
    }
}
