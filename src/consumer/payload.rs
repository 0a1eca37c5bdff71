//! Views of bytes that another process may still be writing to.
//!
//! A `&[u8]` promises the compiler that nobody writes to the bytes. A producer that is not trusted can break that
//! promise at any time, so the safe views give length, address and copies, and a slice only after
//! [`Consumer::trust_producers`](crate::Consumer::trust_producers).

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;

/// Some readable bytes of a frame.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    start: NonNull<u8>,
    len: usize,
    trusted: bool,
    frame: PhantomData<&'a u8>,
}

// SAFETY: a view of memory that is readable from every thread for `'a`; it has no state of its own.
unsafe impl Send for Payload<'_> {}
// SAFETY: as above.
unsafe impl Sync for Payload<'_> {}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("len", &self.len)
            .field("trusted", &self.trusted)
            .finish_non_exhaustive()
    }
}

impl<'a> Payload<'a> {
    /// # Safety
    /// `len` bytes from `start` are readable for `'a`; if `trusted`, nobody writes to them in that time.
    pub(crate) unsafe fn new(start: NonNull<u8>, len: usize, trusted: bool) -> Self {
        Self { start, len, trusted, frame: PhantomData }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first byte, for foreign code that reads in place. Multiple of 64 for a whole payload; 64 bytes
    /// behind the end can be read, too.
    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// The bytes in place, if producers are trusted; see
    /// [`Consumer::trust_producers`](crate::Consumer::trust_producers).
    pub fn as_slice(&self) -> Option<&'a [u8]> {
        // SAFETY: by the contract of `new`, the bytes are readable for `'a` and, being trusted, not written to.
        self.trusted.then(|| unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) })
    }

    /// Copies the first bytes to `to`, as many as both have, and returns how many.
    pub fn copy_to_slice(&self, to: &mut [u8]) -> usize {
        self.read_at(0, to)
    }

    /// Copies bytes from `offset` on to `to`, as many as there are, and returns how many.
    pub fn read_at(&self, offset: usize, to: &mut [u8]) -> usize {
        let len = self.len.saturating_sub(offset).min(to.len());
        if len > 0 {
            // SAFETY: `offset + len` lies in the view and `len` in `to`, which is not shared memory. The C library's
            // memcpy is opaque to the compiler: whatever another process writes meanwhile, it is bytes.
            unsafe { libc::memcpy(to.as_mut_ptr().cast(), self.start.as_ptr().add(offset).cast(), len) };
        }
        len
    }

    /// A private copy of all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len);
        // SAFETY: room for `len` bytes was just made, and they are all written; for the memcpy see `read_at`.
        unsafe {
            libc::memcpy(bytes.as_mut_ptr() as *mut _, self.start.as_ptr().cast(), self.len);
            bytes.set_len(self.len);
        }
        bytes
    }

    /// Writes all bytes to a file descriptor, straight from the ring.
    pub fn write_to(&self, fd: impl AsFd) -> io::Result<()> {
        let mut done = 0;
        while done < self.len {
            // SAFETY: the rest of the view is readable; the kernel reads it as bytes.
            let n = unsafe {
                libc::write(fd.as_fd().as_raw_fd(), self.start.as_ptr().add(done).cast(), self.len - done)
            };
            match n {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n if n > 0 => done += n as usize,
                _ => match io::Error::last_os_error() {
                    e if e.kind() == io::ErrorKind::Interrupted => {}
                    e => return Err(e),
                },
            }
        }
        Ok(())
    }

    /// A part of the view, or `None` if it does not lie inside.
    pub fn part(&self, offset: usize, len: usize) -> Option<Payload<'a>> {
        let end = offset.checked_add(len)?;
        // SAFETY: checked to lie in this view, whose contract it inherits.
        (end <= self.len).then(|| unsafe { Payload::new(self.start.add(offset), len, self.trusted) })
    }
}
