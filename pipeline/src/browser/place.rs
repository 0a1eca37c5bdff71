//! A directory in memory that lives as long as its owner.
//!
//! Owns where on tmpfs things may lie, how much room there is, and that nothing stays behind: a [`Place`] is locked by
//! the process that made it and removed with it. A process that was killed leaves its place to the next one that makes
//! one, which removes it unless a browser still uses it.
//!
//! Who may mount gets a file system of its own there, with memory in large pieces: the kernel takes a third of the time to
//! write a frame into 2 MiB pages that it takes for 4 KiB pages.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{mount, umount2, MntFlags, MsFlags};
use nix::sys::statfs::{statfs, TMPFS_MAGIC};
use nix::unistd::geteuid;

use super::home::restore;
use super::users::is_used;

/// How the names of places begin.
pub(super) const PREFIX: &str = "frame-ring-browser-";

/// A directory on tmpfs, readable by its owner alone, removed in the end.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// Held for as long as this process lives, whatever becomes of it.
    _lock: Flock<File>,
    /// Whether it stays when this is dropped.
    left: bool,
}

impl Place {
    /// A new place where there is most room, see [`candidates`]. Removes those of dead owners.
    pub fn new() -> Result<Self, PlaceError> {
        let bases: Vec<PathBuf> = candidates().into_iter().filter(|base| is_tmpfs(base)).collect();
        for base in &bases {
            sweep(base);
        }
        let roomiest = bases.iter().max_by_key(|base| room(base).unwrap_or(0));
        let base = roomiest.ok_or_else(|| PlaceError::NoMemory { looked: candidates() })?;
        Self::below(base)
    }

    /// A new place in this directory.
    pub fn below(base: &Path) -> Result<Self, PlaceError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("{PREFIX}{}-{count}", std::process::id()));
            let failed = |why| PlaceError::Make { path: path.clone(), why };
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                // Of a dead process that had this one's number, and in use.
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(failed)?,
            }
            mount_large(&path);
            // Who sweeps may have come between: then it has the lock, and the directory will be gone or is gone.
            let Some(lock) = lock(&path).map_err(failed)? else { continue };
            if fs::symlink_metadata(&path).is_ok_and(|now| is_same(&now, &lock)) {
                return Ok(Self { path, _lock: lock, left: false });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes can still be written there.
    pub fn room(&self) -> u64 {
        room(&self.path).unwrap_or(0)
    }

    /// Leaves it where it is, for a browser that goes on without this process. It is removed by a later one when the
    /// browser has ended.
    pub fn leave(mut self) {
        self.left = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.left {
            remove(&self.path);
        }
    }
}

/// Directories that are in memory on most machines: the user's own, and the one that all share.
pub fn candidates() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    own.into_iter().chain([PathBuf::from("/dev/shm")]).collect()
}

/// Whether a path lies on tmpfs.
pub fn is_tmpfs(path: &Path) -> bool {
    statfs(path).is_ok_and(|fs| fs.filesystem_type() == TMPFS_MAGIC)
}

/// How many bytes can be written to the file system of a path.
pub fn room(path: &Path) -> Option<u64> {
    let fs = statfs(path).ok()?;
    fs.blocks_available().checked_mul(u64::try_from(fs.block_size()).ok()?)
}

/// The places that dead owners have left below `base`, and nobody uses, are removed.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_place = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Root may have given a place to the user of a browser.
        let is_own = |owner| geteuid().is_root() || owner == geteuid().as_raw();
        let is_own = entry.metadata().is_ok_and(|about| about.is_dir() && is_own(about.uid()));
        if !is_place || !is_own {
            continue;
        }
        // Held until it is removed, so that nobody else does the same.
        if let Ok(Some(lock)) = lock(&path) {
            // Not if something was mounted there meanwhile, which this is not the lock of.
            let is_this = fs::symlink_metadata(&path).is_ok_and(|now| is_same(&now, &lock));
            if is_this && !is_used(&path) {
                // Of somebody's own profile only the storage was here.
                let _ = fs::read_link(path.join("profile")).map(|profile| restore(&profile));
                remove(&path);
            }
        }
    }
}

/// Mounts a tmpfs whose files consist of large pages, as far as they are long enough. Without the right to do so, or a kernel
/// that can, the directory stays what it is.
fn mount_large(path: &Path) {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let _ = mount(Some("frame-ring"), path, Some("tmpfs"), flags, Some("mode=0700,huge=within_size"));
}

/// Removes a directory, and what [`mount_large`] has mounted there. A browser that is just ending may still write: what it
/// leaves is tried again.
pub(super) fn remove(path: &Path) {
    for _ in 0..20 {
        // Whoever is still in there keeps what is open, and nobody gets in any more.
        let _ = umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW);
        match fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
}

/// Locks a directory; `None` if somebody else has it or it is gone.
fn lock(path: &Path) -> io::Result<Option<Flock<File>>> {
    let dir = match File::open(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        dir => dir?,
    };
    match Flock::lock(dir, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::Error::EWOULDBLOCK)) => Ok(None),
        Err((_, why)) => Err(why.into()),
    }
}

fn is_same(now: &fs::Metadata, locked: &File) -> bool {
    locked.metadata().is_ok_and(|locked| (locked.dev(), locked.ino()) == (now.dev(), now.ino()))
}

/// Why there is no place in memory.
#[derive(Debug)]
pub enum PlaceError {
    /// None of the usual directories is on tmpfs.
    NoMemory {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// A directory could not be made.
    Make {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMemory { looked } => {
                write!(
                    f,
                    "no directory in memory (tmpfs) for the browser's storage: looked at {looked:?}; "
                )?;
                write!(f, "mount one, or start the container with --tmpfs /dev/shm or --shm-size 1g")
            }
            Self::Make { path, why } => write!(f, "cannot make {}: {why}", path.display()),
        }
    }
}

impl std::error::Error for PlaceError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(name: &str) -> PathBuf {
        let base = Path::new("/dev/shm").join(format!("frame-ring-place-{}-{name}", std::process::id()));
        fs::create_dir_all(&base).unwrap();
        base
    }

    #[test]
    fn a_place_is_the_owners_alone_and_goes_with_it() {
        let base = base("own");
        let place = Place::below(&base).unwrap();
        let path = place.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert!(is_tmpfs(&path) && place.room() > 0);
        fs::write(path.join("file"), "x").unwrap();
        drop(place);
        assert!(!path.exists());
        fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn who_may_mount_has_large_pages_and_leaves_no_mount_behind() {
        let base = base("large");
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        let tried = base.join("tried");
        fs::create_dir(&tried).unwrap();
        mount_large(&tried);
        let may = device(&tried) != device(&base);
        remove(&tried);

        let (kept, dead) = (Place::below(&base).unwrap(), base.join(format!("{PREFIX}1-0")));
        assert_eq!(device(kept.path()) != device(&base), may);
        let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
        let is_large = |path: &Path| {
            mounts()
                .lines()
                .any(|line| line.contains(path.to_str().unwrap()) && line.contains("huge=within_size"))
        };
        assert_eq!(is_large(kept.path()), may);
        fs::create_dir(&dead).unwrap();
        mount_large(&dead);
        fs::write(dead.join("file"), "x").unwrap();
        sweep(&base);
        assert!(!dead.exists() && kept.path().exists());
        drop(kept);
        assert!(!mounts().contains(base.to_str().unwrap()));
        fs::remove_dir(base).unwrap();
    }

    #[test]
    fn what_the_dead_leave_is_swept_and_what_the_living_have_is_not() {
        let base = base("sweep");
        let living = Place::below(&base).unwrap();
        let dead = base.join(format!("{PREFIX}1-0"));
        let used = base.join(format!("{PREFIX}1-1"));
        let foreign = base.join("something-else");
        for dir in [&dead, &used, &foreign] {
            fs::create_dir_all(dir.join("profile")).unwrap();
        }
        let file = File::create(used.join("profile/file")).unwrap();
        sweep(&base);
        assert!(living.path().exists() && !dead.exists() && used.exists() && foreign.exists());
        drop(file);
        sweep(&base);
        assert!(!used.exists());
        drop(living);
        fs::remove_dir_all(base).unwrap();
    }
}
