//! The handing side: one thread per consumer that admits producers and notices when they are gone.
//!
//! The thread sleeps in `poll` and touches no frame; data flows beside it.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use frame_ring_core::layout::ABI_VERSION;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{
    accept4, bind, connect, getsockopt, listen, recv, sendmsg, socket, socketpair, sockopt, AddressFamily,
    Backlog, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr,
};

use super::wire::{Answer, Hello, RefusalReason, Role, MESSAGE_BYTES};
use crate::consumer::shared::{Admitted, Ids, Shared};
use crate::sys::event::EventFd;

/// Connections at once, observers and those that have not asked yet included.
const MAX_CONNECTIONS: usize = 1024;

/// The running thread; dropping it hangs up on all producers.
#[derive(Debug)]
pub(crate) struct Server {
    shared: Arc<Shared>,
    door: Arc<Door>,
    /// Where it listens, and which file (device and inode) is its own there.
    paths: Vec<(PathBuf, (u64, u64))>,
    thread: Option<JoinHandle<()>>,
}

/// What the consumer's threads leave for the server's.
#[derive(Debug)]
struct Door {
    arrivals: Mutex<Vec<Arrival>>,
    closing: AtomicBool,
    bell: EventFd,
}

#[derive(Debug)]
enum Arrival {
    Listener(OwnedFd),
    Socket(OwnedFd),
}

impl Server {
    /// Starts the thread. `users` may connect besides the consumer's own.
    pub(crate) fn start(shared: Arc<Shared>, users: Vec<u32>) -> io::Result<Self> {
        let door = Arc::new(Door {
            arrivals: Mutex::default(),
            closing: AtomicBool::new(false),
            bell: EventFd::new()?,
        });
        let host = Host {
            shared: shared.clone(),
            door: door.clone(),
            users,
            ids: Ids::new(),
            listeners: Vec::new(),
            connections: HashMap::new(),
        };
        let thread = std::thread::Builder::new().name("frame-ring-door".into()).spawn(move || host.run())?;
        Ok(Self { shared, door, paths: Vec::new(), thread: Some(thread) })
    }

    /// Admits producers and observers at `path`, which only this user may open.
    pub(crate) fn listen(&mut self, path: &Path) -> io::Result<()> {
        let listener = bind_private(path)?;
        self.paths.push((path.into(), file_id(path)?));
        self.arrive(Arrival::Listener(listener));
        Ok(())
    }

    /// One end of a new socket pair whose other end is served.
    pub(crate) fn invite(&self) -> io::Result<OwnedFd> {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        self.arrive(Arrival::Socket(ours));
        Ok(theirs)
    }

    fn arrive(&self, arrival: Arrival) {
        self.shared.sources.fetch_add(1, Ordering::Relaxed);
        self.door.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
        self.door.bell.ring();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for (path, file) in &self.paths {
            // Gone already is fine; what somebody else has put there since is not ours to remove.
            if file_id(path).is_ok_and(|found| found == *file) {
                let _ = std::fs::remove_file(path);
            }
        }
        self.door.closing.store(true, Ordering::Release);
        self.door.bell.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Binds a listening socket with mode 0600; takes the place of one that a dead process has left behind.
fn bind_private(path: &Path) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    let address = UnixAddr::new(path)?;
    // Before the bind: the file is made with the socket's mode, so there is no moment at which others may open it.
    nix::sys::stat::fchmod(&fd, nix::sys::stat::Mode::from_bits_truncate(0o600))?;
    match bind(fd.as_raw_fd(), &address) {
        Err(nix::Error::EADDRINUSE) if is_abandoned(path, &address)? => {
            std::fs::remove_file(path)?;
            bind(fd.as_raw_fd(), &address)?;
        }
        bound => bound?,
    }
    listen(&fd, Backlog::new(128)?)?;
    Ok(fd)
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Whether a path is a socket that nobody listens at.
fn is_abandoned(path: &Path, address: &UnixAddr) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    // Not to wait: the queue of a consumer that is stopped may be full.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let probe = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    Ok(connect(probe.as_raw_fd(), address) == Err(nix::Error::ECONNREFUSED))
}

/// What became of a connection.
#[derive(Debug)]
enum Peer {
    /// It has not asked yet.
    New,
    /// It feeds the ring, and has a bell.
    Producer(u8, EventFd),
}

/// The thread's own state.
#[derive(Debug)]
struct Host {
    shared: Arc<Shared>,
    door: Arc<Door>,
    users: Vec<u32>,
    ids: Ids,
    listeners: Vec<OwnedFd>,
    connections: HashMap<i32, (OwnedFd, Peer)>,
}

impl Host {
    fn run(mut self) {
        while !self.door.closing.load(Ordering::Acquire) {
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(nix::Error::EINTR) => continue,
                // Out of kernel memory: nothing to do but to try again later.
                Err(_) => {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
            };
            for fd in ready {
                self.serve(fd);
            }
            self.door.bell.clear();
            let arrivals =
                std::mem::take(&mut *self.door.arrivals.lock().unwrap_or_else(PoisonError::into_inner));
            for arrival in arrivals {
                match arrival {
                    Arrival::Listener(fd) => self.listeners.push(fd),
                    Arrival::Socket(fd) => {
                        self.connections.insert(fd.as_raw_fd(), (fd, Peer::New));
                    }
                }
            }
        }
    }

    /// Sleeps until something happens, and says where.
    fn wait(&self) -> nix::Result<Vec<i32>> {
        let sockets = self.connections.values().map(|(fd, _)| fd.as_fd());
        let all =
            [self.door.bell.as_fd()].into_iter().chain(self.listeners.iter().map(AsFd::as_fd)).chain(sockets);
        let mut polled: Vec<_> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        poll(&mut polled, PollTimeout::NONE)?;
        let is_ready = |p: &&PollFd<'_>| p.revents().is_some_and(|events| !events.is_empty());
        Ok(polled.iter().skip(1).filter(is_ready).map(|p| p.as_fd().as_raw_fd()).collect())
    }

    fn serve(&mut self, fd: i32) {
        if self.listeners.iter().any(|l| l.as_raw_fd() == fd) {
            return self.accept(fd);
        }
        let Some((socket, peer)) = self.connections.get(&fd) else { return };
        let mut bytes = [0; MESSAGE_BYTES + 1];
        // Without room for control messages: descriptors that a peer sends along are never installed.
        let received = recv(socket.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT);
        match (received, peer) {
            (Err(nix::Error::EAGAIN | nix::Error::EINTR), _) => {}
            (Ok(0) | Err(_), _) => self.hang_up(fd),
            (Ok(len), Peer::New) => self.answer(fd, &bytes[..len]),
            // A producer has nothing more to say; what it says all the same is ignored.
            (Ok(_), Peer::Producer(..)) => {}
        }
    }

    fn accept(&mut self, listener: i32) {
        match accept4(listener, SockFlag::SOCK_CLOEXEC) {
            Ok(fd) => {
                // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                if self.connections.len() < MAX_CONNECTIONS {
                    self.shared.sources.fetch_add(1, Ordering::Relaxed);
                    self.connections.insert(fd.as_raw_fd(), (fd, Peer::New));
                }
            }
            // Out of descriptors: the peer stays in the queue; don't spin on it.
            Err(nix::Error::EMFILE | nix::Error::ENFILE) => std::thread::sleep(Duration::from_millis(50)),
            // The peer is gone again.
            Err(_) => {}
        }
    }

    fn answer(&mut self, fd: i32, request: &[u8]) {
        let Some((socket, peer)) = self.connections.get_mut(&fd) else { return };
        let memfd = self.shared.memory.fd().as_raw_fd();
        let stays = match admit(&self.shared, &mut self.ids, &self.users, socket, request) {
            Ok(Some(Admitted { owner, generation, bell })) => {
                let welcome = Answer::Welcome { owner, generation };
                let replied = reply(socket, &welcome, &[memfd, bell.as_raw_fd()]);
                *peer = Peer::Producer(owner, bell);
                replied.is_ok()
            }
            // Observers then have all they need; the refused get nothing more.
            Ok(None) => {
                let _ = reply(socket, &Answer::Welcome { owner: 0, generation: 0 }, &[memfd]);
                false
            }
            Err(reason) => {
                let _ = reply(socket, &Answer::Refused { reason, version: ABI_VERSION }, &[]);
                false
            }
        };
        if !stays {
            self.hang_up(fd);
        }
    }

    fn hang_up(&mut self, fd: i32) {
        let Some((_, peer)) = self.connections.remove(&fd) else { return };
        if let Peer::Producer(owner, bell) = peer {
            self.shared.dismiss(&mut self.ids, owner, bell);
        }
        self.shared.sources.fetch_sub(1, Ordering::Release);
        // Frames may have become deliverable, or the last source may be gone.
        self.shared.wake_consumer();
    }
}

/// Checks who asks and for what; an observer, who is `None`, gets no place.
fn admit(
    shared: &Shared,
    ids: &mut Ids,
    users: &[u32],
    socket: &OwnedFd,
    request: &[u8],
) -> Result<Option<Admitted>, RefusalReason> {
    let hello = Hello::decode(request)?;
    let peer = getsockopt(socket, sockopt::PeerCredentials).map_err(|_| RefusalReason::User)?;
    if peer.uid() != nix::unistd::geteuid().as_raw() && !users.contains(&peer.uid()) {
        return Err(RefusalReason::User);
    }
    match hello.role {
        Role::Observer => Ok(None),
        Role::Producer => {
            shared.admit(ids, peer.pid() as u32, &hello.label).ok_or(RefusalReason::Crowded).map(Some)
        }
    }
}

fn reply(socket: &OwnedFd, answer: &Answer, fds: &[i32]) -> nix::Result<()> {
    let bytes = answer.encode();
    let rights = [ControlMessage::ScmRights(fds)];
    let rights: &[ControlMessage<'_>] = if fds.is_empty() { &[] } else { &rights };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&bytes)], rights, flags, None).map(drop)
}
