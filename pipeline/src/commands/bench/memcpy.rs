//! The floor: one process copies frames into warm shared memory and reads them there. Nothing carries frames from one
//! process to another for less, so every other transport is measured by this one.

use std::ptr::NonNull;

use memmap2::MmapOptions;
use nix::sys::memfd::{memfd_create, MFdFlags};

use super::job::Job;
use super::meter::{Measured, Meter};
use super::peer::Control;
use super::series::Series;
use crate::error::CliError;

/// Carries one run's frames nowhere.
pub fn run(job: &Job) -> Result<Measured, CliError> {
    let failed = |why: std::io::Error| CliError::failed("make shared memory", why);
    let fd = memfd_create("frame-ring-bench", MFdFlags::MFD_CLOEXEC).map_err(|why| failed(why.into()))?;
    nix::unistd::ftruncate(&fd, job.payload_bytes as i64).map_err(|why| failed(why.into()))?;
    // SAFETY: nobody else has the file, so nobody changes its size or its bytes.
    let mut shared = unsafe { MmapOptions::new().len(job.payload_bytes).map_mut(&fd) }.map_err(failed)?;

    let mut series = Series::new(job);
    let mut meter = Meter::new(job.payload_bytes, 1);
    let mut more = true;
    while more {
        let Some(frame) = series.next_frame()? else { break };
        let to = NonNull::from(&mut shared[..]).cast::<libc::c_void>();
        // SAFETY: both are `payload_bytes` long. The ring's own way of copying, which cannot be optimised away.
        unsafe { libc::memcpy(to.as_ptr(), frame.as_ptr().cast(), frame.len()) };
        more = meter.take(&shared)?;
    }
    // One process: its whole CPU time is in the meter's account already.
    meter.finish(|| Ok(Vec::new()))
}

/// Nobody produces.
pub fn produce(_: &Job, _: &mut Control) -> Result<(), CliError> {
    Err(CliError::Usage("memcpy has no producer process".into()))
}
