//! The sending side: a connection to a ring, claims, counters.

mod error;
mod grant;
mod media;
mod track;

use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{Class, Refusal};
use frame_ring_core::port::Port;
use frame_ring_core::producers::ProducerStats;
use frame_ring_core::region::Region;
use frame_ring_core::tracks::{self, TrackInfo, TracksFull};
use frame_ring_core::wake::{self, Sleep};

pub use error::{ClaimError, CommitError, SendError};
pub use grant::Grant;
pub use media::{Picture, Sound};
pub use track::{Sent, Track};

use crate::handover::client::{self, ConnectError, Welcome};
use crate::handover::{FD_VARIABLE, SOCKET_VARIABLE};
use crate::sys::{clock, futex};
use crate::Descriptor;

/// A connection to a ring.
///
/// `Send` and `Sync`, and cheap to clone: clones share one connection, one set of counters and one order; frames of
/// clones are delivered in the order of their claims. Threads that must not wait for each other's copies (sound and
/// pictures) connect once each. The ring learns of the end when the last clone, grant and track is gone.
#[derive(Debug, Clone)]
pub struct Producer {
    link: Arc<Link>,
}

/// What all clones of a producer share.
#[derive(Debug)]
struct Link {
    /// Valid as long as the mapping in `ring`.
    port: Port,
    ring: Welcome,
    /// When the consumer was last asked whether it lives, `CLOCK_MONOTONIC`.
    asked_ns: AtomicU64,
}

/// How often a producer that finds the ring full asks whether the consumer still lives.
const ASK_EVERY: Duration = Duration::from_millis(100);

impl Producer {
    /// Connects to a consumer that listens at `path`. `label` names this producer to people, in at most 56 bytes.
    pub fn connect(path: impl AsRef<Path>, label: &str) -> Result<Self, ConnectError> {
        Self::from_fd(client::dial(path.as_ref())?, label)
    }

    /// Connects over a socket that was inherited or received: an [`Invitation`](crate::Invitation).
    pub fn from_fd(socket: impl Into<OwnedFd>, label: &str) -> Result<Self, ConnectError> {
        let ring = client::join(socket.into(), label)?;
        let port = Port::new(*ring.memory.region(), ring.owner);
        Ok(Self { link: Arc::new(Link { port, ring, asked_ns: AtomicU64::new(0) }) })
    }

    /// Connects as the process that started this one says: over the inherited descriptor that the variable
    /// `FRAME_RING_FD` names, or else at the path in `FRAME_RING_SOCKET`.
    ///
    /// # Safety
    /// `FRAME_RING_FD`, if it is set, names a descriptor that nothing else in this process owns. Its number can be
    /// used once: the descriptor is closed with the producer.
    pub unsafe fn from_env(label: &str) -> Result<Self, ConnectError> {
        let Some(number) = std::env::var_os(FD_VARIABLE) else {
            let path =
                std::env::var_os(SOCKET_VARIABLE).ok_or(ConnectError::NoEnvironment { found: None })?;
            return Self::connect(Path::new(&path), label);
        };
        let bad = || ConnectError::NoEnvironment { found: Some(number.to_string_lossy().into_owned()) };
        let fd: i32 = number.to_str().and_then(|n| n.parse().ok()).filter(|n| *n >= 0).ok_or_else(bad)?;
        // SAFETY: only asks for the flags of whatever the number names.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        if flags == -1 {
            return Err(bad());
        }
        // SAFETY: the number was just seen to be open, and the caller promises that nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: `fd` is open. Children of this process must not keep its lifeline open.
        unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) };
        Self::from_fd(socket, label)
    }

    /// The id that the consumer gave this producer (1..=255).
    pub fn id(&self) -> u8 {
        self.port().owner()
    }

    /// How many producers have had this id, this one included.
    pub fn generation(&self) -> u32 {
        self.link.ring.generation
    }

    /// Claims `len` bytes to be written in place. Never waits.
    ///
    /// # Errors
    /// [`ClaimError::Full`] if there is no room now, which counts as a drop; see the other variants of [`ClaimError`].
    pub fn try_claim(&self, len: usize, class: Class) -> Result<Grant<'_>, ClaimError> {
        self.claim_once(len, class).inspect_err(|why| self.count_drop(why))
    }

    /// Claims `len` bytes; waits for room at most for `timeout`.
    ///
    /// A release wakes one of the producers that wait. A short claim that waits behind a longer one may notice only after 100 ms
    /// that there is room for it.
    pub fn claim_timeout(
        &self,
        len: usize,
        class: Class,
        timeout: Duration,
    ) -> Result<Grant<'_>, ClaimError> {
        let deadline = Instant::now().checked_add(timeout);
        let control = self.region().control();
        let mut woken = false;
        let claimed = loop {
            // An unsuccessful try counts as a drop only when nobody tries again.
            match self.claim_once(len, class) {
                Err(ClaimError::Full(_)) => {}
                other => break other,
            }
            let waiting = wake::announce_wait_for_space(control);
            let why = match self.claim_once(len, class) {
                Err(why @ ClaimError::Full(_)) => why,
                other => break other,
            };
            let left = deadline.map_or(ASK_EVERY, |d| d.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break Err(why);
            }
            // A consumer that was killed wakes nobody, nor does a producer that was killed on its way to wake the
            // next one: look after them now and then.
            woken = futex::wait(&control.space.0, waiting, Some(left.min(ASK_EVERY)));
        };
        if woken {
            // A release wakes one of those who wait; who was woken and need not wait any more wakes the next.
            futex::wake(&control.space.0, 1);
        }
        claimed.inspect_err(|why| self.count_drop(why))
    }

    /// Copies `bytes` into the ring as one frame. Never waits; the class follows from the descriptor's kind.
    pub fn send(&self, bytes: &[u8], descriptor: &Descriptor) -> Result<(), SendError> {
        let mut grant = self.try_claim(bytes.len(), Class::of(descriptor.kind()))?;
        grant.write_at(0, bytes);
        Ok(grant.commit(descriptor)?)
    }

    /// Like [`send`](Self::send), but waits for room at most for `timeout`.
    pub fn send_timeout(
        &self,
        bytes: &[u8],
        descriptor: &Descriptor,
        timeout: Duration,
    ) -> Result<(), SendError> {
        let mut grant = self.claim_timeout(bytes.len(), Class::of(descriptor.kind()), timeout)?;
        grant.write_at(0, bytes);
        Ok(grant.commit(descriptor)?)
    }

    /// Opens a track: a numbered series of frames with a name, its own counters and the consumer's demand.
    pub fn track(&self, info: &TrackInfo) -> Result<Track, TracksFull> {
        Track::open(self.clone(), info)
    }

    /// Whether the consumer wants anything of track `id`; false if it has ended.
    pub fn wants(&self, id: u32) -> bool {
        tracks::find(self.region(), id).is_some_and(|track| track.is_live() && track.demand().wanted)
    }

    /// The longest frame of a class that this ring takes, in bytes.
    pub fn longest(&self, class: Class) -> usize {
        self.port().longest(class) as usize
    }

    /// Whether the consumer is still there. One system call.
    pub fn is_connected(&self) -> bool {
        let closed = &self.region().control().closed.0;
        closed.load(Ordering::Acquire) == 0 && client::is_alive(&self.link.ring.lifeline)
    }

    /// This producer's counters; `None` if somebody has wiped them out of the shared memory.
    pub fn stats(&self) -> Option<ProducerStats> {
        self.port().entry().read()
    }

    /// The connection as the core sees it, for front ends in other languages.
    #[doc(hidden)]
    pub fn port(&self) -> &Port {
        &self.link.port
    }

    fn region(&self) -> &Region {
        self.port().region()
    }

    fn claim_once(&self, len: usize, class: Class) -> Result<Grant<'_>, ClaimError> {
        match self.port().claim(len as u64, class) {
            Ok(claim) => Ok(Grant::new(self, claim, len)),
            Err(why @ (Refusal::FullBytes | Refusal::FullSlots)) => Err(self.full(ClaimError::Full(why))),
            Err(Refusal::TooLong { .. }) => Err(ClaimError::TooLong { len, longest: self.longest(class) }),
            Err(Refusal::Closed) => Err(ClaimError::Closed),
            Err(Refusal::Corrupt) => Err(ClaimError::Corrupt),
        }
    }

    /// Tells a full ring from one whose consumer was killed, at the price of a system call now and then.
    fn full(&self, why: ClaimError) -> ClaimError {
        let now = clock::mono_ns();
        let asked = self.link.asked_ns.load(Ordering::Relaxed);
        if now.saturating_sub(asked) < ASK_EVERY.as_nanos() as u64 {
            return why;
        }
        if !client::is_alive(&self.link.ring.lifeline) {
            // Not noted: the next one is told, too.
            return ClaimError::Closed;
        }
        self.link.asked_ns.store(now, Ordering::Relaxed);
        why
    }

    fn count_drop(&self, why: &ClaimError) {
        match why {
            ClaimError::Full(why) => self.port().count_drop(*why),
            ClaimError::TooLong { .. } => self.port().count_drop(Refusal::TooLong { longest: 0 }),
            ClaimError::Closed | ClaimError::Corrupt => {}
        }
    }

    /// Wakes the consumer as a commit or an abort over [`port`](Self::port) has said.
    #[doc(hidden)]
    pub fn wake(&self, whom: Option<Sleep>) {
        match whom {
            None => {}
            Some(Sleep::Futex) => futex::wake(&self.region().control().wake.0, 1),
            Some(Sleep::EventFd) => self.link.ring.event.ring(),
        }
    }
}
