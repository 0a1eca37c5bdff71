//! The kernel's news of a lane's file: that it was written to, and that nobody can write to it any more.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// A watch of one file.
#[derive(Debug)]
pub(crate) struct Watch {
    inotify: Inotify,
}

/// What has happened since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Anything at all.
    pub(crate) any: bool,
    /// Some process has closed the file that could write to it.
    pub(crate) closed: bool,
}

impl Watch {
    /// Watches the file at `path` from now on.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        inotify.add_watch(path, AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CLOSE_WRITE)?;
        Ok(Self { inotify })
    }

    /// What is new. Until the next news the descriptor is not readable.
    pub(crate) fn look(&self) -> News {
        let mut news = News::default();
        // A page that never stops writing must not keep this going: equal news are one, so a few reads take them all.
        for _ in 0..8 {
            match self.inotify.read_events() {
                Ok(events) => {
                    let is_close = |flags: AddWatchFlags| flags.contains(AddWatchFlags::IN_CLOSE_WRITE);
                    news.any = true;
                    news.closed |= events.iter().any(|event| is_close(event.mask));
                }
                Err(_) => break,
            }
        }
        news
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
