//! Brings blocks of several tracks into the order of their times, within a bounded window.
//!
//! A block leaves once every track has shown something as late or later, so that nothing earlier can come; or once
//! the window is full, because a silent track must not hold up the others (or fill the memory) forever.

use std::collections::VecDeque;

/// The longest time that a block waits for another track, on the clock of the blocks.
const WINDOW_NS: u64 = 1_000_000_000;
/// The most bytes that wait.
const WINDOW_BYTES: usize = 64 << 20;

/// One block of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) track: usize,
    pub(super) pts_ns: u64,
    pub(super) data: Vec<u8>,
}

/// The blocks that wait, in order within each track.
#[derive(Debug)]
pub(super) struct Reorder {
    waiting: Vec<VecDeque<Block>>,
    /// The time of the last block of each track, if it had one.
    latest: Vec<Option<u64>>,
    bytes: usize,
}

impl Reorder {
    pub(super) fn new(tracks: usize) -> Self {
        Self { waiting: vec![VecDeque::new(); tracks], latest: vec![None; tracks], bytes: 0 }
    }

    /// The time of the last block of `track`.
    pub(super) fn latest(&self, track: usize) -> Option<u64> {
        self.latest[track]
    }

    /// Takes a block, not earlier than the one before it on the same track.
    pub(super) fn push(&mut self, block: Block) {
        self.latest[block.track] = Some(block.pts_ns);
        self.bytes += block.data.len();
        self.waiting[block.track].push_back(block);
    }

    /// The next block in order, if it need not wait any longer.
    pub(super) fn pop(&mut self) -> Option<Block> {
        let first = self.first()?;
        let pts = self.waiting[first].front()?.pts_ns;
        let settled = self.latest.iter().all(|latest| latest.is_some_and(|latest| latest >= pts));
        let newest = self.latest.iter().flatten().max().copied().unwrap_or(pts);
        let full = newest - pts > WINDOW_NS || self.bytes > WINDOW_BYTES;
        (settled || full).then(|| self.take(first)).flatten()
    }

    /// The next block in order, whatever may still come.
    pub(super) fn drain(&mut self) -> Option<Block> {
        let first = self.first()?;
        self.take(first)
    }

    /// The track whose first waiting block is the earliest.
    fn first(&self) -> Option<usize> {
        let heads = self.waiting.iter().enumerate();
        let timed = heads.filter_map(|(track, queue)| queue.front().map(|block| (block.pts_ns, track)));
        timed.min().map(|(_, track)| track)
    }

    fn take(&mut self, track: usize) -> Option<Block> {
        let block = self.waiting[track].pop_front()?;
        self.bytes -= block.data.len();
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(reorder: &mut Reorder, blocks: &[(usize, u64)]) -> Vec<(usize, u64)> {
        let mut out = Vec::new();
        for &(track, pts_ns) in blocks {
            reorder.push(Block { track, pts_ns, data: vec![0; 10] });
            out.extend(std::iter::from_fn(|| reorder.pop()).map(|block| (block.track, block.pts_ns)));
        }
        out
    }

    #[test]
    fn blocks_leave_in_order_of_time_and_tracks_of_the_same_time_in_order_of_number() {
        let mut reorder = Reorder::new(2);
        assert_eq!(feed(&mut reorder, &[(1, 5), (1, 10), (1, 20)]), []);
        assert_eq!(feed(&mut reorder, &[(0, 10)]), [(1, 5), (0, 10), (1, 10)]);
        assert_eq!(feed(&mut reorder, &[(0, 30)]), [(1, 20)]);
        assert_eq!(reorder.drain().map(|block| block.pts_ns), Some(30));
        assert_eq!((reorder.drain(), reorder.bytes), (None, 0));
    }

    #[test]
    fn a_silent_track_holds_up_the_others_for_one_window() {
        let mut reorder = Reorder::new(2);
        assert_eq!(feed(&mut reorder, &[(0, 1), (0, WINDOW_NS), (0, WINDOW_NS + 1)]), []);
        assert_eq!(feed(&mut reorder, &[(0, WINDOW_NS + 2)]), [(0, 1)]);
        // What comes too late leaves at once.
        assert_eq!(feed(&mut reorder, &[(1, 0)]), [(1, 0)]);
    }

    #[test]
    fn bytes_are_bounded() {
        let mut reorder = Reorder::new(2);
        for pts_ns in 0..4 {
            reorder.push(Block { track: 0, pts_ns, data: vec![0; WINDOW_BYTES / 2] });
        }
        assert_eq!(reorder.pop().map(|block| block.pts_ns), Some(0));
        assert_eq!(reorder.pop().map(|block| block.pts_ns), Some(1));
        assert_eq!(reorder.pop(), None);
    }
}
