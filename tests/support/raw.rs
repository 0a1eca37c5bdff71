//! The ring from below: a producer without manners that speaks the hand-over by hand and writes where it likes.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::ptr::NonNull;

use frame_ring::{Consumer, Header};
use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{claim, commit, Class};
use frame_ring_core::layout::{Layout, ABI_VERSION, MAGIC};
use frame_ring_core::region::Region;
use frame_ring_core::word::Geometry;
use memmap2::{MmapOptions, MmapRaw};
use nix::fcntl::{fcntl, FcntlArg, SealFlag};
use nix::sys::memfd::{memfd_create, MFdFlags};
use nix::sys::socket::{
    connect, recvmsg, send, sendmsg, socket, socketpair, AddressFamily, ControlMessage, ControlMessageOwned,
    MsgFlags, SockFlag, SockType, UnixAddr,
};

pub const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_SEAL);

/// A connected pair of seqpacket sockets.
pub fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a pair")
}

/// A request, well-formed: version, role (1 producer, 2 observer), label.
pub fn hello(version: u32, role: u32, label: &[u8]) -> Vec<u8> {
    let mut bytes = b"FRHO".to_vec();
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&role.to_le_bytes());
    bytes.resize(24, 0);
    bytes.extend_from_slice(label);
    bytes.resize(80, 0);
    bytes
}

/// An answer: version, code (0 welcome), producer id, generation.
pub fn answer(version: u32, code: u32, owner: u32, generation: u32) -> Vec<u8> {
    let mut bytes = b"FRHO".to_vec();
    for word in [version, code, owner, generation] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.resize(80, 0);
    bytes
}

/// The code and the producer id of an answer.
pub fn code_and_owner(answer: &[u8]) -> (u32, u8) {
    assert_eq!((answer.len(), &answer[..4]), (80, &b"FRHO"[..]));
    (u32::from_le_bytes(answer[8..12].try_into().expect("4 bytes")), answer[12])
}

/// A connection to the socket at a path.
pub fn seqpacket(path: &Path) -> OwnedFd {
    let fd =
        socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    connect(fd.as_raw_fd(), &UnixAddr::new(path).expect("an address")).expect("connected");
    fd
}

pub fn send_bytes(socket: &OwnedFd, bytes: &[u8]) -> nix::Result<usize> {
    send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)
}

pub fn send_with_descriptors(socket: &OwnedFd, bytes: &[u8], fds: &[RawFd]) {
    try_send_with_descriptors(socket, bytes, fds).expect("sent");
}

pub fn try_send_with_descriptors(socket: &OwnedFd, bytes: &[u8], fds: &[RawFd]) -> nix::Result<usize> {
    let rights = [ControlMessage::ScmRights(fds)];
    let rights: &[ControlMessage<'_>] = if fds.is_empty() { &[] } else { &rights };
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], rights, MsgFlags::MSG_NOSIGNAL, None)
}

/// One message, empty at the end of the connection, and the descriptors that came with it.
pub fn receive(socket: &OwnedFd) -> nix::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = [0; 256];
    let mut space = nix::cmsg_space!([RawFd; 32]);
    let mut fds = Vec::new();
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let len = message.bytes;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = control {
            // SAFETY: the kernel has just installed these descriptors for us; nobody else knows them.
            fds.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    Ok((bytes[..len].to_vec(), fds))
}

/// The client's end of a connection whose server has already given its answer and keeps its end open.
pub struct FakeServer {
    pub client: OwnedFd,
    pub server: OwnedFd,
}

impl FakeServer {
    pub fn answering(bytes: &[u8], fds: &[RawFd]) -> Self {
        let (client, server) = pair();
        send_with_descriptors(&server, bytes, fds);
        Self { client, server }
    }
}

/// Asks for a ring as a producer: its id, the memfd and the eventfd.
pub fn ask(lifeline: &OwnedFd, label: &str) -> (u8, [OwnedFd; 2]) {
    send_bytes(lifeline, &hello(ABI_VERSION, 1, label.as_bytes())).expect("sent");
    let (bytes, fds) = receive(lifeline).expect("an answer");
    let (code, owner) = code_and_owner(&bytes);
    assert_eq!(code, 0, "welcome");
    (owner, fds.try_into().expect("two descriptors"))
}

/// Maps a ring that a consumer has made and sealed.
pub fn attach(memfd: &OwnedFd) -> (MmapRaw, Region, Header) {
    let size = nix::sys::stat::fstat(memfd).expect("its size").st_size as u64;
    let map = MmapOptions::new().len(size as usize).map_raw(memfd).expect("mapped");
    let base = NonNull::new(map.as_mut_ptr()).expect("an address");
    // SAFETY: the whole file is mapped, the consumer has sealed its size, and callers keep the mapping as long as the region.
    let (region, header) = unsafe { Region::attach(base, size) }.expect("a ring");
    (map, region, header)
}

/// A mapped ring, and what came with it.
pub struct Raw {
    pub region: Region,
    pub owner: u8,
    pub header: Header,
    pub memfd: OwnedFd,
    pub event: OwnedFd,
    pub lifeline: OwnedFd,
    map: MmapRaw,
}

impl Raw {
    /// Joins a ring as a producer.
    pub fn join(ring: &Consumer, label: &str) -> Self {
        Self::join_over(ring.invite().expect("an invitation").into_fd(), label)
    }

    /// The same over a socket.
    pub fn join_over(lifeline: OwnedFd, label: &str) -> Self {
        let (owner, [memfd, event]) = ask(&lifeline, label);
        let (map, region, header) = attach(&memfd);
        Self { region, owner, header, memfd, event, lifeline, map }
    }

    /// All 64-bit words of the region.
    pub fn words(&self) -> &[std::sync::atomic::AtomicU64] {
        // SAFETY: the mapping is page-aligned and lives as long as `self`; every bit pattern is a word.
        unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast(), self.map.len() / 8) }
    }

    /// Commits a frame of `len` bytes with whatever descriptor.
    pub fn send_described(&self, len: usize, words: &[u64]) {
        let made = claim(&self.region, self.owner, Class::Event, len.div_ceil(64) as u32).expect("room");
        self.region.write_descriptor(self.region.geometry().slot(made.index()), words);
        // Whoever is to be woken is left to the caller: a consumer that polls need not be.
        let _ = commit(&self.region, made).expect("not revoked");
    }
}

/// The header of a ring of 64 KiB, 16 slots and 4 tracks.
pub fn header() -> Header {
    let geometry = Geometry::new(1024, 16).expect("in range");
    let layout = Layout::new(geometry, 4).expect("in range");
    Header {
        magic: MAGIC,
        abi_version: ABI_VERSION,
        slots: geometry.slots(),
        required_features: 0,
        optional_features: 0,
        total_bytes: layout.total_bytes,
        data_bytes: layout.data_bytes(),
        slots_offset: layout.slots_offset,
        data_offset: layout.data_offset,
        tracks: 4,
        consumer_pid: std::process::id(),
        ring_id: [1, 2],
        created_mono_ns: 3,
        created_real_ns: 4,
        name: [0; 64],
    }
}

/// A memfd of `size` bytes that begins with `bytes` and carries `seals`.
pub fn memfd(bytes: &[u8], size: u64, seals: SealFlag) -> OwnedFd {
    let fd = memfd_create(c"test", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("a memfd");
    let shown = &bytes[..bytes.len().min(size as usize)];
    assert_eq!(nix::unistd::write(&fd, shown).expect("written"), shown.len());
    nix::unistd::ftruncate(&fd, size as i64).expect("its size");
    fcntl(&fd, FcntlArg::F_ADD_SEALS(seals)).expect("its seals");
    fd
}

/// A sealed memfd with a header, as large as the header says.
pub fn memfd_of(header: &Header) -> OwnedFd {
    memfd(&header_bytes(header), header.total_bytes.clamp(4096, 1 << 20), SEALS)
}

pub fn header_bytes(header: &Header) -> Vec<u8> {
    let start = std::ptr::from_ref(header).cast::<u8>();
    // SAFETY: a header consists of integers without padding between them, and lives until the copy is made.
    unsafe { std::slice::from_raw_parts(start, size_of::<Header>()) }.to_vec()
}
