//! Whether this kernel makes memory that can be shared with a hostile process: memfds whose size is sealed.

use std::os::fd::OwnedFd;

use nix::fcntl::{fcntl, FcntlArg, SealFlag};
use nix::sys::memfd::{memfd_create, MFdFlags};
use nix::unistd::ftruncate;

use super::Check;

const PAGE: i64 = 4096;

/// Tries memfds.
pub fn checks() -> Vec<Check> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let made = sized(flags);
    let memfd = Check::tried(
        "memfd",
        made.as_ref().map(|_| "created and sized".to_string()),
        "use Linux 3.17 or newer, and let the sandbox (seccomp) permit memfd_create and ftruncate",
    );
    let Ok(fd) = made else { return vec![memfd] };
    let sealed = Check::tried(
        "memfd seals",
        seal(&fd),
        "the kernel must enforce F_SEAL_SHRINK and F_SEAL_GROW on memfds; let the sandbox permit fcntl(F_ADD_SEALS)",
    );
    vec![memfd, sealed, noexec(flags)]
}

fn sized(flags: MFdFlags) -> nix::Result<OwnedFd> {
    let fd = memfd_create("frame-ring-doctor", flags)?;
    ftruncate(&fd, PAGE)?;
    Ok(fd)
}

/// Seals the size, and then tries to change it.
fn seal(fd: &OwnedFd) -> Result<String, String> {
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(fd, FcntlArg::F_ADD_SEALS(seals)).map_err(|why| format!("a memfd cannot be sealed: {why}"))?;
    for (what, size) in [("shrink", 0), ("grow", 2 * PAGE)] {
        match ftruncate(fd, size) {
            Err(nix::Error::EPERM) => {}
            Ok(()) => return Err(format!("a memfd that is sealed could still {what}")),
            Err(why) => {
                return Err(format!("a sealed memfd must refuse to {what} with EPERM, not with {why}"))
            }
        }
    }
    Ok("sealed; shrinking and growing are refused".into())
}

fn noexec(flags: MFdFlags) -> Check {
    match sized(flags | MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL)) {
        Ok(_) => Check::ok("MFD_NOEXEC_SEAL", "shared memory can never be made executable"),
        Err(why) => Check::warning(
            "MFD_NOEXEC_SEAL",
            why.to_string(),
            "rings work without it; Linux 6.3 or newer keeps a process from running what another one has written",
        ),
    }
}
