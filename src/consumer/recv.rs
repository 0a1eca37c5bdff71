//! Receiving: without waiting, for a time, for as long as it takes; one frame or a batch.

use std::time::{Duration, Instant};

use frame_ring_core::arena::Arena;
use frame_ring_core::tracks;
use frame_ring_core::wake::{announce_awake, announce_sleep, Sleep};
use frame_ring_core::walk::{Order, Taken};

use super::frame::Frame;
use super::{Consumer, RecvError, DEFAULT_ORDER, LOOK_AGAIN};
use crate::sys::{clock, futex};
use crate::Descriptor;

impl Consumer {
    /// Receives the next frame if one is there.
    ///
    /// In the order of claims for each producer. A frame that one producer is still writing does not hold up those of
    /// others.
    pub fn try_recv(&mut self) -> Result<Option<Frame>, RecvError> {
        self.try_recv_in(DEFAULT_ORDER)
    }

    /// Waits for the next frame.
    pub fn recv(&mut self) -> Result<Frame, RecvError> {
        loop {
            if let Some(frame) = self.wait_until(DEFAULT_ORDER, None)? {
                return Ok(frame);
            }
        }
    }

    /// Waits for the next frame, at most for `timeout`; `None` when the time is up.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Frame>, RecvError> {
        self.wait_until(DEFAULT_ORDER, Instant::now().checked_add(timeout))
    }

    /// Like [`recv_timeout`](Self::recv_timeout), but in the order of the claims of all producers: a frame that is
    /// still being written holds up all behind it.
    pub fn recv_in_claim_order(&mut self, timeout: Duration) -> Result<Option<Frame>, RecvError> {
        self.wait_until(Order::Claims, Instant::now().checked_add(timeout))
    }

    /// Waits for a frame as [`recv_timeout`](Self::recv_timeout) does and then takes all that are there, up to `max`,
    /// to the end of `frames`. Returns how many. An error behind the first frame is kept for the next call.
    pub fn recv_batch(
        &mut self,
        frames: &mut Vec<Frame>,
        max: usize,
        timeout: Duration,
    ) -> Result<usize, RecvError> {
        let before = frames.len();
        if max > 0 {
            frames.extend(self.recv_timeout(timeout)?);
        }
        while frames.len() > before && frames.len() - before < max {
            match self.try_recv() {
                Ok(Some(frame)) => frames.push(frame),
                // Whether everybody is gone will be seen again, unless somebody has come by then.
                Ok(None) | Err(RecvError::Disconnected) => break,
                Err(why) => {
                    self.deferred = Some(why);
                    break;
                }
            }
        }
        Ok(frames.len() - before)
    }

    pub(crate) fn try_recv_in(&mut self, order: Order) -> Result<Option<Frame>, RecvError> {
        if self.latest.is_off() {
            return match self.latest.pop() {
                Some(frame) => Ok(Some(frame)),
                None => self.take(order),
            };
        }
        // A producer that is faster than this loop must not keep it going: one turn for each slot.
        for _ in 0..self.shared().region().layout().geometry.slots() {
            match self.take(order) {
                Ok(Some(frame)) => {
                    let track = frame.descriptor().track;
                    if self.latest.push(frame) > 0 {
                        self.count_skipped(track);
                    }
                }
                Ok(None) => break,
                Err(why) => {
                    self.deferred = Some(why);
                    break;
                }
            }
        }
        match self.latest.pop() {
            Some(frame) => Ok(Some(frame)),
            None => self.deferred.take().map_or(Ok(None), Err),
        }
    }

    fn take(&mut self, order: Order) -> Result<Option<Frame>, RecvError> {
        if let Some(why) = self.deferred.take() {
            return Err(why);
        }
        if self.pump().is_some() {
            return self.take_of_lane(order);
        }
        // Read before the ring is: who is gone by then has left nothing behind that the ring does not show.
        let may_come = self.has_sources();
        match self.shared().next(order).map_err(RecvError::Poisoned)? {
            Some(taken) => self.open(taken).map(Some),
            None if may_come => Ok(None),
            None => Err(RecvError::Disconnected),
        }
    }

    /// The same for a lane. That there is none is said only after all news of the file were heard and its bytes looked at
    /// once more: the next write is news again.
    fn take_of_lane(&mut self, order: Order) -> Result<Option<Frame>, RecvError> {
        let shared = self.shared().clone();
        let (Some(pump), Some(lane)) = (self.pump_mut(), &shared.lane) else { return Ok(None) };
        for is_last in [false, true] {
            if is_last {
                pump.listen(&shared, lane);
            }
            let may_come = shared.sources.load(std::sync::atomic::Ordering::Acquire) > 0;
            let pumped = pump.take(&shared, lane);
            match (shared.next(order).map_err(RecvError::Poisoned)?, pumped) {
                (Some(taken), pumped) => {
                    // A lane that is broken says so again.
                    self.deferred = pumped.err().filter(|why| matches!(why, RecvError::BadFrame { .. }));
                    return self.open(taken).map(Some);
                }
                (None, Err(why)) => return Err(why),
                // Whoever posts what is no frame, on and on, keeps nobody here.
                (None, Ok(true)) => shared.bells.ring(),
                (None, Ok(false)) if is_last && !may_come => return Err(RecvError::Disconnected),
                (None, Ok(false)) => {}
            }
        }
        Ok(None)
    }

    /// Decodes what is said of a frame and counts it.
    fn open(&self, taken: Taken) -> Result<Frame, RecvError> {
        let shared = self.shared();
        let region = shared.region();
        let words = region.read_descriptor(taken.slot);
        let room = u64::from(taken.len) * frame_ring_core::word::UNIT;
        let descriptor = match Descriptor::decode(&words, room) {
            Ok(descriptor) => descriptor,
            Err(why) => {
                shared.release(taken.slot);
                return Err(RecvError::BadFrame { producer: taken.owner, why });
            }
        };
        if let Some(track) = tracks::find(region, descriptor.track) {
            let latency = (descriptor.mono_ns != 0).then(|| {
                let now = clock::mono_ns();
                region.slot(taken.slot).taken_ns.store(now, std::sync::atomic::Ordering::Relaxed);
                now.saturating_sub(descriptor.mono_ns)
            });
            track.count_received(u64::from(descriptor.payload_len), descriptor.dropped_before, latency);
        }
        Ok(Frame::new(shared.clone(), taken, descriptor))
    }

    fn count_skipped(&self, track: u32) {
        if let Some(track) = tracks::find(self.shared().region(), track) {
            track.skipped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Sleeps on the futex until there is a frame or the deadline has passed; `None` may also come early.
    fn wait_until(&mut self, order: Order, deadline: Option<Instant>) -> Result<Option<Frame>, RecvError> {
        let mut told = true;
        loop {
            if let Some(frame) = self.try_recv_in(order)? {
                if !told {
                    self.shared().count_found_late();
                }
                return Ok(Some(frame));
            }
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            let shared = self.shared().clone();
            let control = shared.region().control();
            let bed = if shared.lane.is_none() { Sleep::Futex } else { Sleep::EventFd };
            announce_sleep(control, bed);
            let again = self.try_recv_in(order);
            let nap = left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN));
            if matches!(again, Ok(None)) && bed == Sleep::EventFd {
                // The kernel tells of each write to a lane, so no frame is found late.
                shared.bells.wait(nap);
            } else if matches!(again, Ok(None)) {
                let asleep = Instant::now();
                told = futex::wait(&control.wake.0, Sleep::Futex as u32, Some(nap))
                    || asleep.elapsed() < LOOK_AGAIN;
            }
            announce_awake(control);
            if let Some(frame) = again? {
                return Ok(Some(frame));
            }
        }
    }
}
