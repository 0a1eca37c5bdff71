//! One end of a socket pair for one producer, inherited by a child process instead of found by a path.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use super::FD_VARIABLE;

/// The right of one producer to connect; made by [`Consumer::invite`](crate::Consumer::invite).
#[derive(Debug)]
pub struct Invitation(OwnedFd);

impl Invitation {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Starts a child process that inherits the invitation: [`Producer::from_env`](crate::Producer::from_env) finds it
    /// there by the variable `FRAME_RING_FD`.
    ///
    /// The command is consumed, and with it this process's copy of the descriptor: if it stayed open, the child's death
    /// would go unnoticed.
    pub fn spawn(self, mut command: Command) -> io::Result<Child> {
        let fd = self.0.as_raw_fd();
        command.env(FD_VARIABLE, fd.to_string());
        // SAFETY: between fork and exec only `fcntl` is called, which is async-signal-safe. The descriptor is open: the
        // closure owns nothing, but `self` lives until the child has been started.
        unsafe {
            command.pre_exec(move || match libc::fcntl(fd, libc::F_SETFD, 0) {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        command.spawn()
    }

    /// The socket itself, close-on-exec, for programs that pass descriptors in their own way.
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }
}

impl From<Invitation> for OwnedFd {
    fn from(invitation: Invitation) -> Self {
        invitation.into_fd()
    }
}
