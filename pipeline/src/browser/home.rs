//! A browser's profile whose sites keep their files in memory.
//!
//! Owns where a profile is and that its storage lies on tmpfs: a new profile in a [`Place`], or somebody's own, in which
//! the two directories where sites keep files are links into a place for as long as this lives. What sites had there
//! before is copied for them; what they write meanwhile is gone afterwards. Cookies, logins and everything else of the
//! profile stay where they are.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{lchown, symlink, DirBuilderExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::place::{is_tmpfs, room, Place, PlaceError, PREFIX};
use super::users::{is_used, owner, singleton};

/// Where the sites of a profile keep files: those of the default bucket, and those of other buckets and of frames in
/// pages of other sites.
const STORAGE: [&str; 2] = ["File System", "WebStorage"];
/// What the directories are called while links are in their place.
const ASIDE: &str = ".on-disk";
/// A lane and what Chromium keeps free: below this, pages are likely to hear that there is no room.
const ENOUGH: u64 = 256 << 20;

/// A profile, prepared.
#[derive(Debug)]
pub struct Home {
    profile: PathBuf,
    storage: Storage,
    place: Option<Place>,
}

/// Where the files of sites are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// The whole profile is in memory.
    InMemory,
    /// The profile is on a disk, and its storage was linked into memory.
    Linked,
    /// On a disk: a browser was using the profile already.
    OnDisk,
}

impl Home {
    /// A new profile, in memory, removed in the end.
    pub fn new() -> Result<Self, HomeError> {
        let place = Place::new().map_err(HomeError::Place)?;
        let profile = place.path().join("profile");
        make(&profile)?;
        Ok(Self { profile, storage: Storage::InMemory, place: Some(place) })
    }

    /// Somebody's profile, which is made if it is not there. It stays in the end, its storage on disk again.
    pub fn of(profile: &Path) -> Result<Self, HomeError> {
        make(profile)?;
        let profile = profile.canonicalize().map_err(|why| HomeError::os("find", profile, why))?;
        let (owner, user) = (owner(&profile), geteuid().as_raw());
        if let Some(owner) = owner.filter(|owner| user != 0 && *owner != user) {
            return Err(HomeError::AnotherUser { profile, owner, user });
        }
        let missing = missing(&profile);
        if missing.is_empty() {
            return Ok(Self { profile, storage: Storage::InMemory, place: None });
        }
        if is_used(&profile) {
            return Ok(Self { profile, storage: Storage::OnDisk, place: None });
        }
        restore(&profile).map_err(|why| HomeError::os("clear up", &profile, why))?;
        let place = Place::new().map_err(HomeError::Place)?;
        // For whoever finds the place after this process was killed.
        let done = symlink(&profile, place.path().join("profile"))
            .and_then(|()| missing.iter().try_for_each(|directory| link(&profile, directory, place.path())))
            .and_then(|()| match owner.filter(|owner| *owner != user) {
                Some(owner) => give(&profile, place.path(), owner),
                None => Ok(()),
            });
        let home = Self { profile, storage: Storage::Linked, place: Some(place) };
        // From here on whatever was done is undone by the drop.
        done.map_err(|why| HomeError::os("link the storage of", &home.profile, why))?;
        Ok(home)
    }

    /// The directory to give to the browser as `--user-data-dir`.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// Where the files of its sites are.
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// A directory for what else a browser needs, removed in the end; made if there is none.
    pub fn place(&mut self) -> Result<&Path, HomeError> {
        let place = match self.place.take() {
            Some(place) => place,
            None => Place::new().map_err(HomeError::Place)?,
        };
        Ok(self.place.insert(place).path())
    }

    /// What the user should know about it, in sentences; nothing if all is well.
    pub fn advice(&self) -> Vec<String> {
        let profile = self.profile.display();
        let mut advice = Vec::new();
        if self.storage == Storage::OnDisk {
            let who = singleton(&self.profile).map_or("a browser".into(), |pid| format!("process {pid}"));
            advice.push(format!(
                "{profile} is not in memory (tmpfs), and {who} uses it already: lanes work, but the kernel writes \
                 every frame to the disk, too. End the browser first, or give it a profile below /dev/shm"
            ));
        }
        let place = self.place.as_ref().map_or(self.profile.as_path(), Place::path);
        match room(place) {
            Some(room) if self.storage != Storage::OnDisk && room < ENOUGH => advice.push(format!(
                "there is room for only {} MiB at {}: pages that find too little for a lane say so and use the \
                 WebSocket. In a container: --shm-size 1g",
                room >> 20,
                place.display()
            )),
            _ => {}
        }
        advice
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        if self.storage != Storage::Linked {
            return;
        }
        // A browser that goes on keeps its storage; who makes a place after it has ended clears up.
        if is_used(&self.profile) || restore(&self.profile).is_err() {
            place.leave();
        }
    }
}

/// Makes a directory that is only its owner's, unless it is there.
fn make(dir: &Path) -> Result<(), HomeError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|why| HomeError::os("make", dir, why))
}

/// All storage directories of a profile, there or not, relative to it.
fn storage(profile: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(profile).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let others = entries.filter(|name| name.to_str().is_some_and(|name| name.starts_with("Profile ")));
    let people: Vec<_> = others.chain(["Default".into()]).collect();
    let below = |person| STORAGE.map(|name| Path::new(person).join(name));
    people.iter().flat_map(|person: &std::ffi::OsString| below(person)).collect()
}

/// Those that are not in memory.
fn missing(profile: &Path) -> Vec<PathBuf> {
    let in_memory = |directory: &PathBuf| {
        let path = profile.join(directory);
        // What is not there will be where its parents are.
        let there = [path.as_path(), profile].into_iter().find(|path| path.symlink_metadata().is_ok());
        there.is_some_and(is_tmpfs)
    };
    storage(profile).into_iter().filter(|directory| !in_memory(directory)).collect()
}

/// Puts a link to a directory in `place` where a storage directory of a profile is to be.
fn link(profile: &Path, directory: &Path, place: &Path) -> io::Result<()> {
    let (on_disk, in_memory) = (profile.join(directory), place.join("storage").join(directory));
    for dir in [on_disk.parent(), Some(&in_memory)].into_iter().flatten() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let there = fs::symlink_metadata(&on_disk);
    if there.as_ref().is_ok_and(|there| there.is_symlink()) {
        return Err(io::Error::other(format!("{} is a link to what is not in memory", on_disk.display())));
    }
    if there.is_ok() {
        copy(&on_disk, &in_memory)?;
        fs::rename(&on_disk, aside(&on_disk))?;
    }
    symlink(&in_memory, &on_disk)
}

/// Gives what was made to the user whose browser is to use it; only root can, and needs to.
fn give(profile: &Path, place: &Path, owner: u32) -> io::Result<()> {
    let people = storage(profile).into_iter().filter_map(|directory| directory.parent().map(Path::to_owned));
    for person in people {
        lchown(profile.join(person), Some(owner), None)?;
    }
    give_all(place, owner)
}

fn give_all(path: &Path, owner: u32) -> io::Result<()> {
    // From the inside out: while root hands things over, nobody else can change them.
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give_all(&entry?.path(), owner)?;
        }
    }
    lchown(path, Some(owner), None)
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ASIDE);
    name.into()
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::DirBuilder::new().mode(0o700).create(&to)?;
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// Takes the links out of a profile, and puts back what was there before.
pub(super) fn restore(profile: &Path) -> io::Result<()> {
    for path in storage(profile).iter().map(|directory| profile.join(directory)) {
        let Ok(target) = fs::read_link(&path) else { continue };
        let is_ours = |part: &std::ffi::OsStr| part.to_str().is_some_and(|part| part.starts_with(PREFIX));
        if !target.iter().any(is_ours) {
            continue;
        }
        fs::remove_file(&path)?;
        match fs::rename(aside(&path), &path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

/// Why a profile could not be prepared.
#[derive(Debug)]
pub enum HomeError {
    /// There is no place in memory.
    Place(PlaceError),
    /// The profile is another user's.
    AnotherUser {
        /// Where it is.
        profile: PathBuf,
        /// Whose it is, as a user id.
        owner: u32,
        /// Who asks.
        user: u32,
    },
    /// A system call failed.
    Os {
        /// What was being done, as a verb.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        why: io::Error,
    },
}

impl HomeError {
    fn os(what: &'static str, path: &Path, why: io::Error) -> Self {
        Self::Os { what, path: path.into(), why }
    }
}

impl fmt::Display for HomeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(why) => why.fmt(f),
            Self::AnotherUser { profile, owner, user } => write!(
                f,
                "{} belongs to user {owner}, and a browser lets nobody else read its files: run this as user {owner} \
                 or as root, not as user {user}",
                profile.display()
            ),
            Self::Os { what, path, why } => write!(f, "cannot {what} {}: {why}", path.display()),
        }
    }
}

impl std::error::Error for HomeError {}

#[cfg(test)]
mod tests {
    use super::super::place::remove;
    use super::*;

    #[test]
    fn a_new_profile_is_in_memory_and_goes_with_its_home() {
        let home = Home::new().unwrap();
        let profile = home.profile().to_owned();
        assert!(profile.is_dir() && is_tmpfs(&profile));
        drop(home);
        assert!(!profile.exists());
    }
    #[test]
    fn a_profile_on_disk_gets_its_storage_linked_and_back() {
        let profile = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../target/frame-ring-home-{}", std::process::id()));
        assert!(!is_tmpfs(Path::new(env!("CARGO_MANIFEST_DIR"))), "a test of disks needs one");
        let old = profile.join("Default/File System/000");
        fs::create_dir_all(&old).unwrap();
        fs::write(old.join("file"), "of a site").unwrap();
        fs::create_dir_all(profile.join("Profile 1")).unwrap();

        let home = Home::of(&profile).unwrap();
        assert_eq!(home.storage(), Storage::Linked);
        for directory in storage(&profile) {
            assert!(is_tmpfs(&profile.join(directory)));
        }
        assert_eq!(fs::read_to_string(old.join("file")).unwrap(), "of a site");
        fs::write(old.join("lane"), "frames").unwrap();
        let place = home.place.as_ref().unwrap().path().to_owned();
        drop(home);
        assert!(!place.exists());
        assert_eq!(fs::read_to_string(old.join("file")).unwrap(), "of a site");
        assert!(!old.join("lane").exists() && !profile.join("Default/WebStorage").exists());

        // Links of an owner that was killed lead nowhere, and are no hindrance.
        let home = Home::of(&profile).unwrap();
        let place = home.place.as_ref().unwrap().path().to_owned();
        std::mem::forget(home);
        remove(&place);
        let home = Home::of(&profile).unwrap();
        assert_eq!(home.storage(), Storage::Linked);
        assert_eq!(fs::read_to_string(old.join("file")).unwrap(), "of a site");

        // Nor is somebody whose storage is linked already.
        let second = Home::of(&profile).unwrap();
        assert_eq!(second.storage(), Storage::InMemory);
        drop(second);
        assert!(is_tmpfs(&old));

        // A browser that uses the profile keeps its storage, and one that came first is left alone.
        let lock = fs::File::create(profile.join("in use")).unwrap();
        let place = home.place.as_ref().unwrap().path().to_owned();
        drop(home);
        assert!(place.exists() && is_tmpfs(&old));
        drop(lock);
        // Whoever comes next clears up.
        drop(Home::new().unwrap());
        assert!(!place.exists() && !is_tmpfs(&old));
        let lock = fs::File::create(profile.join("in use")).unwrap();
        let late = Home::of(&profile).unwrap();
        assert_eq!((late.storage(), late.advice().len()), (Storage::OnDisk, 1));
        drop((late, lock));
        fs::remove_dir_all(&profile).unwrap();
    }
}
