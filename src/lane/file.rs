//! The shared bytes of a lane's file: epochs, posted and released bytes, demand.
//!
//! Each byte that both sides look at stands for itself, so none can be torn. Where the file is mapped, its pages are guarded;
//! where it is copied, every access is a `pread` or a `pwrite`, which a shortened file makes fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{fence, AtomicU8, Ordering};

use frame_ring_core::lane::{self, LaneHeader, DATA, DEMAND, DEMAND_BYTES, HEADER_BYTES};
use frame_ring_core::word::Cursor;
use nix::fcntl::{Flock, FlockArg};

use super::error::{LaneError, LaneFault};
use super::mapping::Mapping;
use super::watch::Watch;
use crate::Demand;

/// A lane that may be received: its header holds, it has a page and no consumer.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) header: LaneHeader,
    pub(super) watch: Watch,
    pub(super) file: File,
    lock: Flock<File>,
}

impl Opened {
    pub(super) fn new(path: &Path) -> Result<Self, LaneError> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let open = |error| LaneError::Open { path: path.into(), error };
        let looked = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(open)?;
        let header = read_header(&looked)?;
        // The same file, whatever lies at the path by now.
        let same = Path::new("/proc/self/fd").join(looked.as_raw_fd().to_string());
        // Before the page is looked for: one that leaves later is heard.
        let watch = Watch::new(&same).map_err(LaneError::Os)?;
        if !has_writer(&looked) {
            return Err(LaneError::Left);
        }
        // Before the file is opened for writing: to a consumer that is there already, its closing would be the page's.
        let lock =
            Flock::lock(looked, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
                nix::Error::EWOULDBLOCK => LaneError::Taken,
                errno => LaneError::Os(errno.into()),
            })?;
        let file = OpenOptions::new().read(true).write(true).open(&same).map_err(open)?;
        let found = file.metadata().map_err(LaneError::Os)?.len();
        if found < header.file_bytes() {
            return Err(LaneError::Short { expected: header.file_bytes(), found });
        }
        Ok(Self { header, watch, file, lock })
    }
}

fn read_header(file: &File) -> Result<LaneHeader, LaneError> {
    let mut bytes = [0; HEADER_BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(LaneError::Header(lane::LaneHeaderError::NoLane))
        }
        read => read.map_err(LaneError::Os).and(LaneHeader::parse(&bytes).map_err(LaneError::Header)),
    }
}

/// Linux' `fcntl` command for the signal that tells of a broken lease; the libc crate has it for few targets.
const F_SETSIG: i32 = 10;

/// Whether some process has the file open for writing. A file that has a writer can have no read lease.
fn has_writer(file: &File) -> bool {
    // SAFETY: the calls take numbers; the lease is this process's own, and it is given back at once. Who opens the file for
    // writing just then makes the kernel signal this process: by a signal that does nothing unless somebody waits for it.
    let leased = unsafe {
        libc::fcntl(file.as_raw_fd(), F_SETSIG, libc::SIGURG);
        libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) == 0
    };
    if leased {
        // SAFETY: as above.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
    // A file system without leases, or another user's file: it may have one.
    !leased
}

/// The words that are shared with the page.
#[derive(Debug)]
pub(crate) struct LaneFile {
    file: File,
    /// This is the lane's consumer for as long as it is held.
    _lock: Flock<File>,
    header: LaneHeader,
    /// Header and pages of both sides, if they are mapped.
    control: Option<Mapping>,
    epoch: u8,
}

impl LaneFile {
    /// Becomes the lane's consumer: begins an epoch.
    pub(super) fn attach(opened: Opened, copied: bool) -> Result<(Self, Watch), LaneError> {
        let Opened { header, watch, file, lock } = opened;
        let control = match copied {
            true => None,
            false => {
                // SAFETY: no pointers.
                let found = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
                if found != 4096 {
                    return Err(LaneError::PageSize { found });
                }
                Some(Mapping::of_file(&file, 0, DATA as usize).map_err(LaneError::Os)?)
            }
        };
        let mut lane = Self { file, _lock: lock, header, control, epoch: 0 };
        let read = |fault| LaneError::Os(io::Error::other(format!("{fault}")));
        lane.epoch = lane::next_epoch(lane.load(lane::CONSUMER_EPOCH).map_err(read)?);
        (0..u64::from(header.entries)).for_each(|entry| lane.store(lane::RELEASED + entry, 0));
        let demand_bytes = u64::from(header.tracks) * DEMAND_BYTES as u64;
        (0..demand_bytes).for_each(|at| lane.store(DEMAND + at, 0));
        lane.store(lane::CONSUMER_EPOCH, lane.epoch);
        Ok((lane, watch))
    }

    pub(crate) fn is_copied(&self) -> bool {
        self.control.is_none()
    }

    pub(crate) fn header(&self) -> &LaneHeader {
        &self.header
    }

    /// Whether the page has seen this consumer and begun anew.
    pub(super) fn is_answered(&self) -> Result<bool, LaneFault> {
        Ok(self.load(lane::PRODUCER_EPOCH)? == self.epoch)
    }

    /// The posted byte of entry `index`. If it is that of this entry, the entry is written.
    pub(super) fn posted(&self, index: u64) -> Result<u8, LaneFault> {
        self.load(lane::POSTED + index % u64::from(self.header.entries))
    }

    /// Copies bytes of the data area out of the file, unless they are read in place.
    ///
    /// # Safety
    /// `to` points to `len` bytes of this process alone.
    pub(super) unsafe fn fetch(&self, at: u64, to: *mut u8, len: usize) -> Result<(), LaneFault> {
        if self.control.is_some() {
            return Ok(());
        }
        // SAFETY: by this function's contract.
        let to = unsafe { std::slice::from_raw_parts_mut(to, len) };
        self.file.read_exact_at(to, DATA + at).map_err(|error| read_fault(&error))
    }

    /// Tells the page that the entries from `from` to `to` are free again.
    pub(crate) fn release(&self, from: Cursor, to: Cursor) {
        let entries = self.header.entries;
        for index in from.index()..from.index() + to.claims_since(from) {
            let byte = lane::lap_byte(index, entries);
            self.store(lane::RELEASED + index % u64::from(entries), byte);
        }
    }

    /// Tells the page what is wanted of its track `number`, which is one of the lane's.
    pub(crate) fn demand(&self, number: u32, demand: &Demand) {
        let at = DEMAND + u64::from(number - 1) * DEMAND_BYTES as u64;
        for (byte, at) in lane::demand_bytes(demand).into_iter().zip(at..) {
            self.store(at, byte);
        }
    }

    /// Whether the file is as long as it was.
    pub(super) fn check_size(&self) -> Result<(), LaneFault> {
        let len = self.file.metadata().map_err(|error| LaneFault::Read(error.kind()))?.len();
        let hit = self.control.as_ref().is_some_and(Mapping::was_hit);
        if hit || len < self.header.file_bytes() {
            return Err(LaneFault::Shortened);
        }
        Ok(())
    }

    fn byte(&self, at: u64) -> Option<&AtomicU8> {
        let control = self.control.as_ref()?;
        assert!(at < control.len() as u64, "byte {at} of {}", control.len());
        // SAFETY: inside the mapping, which lives as long as `self`; others write to the byte as atomically as to any.
        Some(unsafe { AtomicU8::from_ptr(control.start().as_ptr().add(at as usize)) })
    }

    fn load(&self, at: u64) -> Result<u8, LaneFault> {
        // Acquire pairs with the lock that the kernel takes for each write: what the page wrote before is visible.
        if let Some(byte) = self.byte(at) {
            return Ok(byte.load(Ordering::Acquire));
        }
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, at).map_err(|error| read_fault(&error))?;
        fence(Ordering::Acquire);
        Ok(byte[0])
    }

    fn store(&self, at: u64, value: u8) {
        match self.byte(at) {
            // Release: whatever was read of the entry has been read.
            Some(byte) => byte.store(value, Ordering::Release),
            None => {
                fence(Ordering::Release);
                // A file that cannot be written to has nobody who waits for this.
                let _ = self.file.write_all_at(&[value], at);
            }
        }
    }
}

fn read_fault(error: &io::Error) -> LaneFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => LaneFault::Shortened,
        kind => LaneFault::Read(kind),
    }
}
