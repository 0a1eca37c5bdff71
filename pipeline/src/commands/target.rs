//! The ring that `top` and `inspect` look at, as people name it.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use frame_ring::Observer;

use crate::error::CliError;

/// How the kernel names a ring's memory among a process's descriptors.
const MEMFD_LINK: &str = "/memfd:frame-ring (deleted)";

/// Opens what `target` names: a consumer's socket, a descriptor of a process that has the ring, or such a process.
pub fn open(target: &Path) -> Result<Observer, CliError> {
    let path = match target.to_str().and_then(|text| text.parse::<u32>().ok()) {
        Some(pid) => memfd_of(pid)?,
        None => target.to_path_buf(),
    };
    let failed = |why: &dyn std::fmt::Display| CliError::failed(format!("look at {}", path.display()), why);
    let kind = fs::metadata(&path).map_err(|why| failed(&why))?.file_type();
    if kind.is_socket() {
        return Observer::connect(&path).map_err(|why| failed(&why));
    }
    let file = File::open(&path).map_err(|why| failed(&why))?;
    Observer::from_memfd(file).map_err(|why| failed(&why))
}

/// The first ring that process `pid` has open.
fn memfd_of(pid: u32) -> Result<PathBuf, CliError> {
    let fds = format!("/proc/{pid}/fd");
    let entries = fs::read_dir(&fds).map_err(|why| CliError::failed(format!("look into {fds}"), why))?;
    let is_ring = |path: &PathBuf| fs::read_link(path).is_ok_and(|link| link == Path::new(MEMFD_LINK));
    let mut rings: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_ring).collect();
    // By number, so that the same one is found each time.
    rings.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    let none =
        || CliError::Failed(format!("process {pid} has no ring open; is it a consumer or a producer?"));
    rings.into_iter().next().ok_or_else(none)
}
