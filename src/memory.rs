//! The memory of a ring: a sealed memfd, and its mapping.
//!
//! The consumer makes the file, sizes it and seals its size before anybody else gets it: a producer that could truncate
//! it would kill the consumer with SIGBUS. Whoever attaches checks the seals, the size and the header against each
//! other before it believes any of them. The file has no name anywhere, so a crash leaves nothing behind.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use frame_ring_core::layout::{Header, HeaderError, PAGE};
use frame_ring_core::region::Region;
use memmap2::{MmapOptions, MmapRaw};
use nix::fcntl::{fcntl, FcntlArg, SealFlag};
use nix::sys::memfd::{memfd_create, MFdFlags};

use crate::lane::mapping::Mapping;

/// The seals that a ring must carry: nobody can change its size, nor the seals.
const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_SEAL);

/// A mapped ring: the region is valid for as long as this lives.
#[derive(Debug)]
pub(crate) struct Memory {
    region: Region,
    header: Header,
    fd: OwnedFd,
    map: Map,
}

#[derive(Debug)]
enum Map {
    /// All of a memfd.
    Memfd(MmapRaw),
    /// Private pages, with those of a lane's file as the data area if it is not copied.
    Lane(Mapping),
}

impl Memory {
    /// Makes the file and the mapping of a new ring.
    pub(crate) fn create(header: &Header, huge_pages: bool, prefault: bool) -> Result<Self, MemoryError> {
        let fd = new_memfd().map_err(|e| MemoryError::os("memfd_create", e))?;
        nix::unistd::ftruncate(&fd, header.total_bytes as i64)
            .map_err(|e| MemoryError::os("ftruncate", e))?;
        fcntl(&fd, FcntlArg::F_ADD_SEALS(SEALS)).map_err(|e| MemoryError::os("fcntl(F_ADD_SEALS)", e))?;
        let map = map(&fd, header.total_bytes)?;
        if huge_pages {
            // Advice: a kernel that is not configured for it goes on with small pages.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        if prefault {
            populate(&map).map_err(|e| MemoryError::Os { call: "madvise(MADV_POPULATE_WRITE)", error: e })?;
        }
        // SAFETY: the mapping is page-aligned, zeroed, as long as the header says and not shared yet; it lives as long
        // as the region, in the same struct, and its file's size is sealed.
        let region = unsafe { Region::create(base(&map)?, header) }.map_err(MemoryError::Header)?;
        Ok(Self { region, header: *header, fd, map: Map::Memfd(map) })
    }

    /// Makes a ring that nobody else has, whose data area is that of a lane's file, or copies of it.
    pub(crate) fn lane(header: &Header, file: &File, copied: bool) -> Result<Self, MemoryError> {
        let os = |call| move |error| MemoryError::Os { call, error };
        let mut map = Mapping::private(mappable(header.total_bytes)?).map_err(os("mmap"))?;
        if !copied {
            let (at, len) = (mappable(header.data_offset)?, mappable(header.data_bytes)?);
            map.put_file(file, frame_ring_core::lane::DATA, at, len).map_err(os("mmap"))?;
        }
        // SAFETY: the mapping is page-aligned, zeroed where the ring's words are, as long as the header says and not
        // shared yet; it lives as long as the region, in the same struct, and pages of the file that go away are replaced.
        let region = unsafe { Region::create(map.start(), header) }.map_err(MemoryError::Header)?;
        let fd = file.as_fd().try_clone_to_owned().map_err(os("dup"))?;
        Ok(Self { region, header: *header, fd, map: Map::Lane(map) })
    }

    /// Whether a page of a lane's file was gone when it was touched.
    pub(crate) fn was_hit(&self) -> bool {
        matches!(&self.map, Map::Lane(map) if map.was_hit())
    }

    /// Maps a ring that somebody else made, after checking that it is one and that it cannot shrink.
    pub(crate) fn attach(fd: OwnedFd) -> Result<Self, MemoryError> {
        Self::attach_with(fd, map)
    }

    /// The same for looking only: the region may be read, and a write to it is a fault. A descriptor that was opened
    /// for reading will do.
    pub(crate) fn attach_read_only(fd: OwnedFd) -> Result<Self, MemoryError> {
        Self::attach_with(fd, |fd, bytes| {
            MmapOptions::new()
                .len(mappable(bytes)?)
                .map_raw_read_only(fd)
                .map_err(|e| MemoryError::Os { call: "mmap", error: e })
        })
    }

    fn attach_with(
        fd: OwnedFd,
        map: impl FnOnce(&OwnedFd, u64) -> Result<MmapRaw, MemoryError>,
    ) -> Result<Self, MemoryError> {
        let seals = fcntl(&fd, FcntlArg::F_GET_SEALS)
            .map(SealFlag::from_bits_truncate)
            .map_err(|e| MemoryError::NotAMemfd { error: e.into() })?;
        if !seals.contains(SEALS) {
            return Err(MemoryError::NotSealed { expected: SEALS.bits(), found: seals.bits() });
        }
        let size = nix::sys::stat::fstat(&fd).map_err(|e| MemoryError::os("fstat", e))?.st_size as u64;
        if size < PAGE {
            return Err(MemoryError::Header(HeaderError::TooSmall { expected: PAGE, found: size }));
        }
        let map = map(&fd, size)?;
        // SAFETY: the mapping is page-aligned and `size` long; the seals keep its file from shrinking; it lives as long
        // as the region, in the same struct.
        let (region, header) = unsafe { Region::attach(base(&map)?, size) }.map_err(MemoryError::Header)?;
        Ok(Self { region, header, fd, map: Map::Memfd(map) })
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// The private copy of the header.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// How many bytes are mapped.
    pub(crate) fn mapped_bytes(&self) -> usize {
        match &self.map {
            Map::Memfd(map) => map.len(),
            Map::Lane(map) => map.len(),
        }
    }
}

fn new_memfd() -> nix::Result<OwnedFd> {
    let name = c"frame-ring";
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    // Linux 6.3 and newer: memory that can never be made executable. Older kernels refuse the flag.
    match memfd_create(name, flags | MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL)) {
        Err(nix::Error::EINVAL) => memfd_create(name, flags),
        made => made,
    }
}

fn map(fd: &OwnedFd, bytes: u64) -> Result<MmapRaw, MemoryError> {
    MmapOptions::new()
        .len(mappable(bytes)?)
        .map_raw(fd)
        .map_err(|e| MemoryError::Os { call: "mmap", error: e })
}

fn mappable(bytes: u64) -> Result<usize, MemoryError> {
    usize::try_from(bytes)
        .map_err(|_| MemoryError::Header(HeaderError::TooSmall { expected: bytes, found: usize::MAX as u64 }))
}

fn base(map: &MmapRaw) -> Result<NonNull<u8>, MemoryError> {
    NonNull::new(map.as_mut_ptr()).ok_or_else(|| MemoryError::Os {
        call: "mmap",
        error: io::Error::from(io::ErrorKind::AddrNotAvailable),
    })
}

/// Makes every page present, so that no capture thread pays for its first touch.
fn populate(map: &MmapRaw) -> io::Result<()> {
    match map.advise(memmap2::Advice::PopulateWrite) {
        // Before Linux 5.14 there is no such advice: touch the pages by hand. Nobody else has the mapping yet.
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => {
            for offset in (0..map.len()).step_by(PAGE as usize) {
                // SAFETY: the offset lies in the mapping, which nobody else has yet; a page holds zeros so far.
                unsafe { map.as_mut_ptr().add(offset).write_volatile(0) };
            }
            Ok(())
        }
        other => other,
    }
}

/// Why memory could not be made into a ring, or is none.
#[derive(Debug)]
pub enum MemoryError {
    /// The kernel refused.
    Os {
        /// The call.
        call: &'static str,
        /// What it said.
        error: io::Error,
    },
    /// The descriptor is not a memfd: it has no seals.
    NotAMemfd {
        /// What the kernel said.
        error: io::Error,
    },
    /// The file could change its size under the mapping.
    NotSealed {
        /// The seals that it must carry, as in `fcntl(F_GET_SEALS)`.
        expected: i32,
        /// The seals that it carries.
        found: i32,
    },
    /// What the file holds is no ring that this version can use.
    Header(HeaderError),
}

impl MemoryError {
    fn os(call: &'static str, errno: nix::Error) -> Self {
        MemoryError::Os { call, error: errno.into() }
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::Os { call, error } => write!(f, "{call} failed: {error}"),
            MemoryError::NotAMemfd { error } => {
                write!(f, "the file is not a memfd ({error}); hand over a ring's own")
            }
            MemoryError::NotSealed { expected, found } => write!(
                f,
                "the memfd must carry the seals {expected:#x} and carries {found:#x}: its size could change"
            ),
            MemoryError::Header(why) => write!(f, "the memfd holds no usable ring: {why}"),
        }
    }
}

impl std::error::Error for MemoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MemoryError::Os { error, .. } | MemoryError::NotAMemfd { error } => Some(error),
            MemoryError::Header(why) => Some(why),
            MemoryError::NotSealed { .. } => None,
        }
    }
}
