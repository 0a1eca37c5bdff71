//! Who uses a directory: processes that have files of it open.
//!
//! A full browser also leaves a lock with its process id in its profile; the headless shell does not.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Whether a process has anything below `dir` or its `profile` open, or a browser says that one of them is its profile.
pub fn is_used(dir: &Path) -> bool {
    let real = |dir: &Path| dir.canonicalize().ok();
    let dirs: Vec<PathBuf> = [real(dir), real(&dir.join("profile"))].into_iter().flatten().collect();
    dirs.iter().any(|dir| singleton(dir).is_some()) || have_open_files(&dirs)
}

/// The browser that a profile's `SingletonLock` names, if it lives: on this machine, by its process id.
pub fn singleton(profile: &Path) -> Option<u32> {
    // It links to `HOST-PID`.
    let link = fs::read_link(profile.join("SingletonLock")).ok()?;
    let pid: u32 = link.to_str()?.rsplit_once('-')?.1.parse().ok()?;
    Path::new("/proc").join(pid.to_string()).exists().then_some(pid)
}

/// Whether any process whose descriptors can be seen has a file below one of `dirs` open.
fn have_open_files(dirs: &[PathBuf]) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    let is_process = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<u32>().is_ok())
    };
    let fds = processes.flatten().map(|entry| entry.path()).filter(is_process);
    let fds = fds.filter_map(|process| fs::read_dir(process.join("fd")).ok()).flatten().flatten();
    let is_below = |file: &PathBuf| dirs.iter().any(|dir| file != dir && file.starts_with(dir));
    fds.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|file| is_below(&file))
}

/// The user that a file belongs to.
pub fn owner(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|about| about.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_used_while_its_browser_lives() {
        let dir = std::env::temp_dir().join(format!("frame-ring-users-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert!(!is_used(&dir));
        let lock = dir.join("SingletonLock");
        std::os::unix::fs::symlink(format!("a-host-{}", std::process::id()), &lock).unwrap();
        assert_eq!(singleton(&dir), Some(std::process::id()));
        fs::remove_file(&lock).unwrap();
        // More than the kernel's greatest process id.
        std::os::unix::fs::symlink("a-host-4194305", &lock).unwrap();
        assert!(!is_used(&dir));
        let file = fs::File::create(dir.join("file")).unwrap();
        assert!(is_used(&dir));
        drop(file);
        fs::remove_dir_all(&dir).unwrap();
    }
}
