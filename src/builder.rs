//! Making a ring.

use std::fmt;
use std::io;

use frame_ring_core::layout::{Header, Layout, ABI_VERSION, MAGIC};
use frame_ring_core::word::{Geometry, UNIT};

use crate::consumer::{Consumer, Shared};
use crate::memory::{Memory, MemoryError};
use crate::sys::clock;
use crate::sys::event::Bells;

/// Says how large a ring is to be, and makes it.
///
/// Size it for the bytes in flight, not for plenty: the frames that the consumer's workers hold at once and a few
/// more. A ring whose consumer keeps up only ever touches its beginning, so a large one costs address space, not memory.
///
/// Bytes become free in the order of their claims: a frame that is held keeps those behind it from being reused, too. Who
/// holds frames for long, or gives them back only when others arrive, should [`detach`](crate::Frame::detach) them.
#[derive(Debug, Clone)]
pub struct RingBuilder {
    data_bytes: u64,
    slots: u32,
    tracks: u32,
    name: String,
    huge_pages: bool,
    prefault: bool,
    users: Vec<u32>,
}

impl Default for RingBuilder {
    /// 64 MiB for payloads, 1024 frames, 64 tracks.
    fn default() -> Self {
        Self {
            data_bytes: 64 << 20,
            slots: 1024,
            tracks: 64,
            name: String::new(),
            huge_pages: false,
            prefault: false,
            users: Vec::new(),
        }
    }
}

impl RingBuilder {
    /// The default ring, see [`RingBuilder::default`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes for payloads, up to 8 GiB; rounded up to a multiple of 64.
    #[must_use]
    pub fn data_bytes(mut self, bytes: u64) -> Self {
        self.data_bytes = bytes;
        self
    }

    /// How many frames can be in the ring at once, those in the consumer's hands included: 2 to 1,048,576, rounded up
    /// to a power of two.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// How many tracks there can be at once, up to 4096.
    #[must_use]
    pub fn tracks(mut self, tracks: u32) -> Self {
        self.tracks = tracks;
        self
    }

    /// A name for people, in at most 64 bytes; `frame-ring top` and `inspect` show it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Asks for huge pages. Only kernels whose `/sys/kernel/mm/transparent_hugepage/shmem_enabled` says `advise`,
    /// `within_size` or `always` give them; others go on with small ones.
    #[must_use]
    pub fn huge_pages(mut self, on: bool) -> Self {
        self.huge_pages = on;
        self
    }

    /// Makes all pages present now, so that no frame pays for its first touch (some microseconds for each 4 KiB, once).
    #[must_use]
    pub fn prefault(mut self, on: bool) -> Self {
        self.prefault = on;
        self
    }

    /// Admits processes of another user. The socket's file keeps its mode of 0600: open it to that user yourself.
    #[must_use]
    pub fn admit_user(mut self, uid: u32) -> Self {
        self.users.push(uid);
        self
    }

    /// Makes the ring. It is served to nobody yet: see [`Consumer::listen`] and [`Consumer::invite`].
    pub fn build(self) -> Result<Consumer, BuildError> {
        let header = self.header()?;
        let memory = Memory::create(&header, self.huge_pages, self.prefault).map_err(BuildError::Memory)?;
        let bells = Bells::new().map_err(BuildError::Os)?;
        Consumer::new(Shared::new(memory, bells), self.users).map_err(BuildError::Os)
    }

    pub(crate) fn header(&self) -> Result<Header, BuildError> {
        let size =
            || BuildError::Size { data_bytes: self.data_bytes, slots: self.slots, tracks: self.tracks };
        let units = u32::try_from(self.data_bytes.div_ceil(UNIT)).map_err(|_| size())?;
        let slots = self.slots.max(2).checked_next_power_of_two().ok_or_else(size)?;
        let geometry = Geometry::new(units, slots).ok_or_else(size)?;
        let layout = Layout::new(geometry, self.tracks).ok_or_else(size)?;
        let mut name = [0; 64];
        let mut end = self.name.len().min(name.len());
        while !self.name.is_char_boundary(end) {
            end -= 1;
        }
        name[..end].copy_from_slice(&self.name.as_bytes()[..end]);
        Ok(Header {
            magic: MAGIC,
            abi_version: ABI_VERSION,
            slots,
            required_features: 0,
            optional_features: 0,
            total_bytes: layout.total_bytes,
            data_bytes: layout.data_bytes(),
            slots_offset: layout.slots_offset,
            data_offset: layout.data_offset,
            tracks: self.tracks,
            consumer_pid: std::process::id(),
            ring_id: random_id().map_err(BuildError::Os)?,
            created_mono_ns: clock::mono_ns(),
            created_real_ns: clock::real_ns(),
            name,
        })
    }
}

fn random_id() -> io::Result<[u64; 2]> {
    let mut bytes = [0u8; 16];
    // SAFETY: `bytes` is valid for a write of its length.
    match unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) } {
        16 => {
            let (high, low) = bytes.split_at(8);
            let word = |half: &[u8]| half.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            Ok([word(high), word(low)])
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Why there is no ring.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// No ring can have this size: up to 8 GiB, 2 to 2^20 slots, 1 to 4096 tracks.
    Size {
        /// Bytes asked for.
        data_bytes: u64,
        /// Slots asked for.
        slots: u32,
        /// Tracks asked for.
        tracks: u32,
    },
    /// There is no memory for it.
    Memory(MemoryError),
    /// The kernel refused something else.
    Os(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Size { data_bytes, slots, tracks } => write!(
                f,
                "a ring has 64 B to 8 GiB of data, 2 to 1048576 slots and 1 to 4096 tracks, \
                 not {data_bytes} B, {slots} slots and {tracks} tracks"
            ),
            BuildError::Memory(why) => why.fmt(f),
            BuildError::Os(why) => write!(f, "the ring could not be made: {why}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::Size { .. } => None,
            BuildError::Memory(why) => Some(why),
            BuildError::Os(why) => Some(why),
        }
    }
}
