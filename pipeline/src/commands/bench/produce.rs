//! The producer process: stamps the source frame, sends it, again and again, and says what that cost.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use frame_ring::{ClaimError, Class, Descriptor, Grant, Producer};

use super::job::{Job, Transport};
use super::peer::Control;
use super::series::Series;
use super::websocket;
use crate::error::CliError;

/// How long a consumer may take none of what it is sent before it is held for stuck.
const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: usize = 4096;

/// Does the job that comes over standard input.
pub fn main() -> Result<(), CliError> {
    let mut control = Control::inherited()?;
    let job = control.job()?;
    let failed = |why: &dyn std::fmt::Display| CliError::failed("send a frame", why);
    match job.transport {
        Transport::Memcpy => Err(CliError::Usage("memcpy has no producer process".into())),
        Transport::FrameRing => {
            // SAFETY: the bench has started this process with an invitation, and nothing has taken it up yet.
            let producer = unsafe { Producer::from_env("bench") };
            let producer = producer.map_err(|why| CliError::failed("connect to the ring", why))?;
            touch(&producer)?;
            let descriptor = Descriptor::opaque();
            let send =
                |frame: &[u8]| producer.send_timeout(frame, &descriptor, PATIENCE).map_err(|e| failed(&e));
            produce(&job, &mut control, send)
        }
        Transport::Uds | Transport::Pipe => {
            let out = io::stdout().as_fd().try_clone_to_owned().map_err(|e| failed(&e))?;
            let mut out = File::from(out);
            produce(&job, &mut control, |frame| out.write_all(frame).map_err(|e| failed(&e)))
        }
        Transport::Websocket | Transport::WebsocketChromium => {
            let mut socket = websocket::connect(&job)?;
            produce(&job, &mut control, |frame| socket.send(&[frame]).map_err(|e| failed(&e)))
        }
    }
}

fn produce(
    job: &Job,
    control: &mut Control,
    mut send: impl FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut series = Series::new(job);
    control.wait_for_go()?;
    while let Some(frame) = series.next()? {
        send(frame)?;
    }
    control.report(series.report()?)
}

/// Maps every page of the ring into this process, which the kernel would else do in the middle of the measured frames.
fn touch(producer: &Producer) -> Result<(), CliError> {
    let mut grants: Vec<Grant<'_>> = Vec::new();
    // Claims of shrinking lengths, until nothing is left.
    let mut len = producer.longest(Class::Event);
    while len > 0 {
        match producer.try_claim(len, Class::Event) {
            Ok(mut grant) => {
                for offset in (0..len).step_by(PAGE) {
                    // SAFETY: inside the claim, which nobody else writes to.
                    unsafe { grant.as_mut_ptr().add(offset).write_volatile(0) };
                }
                grants.push(grant);
            }
            Err(ClaimError::Full(_)) => len /= 2,
            Err(why) => return Err(CliError::failed("touch the ring's pages", why)),
        }
    }
    Ok(())
}
