//! The asking side: connect, say hello, receive the ring.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use frame_ring_core::layout::ABI_VERSION;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{
    connect, recv, recvmsg, send, setsockopt, socket, sockopt, AddressFamily, ControlMessageOwned, MsgFlags,
    SockFlag, SockType, UnixAddr,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::wire::{Answer, Hello, RefusalReason, Role, MESSAGE_BYTES};
use crate::memory::{Memory, MemoryError};
use crate::sys::event::EventFd;

/// How long the consumer has for its answer.
const ANSWER_SECONDS: u16 = 10;

/// What a producer gets.
#[derive(Debug)]
pub(crate) struct Welcome {
    pub(crate) memory: Memory,
    pub(crate) event: EventFd,
    pub(crate) lifeline: OwnedFd,
    pub(crate) owner: u8,
    pub(crate) generation: u32,
}

/// Connects to a consumer's socket.
pub(crate) fn dial(path: &Path) -> Result<OwnedFd, ConnectError> {
    let failed = |errno: nix::Error| ConnectError::Unreachable { path: path.into(), error: errno.into() };
    let fd =
        socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).map_err(failed)?;
    let address = UnixAddr::new(path).map_err(failed)?;
    // Bounds the connect as well: a consumer that is stopped may have its queue full.
    setsockopt(&fd, sockopt::SendTimeout, &TimeVal::seconds(ANSWER_SECONDS.into())).map_err(failed)?;
    uninterrupted(|| connect(fd.as_raw_fd(), &address)).map_err(failed)?;
    Ok(fd)
}

/// Asks for the ring as a producer.
pub(crate) fn join(lifeline: OwnedFd, label: &str) -> Result<Welcome, ConnectError> {
    let (owner, generation, fds) = ask(&lifeline, Role::Producer, label)?;
    let [memfd, event] = <[OwnedFd; 2]>::try_from(fds)
        .map_err(|fds| ConnectError::Descriptors { expected: 2, found: fds.len() })?;
    if owner == 0 {
        return Err(ConnectError::NotAnAnswer { bytes: MESSAGE_BYTES });
    }
    let memory = Memory::attach(memfd).map_err(ConnectError::Memory)?;
    Ok(Welcome { memory, event: EventFd::from_fd(event), lifeline, owner, generation })
}

/// Asks for the ring as an observer.
pub(crate) fn watch(socket: &OwnedFd) -> Result<Memory, ConnectError> {
    let (_, _, fds) = ask(socket, Role::Observer, "")?;
    let [memfd] = <[OwnedFd; 1]>::try_from(fds)
        .map_err(|fds| ConnectError::Descriptors { expected: 1, found: fds.len() })?;
    Memory::attach_read_only(memfd).map_err(ConnectError::Memory)
}

fn ask(socket: &OwnedFd, role: Role, label: &str) -> Result<(u8, u32, Vec<OwnedFd>), ConnectError> {
    let os = |errno: nix::Error| ConnectError::Os(errno.into());
    let hello = Hello { role, label: label.into() };
    let hello = hello.encode();
    let sent = uninterrupted(|| send(socket.as_raw_fd(), &hello, MsgFlags::MSG_NOSIGNAL));
    sent.map_err(|errno| match errno {
        nix::Error::EPIPE | nix::Error::ECONNRESET => ConnectError::HungUp,
        other => os(other),
    })?;
    let (bytes, len, fds) = wait(socket).and_then(|()| receive(socket)).map_err(|errno| match errno {
        nix::Error::EAGAIN => ConnectError::NoAnswer { seconds: ANSWER_SECONDS.into() },
        nix::Error::ECONNRESET => ConnectError::HungUp,
        other => os(other),
    })?;
    if len == 0 {
        return Err(ConnectError::HungUp);
    }
    match Answer::decode(&bytes[..len]) {
        Some(Answer::Welcome { owner, generation }) => Ok((owner, generation, fds)),
        Some(Answer::Refused { reason: RefusalReason::Version, version }) => {
            Err(ConnectError::Version { expected: ABI_VERSION, found: version })
        }
        Some(Answer::Refused { reason, .. }) => Err(ConnectError::Refused(reason)),
        None => Err(ConnectError::NotAnAnswer { bytes: len }),
    }
}

/// Makes a call again for as long as signals interrupt it.
fn uninterrupted<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(nix::Error::EINTR) => {}
            done => return done,
        }
    }
}

/// Waits until there is something to receive. Not by a time-out of the socket's own: a sandboxed renderer that asks for
/// one is killed.
fn wait(socket: &OwnedFd) -> nix::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(ANSWER_SECONDS.into());
    let ready = uninterrupted(|| {
        let left = deadline.saturating_duration_since(Instant::now());
        let time = PollTimeout::try_from(left).map_err(|_| nix::Error::EINVAL)?;
        poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], time)
    })?;
    if ready == 0 {
        return Err(nix::Error::EAGAIN);
    }
    Ok(())
}

/// One message and the descriptors that came with it.
fn receive(socket: &OwnedFd) -> nix::Result<([u8; MESSAGE_BYTES + 1], usize, Vec<OwnedFd>)> {
    // A byte more than a message has, so that a longer one is seen to be longer.
    let mut bytes = [0; MESSAGE_BYTES + 1];
    // As many as the kernel ever sends at once: those behind the end of a shorter space would be ours without our knowing.
    let mut space = nix::cmsg_space!([RawFd; 253]);
    let mut fds = Vec::new();
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let len = message.bytes;
    if let Ok(controls) = message.cmsgs() {
        for control in controls {
            if let ControlMessageOwned::ScmRights(received) = control {
                // SAFETY: the kernel has just installed these descriptors for us; nobody else knows them.
                fds.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
    }
    Ok((bytes, len, fds))
}

/// Whether the consumer still holds its end of the lifeline.
pub(crate) fn is_alive(lifeline: &OwnedFd) -> bool {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    !matches!(recv(lifeline.as_raw_fd(), &mut [0; 1], flags), Ok(0) | Err(nix::Error::ECONNRESET))
}

/// Why there is no connection to a ring.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nothing answers at the path.
    Unreachable {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// Neither `FRAME_RING_FD` nor `FRAME_RING_SOCKET` names a socket.
    NoEnvironment {
        /// The variable that is wrong, and what it holds; `None` if neither is set.
        found: Option<String>,
    },
    /// A system call failed.
    Os(io::Error),
    /// The consumer closed the connection.
    HungUp,
    /// The consumer did not answer in time.
    NoAnswer {
        /// The time that it had.
        seconds: u64,
    },
    /// What came back was not an answer of a frame ring.
    NotAnAnswer {
        /// Its length.
        bytes: usize,
    },
    /// The answer came with the wrong number of file descriptors.
    Descriptors {
        /// How many belong to it.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// The two sides speak different versions.
    Version {
        /// The version of this library.
        expected: u32,
        /// The version of the consumer's.
        found: u32,
    },
    /// The consumer said no.
    Refused(RefusalReason),
    /// The memory that was handed over is not a usable ring.
    Memory(MemoryError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Unreachable { path, error } => {
                write!(f, "no consumer answers at {}: {error}; is it running?", path.display())
            }
            ConnectError::NoEnvironment { found: None } => {
                write!(
                    f,
                    "neither FRAME_RING_FD nor FRAME_RING_SOCKET is set; start the program by a consumer"
                )
            }
            ConnectError::NoEnvironment { found: Some(found) } => {
                write!(f, "FRAME_RING_FD must be the number of an open socket and is {found:?}")
            }
            ConnectError::Os(error) => write!(f, "the connection failed: {error}"),
            ConnectError::HungUp => write!(f, "the consumer closed the connection before it answered"),
            ConnectError::NoAnswer { seconds } => write!(f, "the consumer did not answer within {seconds} s"),
            ConnectError::NotAnAnswer { bytes } => {
                write!(f, "the peer answered {bytes} bytes that no frame ring sends; is it the right socket?")
            }
            ConnectError::Descriptors { expected, found } => {
                write!(f, "the answer must bring {expected} file descriptors and brought {found}")
            }
            ConnectError::Version { expected, found } => {
                write!(f, "the consumer speaks version {found}, this library version {expected}; update the older side")
            }
            ConnectError::Refused(reason) => write!(f, "the consumer refused: {reason}"),
            ConnectError::Memory(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConnectError::Unreachable { error, .. } | ConnectError::Os(error) => Some(error),
            ConnectError::Memory(why) => Some(why),
            _ => None,
        }
    }
}
