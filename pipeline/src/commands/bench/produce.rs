//! The producer process: stamps the source frame, sends it, again and again, and says what that cost.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use frame_ring::{mono_ns, Class, ClaimError, Descriptor, Grant, Producer};

use super::cpu::Cpu;
use super::frame::{Source, Stamp};
use super::job::{Job, Report, Transport, Until};
use super::peer::Control;
use super::websocket;
use crate::error::CliError;

/// How long a consumer may take none of what it is sent before it is held for stuck.
const PATIENCE: Duration = Duration::from_secs(60);
const TOUCH_BYTES: usize = 1 << 16;
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
            let send = |frame: &[u8]| producer.send_timeout(frame, &descriptor, PATIENCE).map_err(|e| failed(&e));
            produce(&job, &mut control, send)
        }
        Transport::Uds | Transport::Pipe => {
            let out = io::stdout().as_fd().try_clone_to_owned().map_err(|e| failed(&e))?;
            let mut out = File::from(out);
            produce(&job, &mut control, |frame| out.write_all(frame).map_err(|e| failed(&e)))
        }
        Transport::Websocket | Transport::WebsocketChromium => {
            let mut socket = websocket::connect(job.transport, job.port)?;
            produce(&job, &mut control, |frame| websocket::send(&mut socket, frame))
        }
    }
}

/// Maps every page of the ring into this process, which the kernel would else do in the middle of the measured frames.
fn touch(producer: &Producer) -> Result<(), CliError> {
    let mut grants: Vec<Grant<'_>> = Vec::new();
    // Claims of shrinking lengths, until nothing is left.
    let mut len = TOUCH_BYTES.min(producer.longest(Class::Event));
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

fn produce(
    job: &Job,
    control: &mut Control,
    mut send: impl FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut source = Source::new(job.payload_bytes);
    control.wait_for_go()?;
    let mut stamp = Stamp { sent_ns: 0, sequence: 0, producer: job.producer, warm_end: false, last: false };
    for sequence in 0..job.warm_up {
        let warm_end = sequence + 1 == job.warm_up;
        stamp = Stamp { sent_ns: mono_ns(), sequence, warm_end, ..stamp };
        send(source.stamped(stamp))?;
    }
    let (start, cpu) = (mono_ns(), Cpu::now()?);
    let mut frames = 0;
    while !stamp.last {
        let sent_ns = pace(start, frames, job.paced_fps);
        let last = match job.until {
            Until::Frames(enough) => frames + 1 >= enough,
            Until::Seconds(enough) => (sent_ns - start) as f64 >= enough * 1e9,
        };
        stamp = Stamp { sent_ns, sequence: job.warm_up + frames, warm_end: false, last, ..stamp };
        send(source.stamped(stamp))?;
        frames += 1;
    }
    let cpu_s = Cpu::now()?.since(&cpu);
    control.report(Report { frames, cpu_s })?;
    // The consumer has what it asked for when it hangs up: what is still on its way must not be cut off.
    control.wait_for_end()
}

/// Waits until it is time for frame `frame`; returns the time.
fn pace(start: u64, frame: u64, fps: Option<f64>) -> u64 {
    let now = mono_ns();
    let due = fps.map_or(0, |fps| start + (frame as f64 * 1e9 / fps) as u64);
    if due <= now {
        return now;
    }
    std::thread::sleep(Duration::from_nanos(due - now));
    mono_ns()
}
