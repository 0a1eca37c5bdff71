//! Lanes: rings in a file, for producers that can do no more than read and write at positions.
//!
//! A page of an unpatched browser is one, whose private file system lies on tmpfs. A lane's consumer is a [`Consumer`] like
//! any other: its words are a ring's, in private memory, with the lane's bytes as the data area, and [`pump::Pump`] enters
//! there what the page has posted, as if the page had claimed and committed it. `docs/abi.md` has the bytes.
//!
//! | module | owns |
//! |---|---|
//! | `file` | the lane's shared bytes: epochs, posted, released, demand; who may shorten them, and what then |
//! | `mapping` | mappings of the file, guarded |
//! | `pump` | the way of entries into the ring |
//! | `watch` | the kernel's news of the file |
//! | `find` | lanes below a browser's profile, as they appear |
//! | `error` | what can go wrong |

mod error;
pub(crate) mod file;
pub(crate) mod find;
pub(crate) mod mapping;
pub(crate) mod pump;
mod watch;

use std::path::{Path, PathBuf};

pub use error::{LaneError, LaneFault};

use crate::consumer::Shared;
use crate::lane::file::LaneFile;
use crate::lane::pump::Pump;
use crate::memory::Memory;
use crate::sys::event::Bells;
use crate::{Consumer, RingBuilder};

/// How a lane is received.
#[derive(Debug, Clone, Copy, Default)]
pub struct LaneOptions {
    /// How its bytes are read.
    pub read: LaneRead,
}

/// How the bytes of a lane are read. The page that writes them is not trusted: it can shorten the file at any moment, and to
/// read a mapped page that is gone is a SIGBUS, which ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LaneRead {
    /// In place, through a mapping. A handler for SIGBUS, installed with the first lane of the process, puts zeros where
    /// pages are gone and hands on every SIGBUS that is about something else. A frame of a page that does this reads as
    /// zeros from there on, and the lane ends with [`LaneFault::Shortened`]; not if the file is as long as before when it is
    /// looked at, which is as if the page had written zeros. Threads that read frames must not block SIGBUS.
    /// Costs nothing while nobody does. Needs memory pages of 4096 bytes.
    #[default]
    Guarded,
    /// Copied out by `pread` before they are looked at, into memory that no page can write to: for a process that can have
    /// no handler for SIGBUS. Costs one copy of each frame, and another wake for each release; payloads are plain slices.
    Copied,
}

/// What a page says of its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneInfo {
    /// The file.
    pub path: PathBuf,
    /// The lane's name.
    pub name: String,
    /// The page's URL, without query and fragment.
    pub url: String,
    /// Random, another one for each lane.
    pub id: [u8; 16],
    /// Bytes of its entries.
    pub data_bytes: u64,
}

impl Consumer {
    /// Becomes the consumer of a lane.
    ///
    /// # Errors
    /// If the file is no lane, if it has a consumer, if its page is gone, or if it cannot be opened: its mode is 0600, so only
    /// the browser's user and root can.
    pub fn open_lane(path: impl AsRef<Path>, options: LaneOptions) -> Result<Self, LaneError> {
        let path = path.as_ref();
        let opened = file::Opened::new(path)?;
        let header = opened.header;
        let ring = RingBuilder::new()
            .data_bytes(header.data_bytes)
            .slots(header.entries)
            .tracks(header.tracks)
            .name(header.name.to_string())
            .header()
            .map_err(LaneError::Ring)?;
        let copied = options.read == LaneRead::Copied;
        let memory = Memory::lane(&ring, &opened.file, copied).map_err(LaneError::Memory)?;
        let bells = Bells::new().map_err(LaneError::Os)?;
        bells.add_readable(&opened.watch).map_err(|errno| LaneError::Os(errno.into()))?;
        let info = LaneInfo {
            path: path.into(),
            name: header.name.to_string(),
            url: header.url.to_string(),
            id: header.id,
            data_bytes: header.data_bytes,
        };
        let (lane, watch) = LaneFile::attach(opened, copied)?;
        let pump = Pump::new(info, watch, header.tracks);
        Ok(Consumer::of_lane(Shared::of_lane(memory, bells, lane), pump))
    }

    /// What the page says of the lane, if this is the consumer of one.
    pub fn lane(&self) -> Option<&LaneInfo> {
        self.pump().map(Pump::info)
    }

    /// What the page had to say to whoever runs this, since the last call.
    pub fn take_notes(&mut self) -> Vec<String> {
        self.pump_mut().map(Pump::take_notes).unwrap_or_default()
    }
}
