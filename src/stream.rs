//! A ring as a stream of frames on a tokio runtime, woken by the ring's bells.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};

use frame_ring_core::arena::Arena;
use frame_ring_core::wake::{announce_awake, announce_sleep, Sleep};
use futures_core::Stream;
use nix::sys::timerfd::TimerFd;
use tokio::io::unix::AsyncFd;
use tokio::io::Interest;

use crate::consumer::{Shared, LOOK_AGAIN};
use crate::{Consumer, Frame, RecvError};

/// The frames of a ring. Ends after the error that ends the ring ([`RecvError::Disconnected`] is not an item, only the
/// end).
///
/// Must be made and polled on a tokio runtime with its I/O driver enabled.
#[derive(Debug)]
pub struct FrameStream {
    ring: Consumer,
    event: AsyncFd<Event>,
    /// Rings now and then.
    clock: TimerFd,
    /// The ring is announced as asleep.
    asleep: bool,
    /// And the task has been told to wait for a bell since.
    slept: bool,
    ended: bool,
}

/// The bells of a ring, kept open by the ring itself.
#[derive(Debug)]
struct Event(Arc<Shared>);

impl AsRawFd for Event {
    fn as_raw_fd(&self) -> RawFd {
        self.0.bells.as_raw_fd()
    }
}

impl FrameStream {
    /// Makes a stream of a ring.
    ///
    /// # Errors
    /// If the runtime cannot watch one more descriptor.
    pub fn new(ring: Consumer) -> io::Result<Self> {
        // SAFETY: `Event` keeps the ring's shared state alive, whose bells are opened with it and closed with it.
        let event =
            unsafe { AsyncFd::register_with_interest(Event(ring.shared().clone()), Interest::READABLE) }?;
        let clock = ring.shared().bells.clock(LOOK_AGAIN)?;
        Ok(Self { ring, event, clock, asleep: false, slept: false, ended: false })
    }

    /// The ring, to ask it things.
    pub fn ring(&mut self) -> &mut Consumer {
        &mut self.ring
    }

    /// Gives the ring back.
    pub fn into_inner(self) -> Consumer {
        self.ring
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, RecvError>> {
        let shared = self.ring.shared().clone();
        let control = shared.region().control();
        loop {
            let seen = std::mem::take(&mut self.asleep) && announce_awake(control);
            // It counts only if its clock has got it up: bells are heard late at times, when others have rung already.
            let told = !std::mem::take(&mut self.slept) || seen || self.clock.wait().is_err();
            if let Some(frame) = self.ring.try_recv()? {
                if !told {
                    shared.count_found_late();
                }
                return Poll::Ready(Ok(frame));
            }
            announce_sleep(control, Sleep::EventFd);
            self.asleep = true;
            if let Some(frame) = self.ring.try_recv()? {
                return Poll::Ready(Ok(frame));
            }
            // Until a bell rings, the ring stays announced as asleep.
            let ready = self.event.poll_read_ready(cx);
            self.slept = ready.is_pending();
            match ready!(ready) {
                Ok(mut guard) => {
                    shared.bells.clear();
                    // Only after it was read does it go on.
                    let _ = self.clock.wait();
                    guard.clear_ready();
                }
                // The runtime is shutting down: nothing will be polled again.
                Err(_) => return Poll::Ready(Err(RecvError::Disconnected)),
            }
        }
    }
}

impl Stream for FrameStream {
    type Item = Result<Frame, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_frame(cx));
        self.ended = matches!(next, Err(RecvError::Disconnected | RecvError::Poisoned(_)));
        match next {
            Err(RecvError::Disconnected) => Poll::Ready(None),
            next => Poll::Ready(Some(next)),
        }
    }
}
