//! Mappings of a lane's file, and of memory that stands beside it.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;

use nix::sys::mman::{mmap, mmap_anonymous, munmap, MapFlags, ProtFlags};

use crate::sys::sigbus::Guard;

/// Some pages, guarded where they are a file's.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    /// Dropped before the pages are unmapped: see `Drop`.
    guard: Option<Guard>,
}

// SAFETY: it owns its pages, which no thread owns in particular; what is done with them is up to the users of `start`.
unsafe impl Send for Mapping {}
// SAFETY: as above; `&Mapping` gives out an address only.
unsafe impl Sync for Mapping {}

fn pages(len: usize) -> io::Result<NonZeroUsize> {
    NonZeroUsize::new(len).ok_or_else(|| io::Error::other("a mapping of no bytes"))
}

impl Mapping {
    /// Private pages of zeros.
    pub(crate) fn private(len: usize) -> io::Result<Self> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping somewhere; it replaces nothing.
        let start = unsafe {
            mmap_anonymous(None, pages(len)?, access, MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE)?
        };
        Ok(Self { start: start.cast(), len, guard: None })
    }

    /// `len` bytes of a file from `offset` on, guarded.
    pub(crate) fn of_file(file: &File, offset: u64, len: usize) -> io::Result<Self> {
        let mut mapping = Self::private(len)?;
        mapping.put_file(file, offset, 0, len)?;
        Ok(mapping)
    }

    /// Puts `len` bytes of a file from `offset` on in place of the pages from `at` on, and guards them. Once in a mapping.
    pub(crate) fn put_file(&mut self, file: &File, offset: u64, at: usize, len: usize) -> io::Result<()> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(io::Error::other("the file's pages leave the mapping"));
        }
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let place = NonZeroUsize::new(self.start.as_ptr() as usize + at);
        // SAFETY: it replaces pages of this mapping alone, which nobody uses yet.
        let start = unsafe {
            let flags = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
            mmap(place, pages(len)?, access, flags, file.as_fd(), offset as i64)?
        };
        // SAFETY: the pages were just mapped, and stay until `Drop`, which drops the guard first.
        self.guard = Some(unsafe { Guard::new(start.cast(), len)? });
        Ok(())
    }

    /// The first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether a page of the file was gone when it was touched.
    pub(crate) fn was_hit(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::was_hit)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.guard = None;
        // SAFETY: the pages are this mapping's own, and whoever used them borrowed it.
        let _ = unsafe { munmap(self.start.cast(), self.len) };
    }
}
