//! Lanes below a browser's profile, as they appear.
//!
//! Chromium keeps the files of private file systems below `<profile>/*/File System`, those of other buckets and partitions
//! below `WebStorage` and `Storage`, under numbers of its own. So a lane is told by its first eight bytes. Owns watches of
//! these directories and of files that may become lanes; opens nothing for good.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use frame_ring_core::lane::MAGIC;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

/// Where in a profile's directory private file systems are kept.
const STORES: [&str; 3] = ["File System", "WebStorage", "Storage"];
/// Directories below each other, so that a loop of links has an end.
const DEPTH: usize = 16;

/// Looks for lanes below one profile.
#[derive(Debug)]
pub(crate) struct Finder {
    inotify: Inotify,
    /// Watched directories, and how deep below the profile they are.
    directories: HashMap<WatchDescriptor, (PathBuf, usize)>,
    /// Watched files whose first bytes are not written yet.
    candidates: HashMap<WatchDescriptor, PathBuf>,
    /// Files that were found.
    known: HashSet<PathBuf>,
    found: VecDeque<PathBuf>,
}

/// What the first bytes of a file say.
enum Start {
    Lane,
    NotYet,
    Other,
}

impl Finder {
    /// Looks below `profile` from now on; what is there already is found first.
    pub(crate) fn new(profile: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let (directories, candidates) = (HashMap::new(), HashMap::new());
        let mut finder =
            Self { inotify, directories, candidates, known: HashSet::new(), found: VecDeque::new() };
        // The one directory that must be there.
        fs::read_dir(profile)?;
        finder.enter(profile.into(), 0);
        Ok(finder)
    }

    /// The lanes that have appeared since the last look.
    pub(crate) fn look(&mut self) -> impl Iterator<Item = PathBuf> + '_ {
        while let Ok(events) = self.inotify.read_events() {
            events.into_iter().for_each(|event| self.hear(event));
        }
        self.found.drain(..)
    }

    fn hear(&mut self, event: InotifyEvent) {
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            self.directories.remove(&event.wd);
            self.candidates.remove(&event.wd);
        } else if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            // Some news were lost: look at everything again.
            let all: Vec<_> = self.directories.values().cloned().collect();
            all.into_iter().for_each(|(path, depth)| self.scan(&path, depth));
        } else if let Some(path) = self.candidates.get(&event.wd).cloned() {
            self.weigh(path, Some(event.wd));
        } else if let (Some((directory, depth)), Some(name)) = (self.directories.get(&event.wd), &event.name)
        {
            let (path, depth) = (directory.join(name), *depth);
            match event.mask.contains(AddWatchFlags::IN_DELETE) {
                true => drop(self.known.remove(&path)),
                false => self.meet(path, depth),
            }
        }
    }

    /// Watches a directory and looks at what is in it.
    fn enter(&mut self, path: PathBuf, depth: usize) {
        let flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE;
        // A directory that is gone again, or another user's, holds no lane for us.
        if let Ok(watch) = self.inotify.add_watch(&path, flags | AddWatchFlags::IN_ONLYDIR) {
            self.directories.insert(watch, (path.clone(), depth));
            self.scan(&path, depth);
        }
    }

    fn scan(&mut self, path: &Path, depth: usize) {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            self.meet(entry.path(), depth);
        }
    }

    /// Something lies in a directory that is `depth` below the profile.
    fn meet(&mut self, path: PathBuf, depth: usize) {
        // Through links: a store may lie elsewhere.
        let Ok(about) = fs::metadata(&path) else { return };
        let is_store =
            path.file_name().is_some_and(|name| STORES.iter().any(|store| name == OsStr::new(store)));
        if about.is_dir() && depth < DEPTH && (depth != 1 || is_store) {
            let is_watched = self.directories.values().any(|(known, _)| *known == path);
            if !is_watched {
                self.enter(path, depth + 1);
            }
        } else if about.is_file() && depth > 1 && !self.known.contains(&path) {
            self.weigh(path, None);
        }
    }

    /// Looks at the first bytes of a file that is watched by `watch`, if it is.
    fn weigh(&mut self, path: PathBuf, watch: Option<WatchDescriptor>) {
        match (start_of(&path), watch) {
            (Start::NotYet, Some(_)) => return,
            (Start::NotYet, None) => {
                if let Ok(watch) = self.inotify.add_watch(&path, AddWatchFlags::IN_MODIFY) {
                    self.candidates.insert(watch, path.clone());
                    // It may have been written to just before.
                    if !matches!(start_of(&path), Start::NotYet) {
                        self.weigh(path, Some(watch));
                    }
                }
                return;
            }
            (Start::Lane, _) => {
                if self.known.insert(path.clone()) {
                    self.found.push_back(path);
                }
            }
            (Start::Other, _) => {}
        }
        if let Some(watch) = watch {
            self.candidates.remove(&watch);
            let _ = self.inotify.rm_watch(watch);
        }
    }
}

impl AsFd for Finder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

fn start_of(path: &Path) -> Start {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return Start::Other };
    let mut bytes = [0; 8];
    match file.read_at(&mut bytes, 0) {
        Ok(8) if u64::from_le_bytes(bytes) == MAGIC => Start::Lane,
        Ok(_) if bytes == [0; 8] => Start::NotYet,
        _ => Start::Other,
    }
}
