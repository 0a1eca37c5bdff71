//! Rivals that are streams of bytes: a Unix socket and a pipe.
//!
//! Both get their best case: no header, no framing, buffers as large as the kernel allows without privileges, and for
//! small frames a reader that takes many at once.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::fcntl::{fcntl, FcntlArg, OFlag};
use nix::sys::socket::{setsockopt, sockopt};

use super::job::Job;
use super::meter::{Measured, Meter};
use super::peer::{Control, Peer};
use super::produce::send_all;
use crate::error::CliError;

/// Frames below this length are read many at a time.
const SMALL: usize = 1 << 16;
/// Asked of the kernel for buffers, which cuts it down to what it allows.
const BUFFER_BYTES: usize = 1 << 20;

/// Carries one run's frames over a Unix socket.
pub fn run_socket(job: &Job) -> Result<Measured, CliError> {
    run(job, socket())
}

/// Carries one run's frames through a pipe.
pub fn run_pipe(job: &Job) -> Result<Measured, CliError> {
    run(job, pipe())
}

/// Writes frames to standard output.
pub fn produce(job: &Job, control: &mut Control) -> Result<(), CliError> {
    let failed = |why| CliError::failed("send a frame", why);
    let out = io::stdout().as_fd().try_clone_to_owned().map_err(failed)?;
    let mut out = File::from(out);
    send_all(job, control, |frame| out.write_all(frame).map_err(failed))
}

fn run(job: &Job, ends: io::Result<(File, OwnedFd)>) -> Result<Measured, CliError> {
    let (ours, theirs) = ends.map_err(|why| CliError::failed(format!("open a {}", job.transport), why))?;
    let mut peer = Peer::start(job, theirs)?;
    peer.ready()?;
    peer.go()?;
    let meter = Meter::new(job.payload_bytes, 1);
    let meter = if job.payload_bytes < SMALL {
        receive(BufReader::with_capacity(SMALL, ours), job, meter)?
    } else {
        receive(ours, job, meter)?
    };
    meter.finish(|| Ok(vec![peer.report()?]))
}

fn receive(mut from: impl Read, job: &Job, mut meter: Meter) -> Result<Meter, CliError> {
    let mut frame = vec![0; job.payload_bytes];
    loop {
        from.read_exact(&mut frame).map_err(|why| CliError::failed("receive a frame", why))?;
        if !meter.take(&frame)? {
            return Ok(meter);
        }
    }
}

fn socket() -> io::Result<(File, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair()?;
    setsockopt(&theirs, sockopt::SndBuf, &BUFFER_BYTES)?;
    Ok((OwnedFd::from(ours).into(), theirs.into()))
}

fn pipe() -> io::Result<(File, OwnedFd)> {
    let (ours, theirs) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // Refused if this user's pipes hold too much already: then it stays at its default.
    let _ = fcntl(&theirs, FcntlArg::F_SETPIPE_SZ(BUFFER_BYTES as i32));
    Ok((ours.into(), theirs))
}
