//! Latest-only reception: pictures that are stale before anybody looks at them.

use std::collections::{HashSet, VecDeque};

use super::frame::Frame;
use crate::{Flags, Kind};

/// The tracks that are received latest-only, and the frames that were taken while looking for newer ones.
#[derive(Debug, Default)]
pub(super) struct Latest {
    tracks: HashSet<u32>,
    waiting: VecDeque<Frame>,
}

impl Latest {
    pub(super) fn set(&mut self, track: u32, on: bool) {
        if on {
            self.tracks.insert(track);
        } else {
            self.tracks.remove(&track);
        }
    }

    pub(super) fn is_off(&self) -> bool {
        self.tracks.is_empty()
    }

    /// The oldest frame in waiting.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        self.waiting.pop_front()
    }

    /// Adds a frame behind those in waiting; returns how many it made stale (0 or 1).
    pub(super) fn push(&mut self, mut frame: Frame) -> u32 {
        let stale = self.stale_for(&frame);
        if let Some(old) = stale.and_then(|at| self.waiting.remove(at)) {
            frame.note_skipped(old.skipped_before().saturating_add(1));
        }
        self.waiting.push_back(frame);
        u32::from(stale.is_some())
    }

    fn stale_for(&self, newer: &Frame) -> Option<usize> {
        let track = newer.descriptor().track;
        if newer.descriptor().kind() != Kind::Video || !self.tracks.contains(&track) {
            return None;
        }
        self.waiting.iter().position(|frame| {
            let old = frame.descriptor();
            old.track == track && old.kind() == Kind::Video && !old.flags.contains(Flags::EOS)
        })
    }
}
