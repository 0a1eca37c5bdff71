//! Eventfds, the bells of the crate: how somebody is woken who waits for more than one thing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd as NixEventFd};

use frame_ring_core::layout::PRODUCERS;

/// A non-blocking eventfd.
#[derive(Debug)]
pub(crate) struct EventFd(OwnedFd);

impl EventFd {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(NixEventFd::from_value_and_flags(0, flags)?.into()))
    }

    /// Takes over a descriptor that a peer says is an eventfd. Whatever it is, it is only ever written to.
    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Makes the eventfd readable. It already is when this fails: its counter is full.
    pub(crate) fn ring(&self) {
        let _ = nix::unistd::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Makes it unreadable until the next ring.
    pub(crate) fn clear(&self) {
        let _ = nix::unistd::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The bells of a ring: one of the consumer's own and one for each producer, in a set that is readable once one has rung.
///
/// A process that has a bell can make all others that have it block on it: they share its counter and its flags. So no
/// producer has another one's, and the consumer neither reads nor writes those that it has given away: the set is told of
/// every ring by the kernel (it is edge-triggered) and needs no counter to go back to zero.
#[derive(Debug)]
pub(crate) struct Bells {
    set: Epoll,
    own: EventFd,
}

impl Bells {
    pub(crate) fn new() -> io::Result<Self> {
        let bells = Self { set: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?, own: EventFd::new()? };
        bells.hang(&bells.own)?;
        Ok(bells)
    }

    /// A bell for a producer.
    pub(crate) fn add(&self) -> io::Result<EventFd> {
        let bell = EventFd::new()?;
        self.hang(&bell)?;
        Ok(bell)
    }

    fn hang(&self, bell: &impl AsFd) -> nix::Result<()> {
        self.set.add(bell, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0))
    }

    /// Adds a descriptor that is this process's alone: the set is readable for as long as that is.
    pub(crate) fn add_readable(&self, fd: &impl AsFd) -> nix::Result<()> {
        self.set.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0))
    }

    /// Waits for a bell, at most for `time`, rounded up to milliseconds.
    pub(crate) fn wait(&self, time: std::time::Duration) {
        let milliseconds = u16::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u16::MAX);
        let mut rung = [EpollEvent::empty(); 16];
        // Interrupted or not: whoever waits looks again.
        let _ = self.set.wait(&mut rung, milliseconds);
    }

    /// Takes a bell out: its file may stay open elsewhere for as long as somebody likes.
    pub(crate) fn remove(&self, bell: EventFd) {
        // It cannot fail for a descriptor that is open and was added.
        let _ = self.set.delete(&bell);
    }

    /// A bell that rings by itself, a period after it was last read.
    #[cfg(feature = "tokio")]
    pub(crate) fn clock(&self, period: std::time::Duration) -> io::Result<nix::sys::timerfd::TimerFd> {
        use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
        let clock =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        clock.set(Expiration::Interval(period.into()), TimerSetTimeFlags::empty())?;
        self.hang(&clock)?;
        Ok(clock)
    }

    /// Rings the consumer's own bell.
    pub(crate) fn ring(&self) {
        self.own.ring();
    }

    /// Makes the set unreadable until the next ring of any bell.
    pub(crate) fn clear(&self) {
        // All that there can be at once, so that bells which never stop keep nobody here.
        let mut rung = [EpollEvent::empty(); PRODUCERS as usize];
        let _ = self.set.wait(&mut rung, EpollTimeout::ZERO);
    }
}

impl AsFd for Bells {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.set.0.as_fd()
    }
}

impl AsRawFd for Bells {
    fn as_raw_fd(&self) -> RawFd {
        self.set.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{poll, PollFd, PollFlags, PollTimeout};

    fn is_readable(bells: &Bells) -> bool {
        poll(&mut [PollFd::new(bells.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).unwrap() == 1
    }

    #[test]
    fn every_ring_is_heard_once() {
        let bells = Bells::new().unwrap();
        let (first, second) = (bells.add().unwrap(), bells.add().unwrap());
        assert!(!is_readable(&bells));
        for _ in 0..3 {
            // Though nobody takes the counters back.
            for ring in [&|| first.ring(), &|| second.ring(), &|| bells.ring()] as [&dyn Fn(); 3] {
                ring();
                assert!(is_readable(&bells));
                bells.clear();
                assert!(!is_readable(&bells));
            }
        }
        first.ring();
        second.ring();
        bells.clear();
        assert!(!is_readable(&bells));
        // One that is taken out is not heard, though its file lives on.
        let kept = first.0.try_clone().unwrap();
        bells.remove(first);
        EventFd(kept).ring();
        assert!(!is_readable(&bells));
    }
}
