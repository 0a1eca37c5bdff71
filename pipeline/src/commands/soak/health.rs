//! What this process has in use, as the kernel counts it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::CliError;

/// How the kernel names a ring's memory among a process's descriptors.
const MEMFD_LINK: &str = "/memfd:frame-ring (deleted)";

/// What was in use at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Resident memory that is this process's own.
    pub own_bytes: u64,
    /// Resident memory that is shared: the ring.
    pub shared_bytes: u64,
    /// Length of the ring's memfd.
    pub ring_bytes: u64,
    /// How much of it the kernel has allocated.
    pub ring_allocated_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Those of them that are a ring.
    pub rings: u64,
}

impl Health {
    /// At this moment.
    pub fn now() -> Result<Self, CliError> {
        let read = || {
            let status = fs::read_to_string("/proc/self/status")?;
            let fds: Vec<PathBuf> =
                fs::read_dir("/proc/self/fd")?.flatten().map(|entry| entry.path()).collect();
            let is_ring =
                |path: &&PathBuf| fs::read_link(path).is_ok_and(|link| link == Path::new(MEMFD_LINK));
            let rings: Vec<&PathBuf> = fds.iter().filter(is_ring).collect();
            let ring = rings.first().map(fs::metadata).transpose()?;
            Ok(Self {
                own_bytes: field(&status, "RssAnon:"),
                shared_bytes: field(&status, "RssShmem:"),
                ring_bytes: ring.as_ref().map_or(0, fs::Metadata::len),
                ring_allocated_bytes: ring.map_or(0, |ring| {
                    // In blocks of 512 bytes, whatever the file system.
                    std::os::unix::fs::MetadataExt::blocks(&ring) * 512
                }),
                // The directory itself was open while it was read.
                descriptors: fds.len() as u64 - 1,
                rings: rings.len() as u64,
            })
        };
        read().map_err(|why: std::io::Error| CliError::failed("look at this process in /proc", why))
    }
}

/// A field of `/proc/self/status`, in bytes.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_more_and_memory_more_are_seen() {
        let before = Health::now().expect("readable");
        let files: Vec<_> = (0..100).map(|_| fs::File::open("/dev/null").expect("opened")).collect();
        let bytes = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = Health::now().expect("readable");
        // Other tests of this process open and close some, too.
        assert!(after.descriptors >= before.descriptors + 50, "{before:?} {after:?}");
        assert!(after.own_bytes >= before.own_bytes + (32 << 20), "{before:?} {after:?}");
        drop((files, bytes));
    }
}
