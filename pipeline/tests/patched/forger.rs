//! A consumer that speaks the hand-over and hands out what is no ring, or says what is no answer.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use frame_ring::{ConnectError, Header, Producer};
use frame_ring_core::layout::ABI_VERSION;
use nix::fcntl::SealFlag;
use nix::poll::{poll, PollFd, PollFlags};
use nix::sys::socket::{accept4, bind, listen, socket, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};

use crate::support::raw::{self, answer, header, header_bytes, memfd, memfd_of, SEALS};
use crate::support::{Random, TempDir};

/// What a producer must make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is no ring: a `DataError`.
    NoRing,
    /// Nobody is there, or says no: a `NetworkError`.
    NoConsumer,
}

/// Something to say instead of a good answer.
#[derive(Debug, Clone, Copy)]
pub struct Forgery {
    pub name: &'static str,
    pub verdict: Verdict,
    make: fn() -> Reply,
}

/// What is said; nothing at all is a hang-up.
struct Reply {
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

/// A welcome with this for a ring.
fn welcome(memory: OwnedFd) -> Reply {
    let (doorbell, _) = raw::pair();
    Reply { bytes: answer(ABI_VERSION, 0, 1, 1), fds: vec![memory, doorbell] }
}

/// A good ring with an answer that is not.
fn answered(bytes: Vec<u8>) -> Reply {
    Reply { bytes, ..welcome(memfd_of(&header())) }
}

fn sealed_with(seals: SealFlag) -> Reply {
    welcome(memfd(&header_bytes(&header()), header().total_bytes, seals))
}

fn of_header(adapt: impl FnOnce(&mut Header)) -> Reply {
    let mut header = header();
    adapt(&mut header);
    welcome(memfd_of(&header))
}

/// A good ring by a descriptor that is only for reading.
fn read_only() -> Reply {
    let good = memfd_of(&header());
    let opened = OpenOptions::new().read(true).open(format!("/proc/self/fd/{}", good.as_raw_fd()));
    welcome(opened.unwrap().into())
}

/// A file that has a name.
fn named_file() -> Reply {
    let dir = TempDir::new();
    let path = dir.join("ring");
    std::fs::write(&path, header_bytes(&header())).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    file.set_len(header().total_bytes).unwrap();
    welcome(file.into())
}

fn with_descriptors(count: usize) -> Reply {
    let mut reply = welcome(memfd_of(&header()));
    reply.fds.truncate(count);
    while reply.fds.len() < count {
        reply.fds.push(reply.fds[0].try_clone().unwrap());
    }
    reply
}

const fn no_ring(name: &'static str, make: fn() -> Reply) -> Forgery {
    Forgery { name, verdict: Verdict::NoRing, make }
}

const fn no_consumer(name: &'static str, make: fn() -> Reply) -> Forgery {
    Forgery { name, verdict: Verdict::NoConsumer, make }
}

pub const FORGERIES: [Forgery; 27] = [
    no_ring("no seals", || sealed_with(SealFlag::empty())),
    no_ring("may shrink", || sealed_with(SEALS.difference(SealFlag::F_SEAL_SHRINK))),
    no_ring("may grow", || sealed_with(SEALS.difference(SealFlag::F_SEAL_GROW))),
    no_ring("may be sealed further", || sealed_with(SEALS.difference(SealFlag::F_SEAL_SEAL))),
    no_ring("sealed against writing", || sealed_with(SEALS.union(SealFlag::F_SEAL_WRITE))),
    no_ring("only for reading", read_only),
    no_ring("empty", || welcome(memfd(&[], 0, SEALS))),
    no_ring("a page", || welcome(memfd(&header_bytes(&header()), 4096, SEALS))),
    no_ring("a page less than it says", || {
        welcome(memfd(&header_bytes(&header()), header().total_bytes - 4096, SEALS))
    }),
    no_ring("a byte less than it says", || {
        welcome(memfd(&header_bytes(&header()), header().total_bytes - 1, SEALS))
    }),
    no_ring("zeros", || welcome(memfd(&[], 1 << 17, SEALS))),
    no_ring("garbage", || welcome(memfd(&Random::new(1).bytes(4096), 1 << 17, SEALS))),
    no_ring("another magic", || of_header(|header| header.magic += 1)),
    no_ring("a ring of another version", || of_header(|header| header.abi_version = 2)),
    no_ring("needs what nobody knows", || of_header(|header| header.required_features = 1 << 40)),
    no_ring("slots that are no power of two", || of_header(|header| header.slots = 17)),
    no_ring("slots elsewhere", || of_header(|header| header.slots_offset += 4096)),
    no_ring("data beyond the end", || of_header(|header| header.data_bytes *= 2)),
    no_ring("a pipe", || welcome(nix::unistd::pipe().unwrap().1)),
    no_ring("a device", || welcome(File::open("/dev/zero").unwrap().into())),
    no_ring("a file with a name", named_file),
    no_ring("one descriptor", || with_descriptors(1)),
    no_ring("three descriptors", || with_descriptors(3)),
    no_ring("a producer that cannot be", || answered(answer(ABI_VERSION, 0, 256, 1))),
    no_ring("an answer of something else", || answered(vec![b'x'; 80])),
    no_consumer("a refusal", || Reply { bytes: answer(ABI_VERSION, 4, 0, 0), fds: Vec::new() }),
    no_consumer("a hang-up", || Reply { bytes: Vec::new(), fds: Vec::new() }),
];

/// Serves one forgery to whoever asks.
pub struct Forger {
    path: PathBuf,
    asked: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Forger {
    pub fn serve(forgery: Forgery, path: &Path) -> Self {
        let listener =
            socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        bind(listener.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
        listen(&listener, Backlog::new(8).unwrap()).unwrap();
        let (asked, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (asked, stop) = (asked.clone(), stop.clone());
            move || forge(forgery, &listener, &asked, &stop)
        });
        Self { path: path.into(), asked, stop, thread: Some(thread) }
    }

    /// How many have asked.
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
        let _ = std::fs::remove_file(&self.path);
    }
}

fn forge(forgery: Forgery, listener: &OwnedFd, asked: &AtomicU32, stop: &AtomicBool) {
    // Kept open: a hang-up is a forgery of its own.
    let mut open = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], 20u16) != Ok(1) {
            continue;
        }
        let fd = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC).expect("a connection");
        // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let (request, _) = raw::receive(&socket).expect("a request");
        assert_eq!(
            (request.len(), &request[..12]),
            (80, &raw::hello(ABI_VERSION, 1, b"")[..12]),
            "a producer asks"
        );
        let reply = (forgery.make)();
        asked.fetch_add(1, Ordering::Relaxed);
        if reply.bytes.is_empty() {
            continue;
        }
        let fds: Vec<_> = reply.fds.iter().map(AsRawFd::as_raw_fd).collect();
        raw::send_with_descriptors(&socket, &reply.bytes, &fds);
        open.push(socket);
    }
}

/// The forgeries are what they are called: a producer of this crate refuses each for the reason that it has.
#[test]
fn the_forgeries_are_no_rings() {
    for forgery in FORGERIES {
        let dir = TempDir::new();
        let forger = Forger::serve(forgery, &dir.join("ring"));
        let verdict = match Producer::connect(dir.join("ring"), "victim") {
            Err(
                ConnectError::Memory(_) | ConnectError::Descriptors { .. } | ConnectError::NotAnAnswer { .. },
            ) => Verdict::NoRing,
            Err(ConnectError::Refused(_) | ConnectError::HungUp) => Verdict::NoConsumer,
            other => panic!("{}: {other:?}", forgery.name),
        };
        assert_eq!((verdict, forger.asked()), (forgery.verdict, 1), "{}", forgery.name);
    }
}

/// The same with nothing forged is a ring: it is the forgery that is refused.
#[test]
fn what_is_forged_is_good_otherwise() {
    let honest = Forgery { name: "honest", verdict: Verdict::NoRing, make: || welcome(memfd_of(&header())) };
    let dir = TempDir::new();
    let forger = Forger::serve(honest, &dir.join("ring"));
    let producer = Producer::connect(dir.join("ring"), "guest").expect("a ring");
    assert_eq!((producer.id(), forger.asked()), (1, 1));
    std::thread::sleep(Duration::from_millis(50));
    assert!(
        producer.send(b"a frame", &frame_ring::Descriptor::opaque()).is_ok(),
        "the forger keeps the connection"
    );
}
