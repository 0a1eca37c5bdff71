//! The ring, from producer processes to this one.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use frame_ring::{ClaimError, Class, Consumer, Descriptor, Frame, Grant, Producer, RingBuilder};

use super::job::Job;
use super::meter::{Measured, Meter};
use super::peer::{Control, Peer};
use super::produce::send_all;
use crate::error::CliError;
use crate::report::Ring;

/// Its name among the transports.
pub const NAME: &str = "frame-ring";
/// The ring's size unless one is asked for.
pub const RING_BYTES: u64 = 64 << 20;
/// How long a consumer may take none of what it is sent before it is held for stuck.
const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: usize = 4096;

/// The bytes that a run needs at least, or it stands still: for what is held, one frame on its way, and one that
/// did not fit before the end. One eighth of a ring is closed to frames like these.
pub fn least_bytes(held: usize, payload_bytes: usize) -> u64 {
    let frame = (payload_bytes as u64).next_multiple_of(64);
    ((held as u64 + 1) * frame).div_ceil(7) * 8
}

fn slots(size: Ring) -> u32 {
    // Far more than needed, up to the default: small frames are to be limited by bytes or by their consumer.
    let needed = (size.held + 4 * size.producers) as u32;
    (needed + needed / 7 + 2).max(1024)
}

/// Carries one run's frames.
pub fn run(job: &Job) -> Result<Measured, CliError> {
    let size = job.ring.unwrap_or(Ring { ring_bytes: RING_BYTES, held: 1, producers: 1 });
    let mut ring = build(size)?;
    let mut peers = connect(&mut ring, job, size.producers)?;
    for peer in &mut peers {
        peer.go()?;
    }
    let mut meter = Meter::new(job.payload_bytes, size.producers);
    let mut held = VecDeque::with_capacity(size.held);
    loop {
        let frame = ring.recv().map_err(|why| CliError::failed("receive a frame", why))?;
        let more = meter.take(frame.payload().as_slice().unwrap_or_default())?;
        if size.held > 1 {
            hold(&mut held, frame);
        }
        if held.len() >= size.held {
            held.pop_front();
        }
        if !more {
            break;
        }
    }
    meter.finish(|| peers.into_iter().map(Peer::report).collect())
}

/// Adds a frame to those held, which are in the order of their claims. A frame that was long in the writing comes behind
/// younger ones; were it also given back behind them, all that was claimed after it would have to wait, and the frames
/// that it waits for could not be sent.
fn hold(held: &mut VecDeque<Frame>, frame: Frame) {
    let older = held.iter().rposition(|held| held.claim_index() < frame.claim_index());
    held.insert(older.map_or(0, |at| at + 1), frame);
}

/// A ring with all its pages present, and this bench's own processes as its only producers.
pub fn build(size: Ring) -> Result<Consumer, CliError> {
    let ring = RingBuilder::new().data_bytes(size.ring_bytes).slots(slots(size)).name("bench").prefault(true);
    let mut ring = ring.build().map_err(|why| CliError::failed("make the ring", why))?;
    // SAFETY: its producers are processes of this program, which write to nothing that they have committed.
    unsafe { ring.trust_producers() };
    Ok(ring)
}

/// Starts producer processes and connects them. None of them sends before it is told to.
pub fn connect(ring: &mut Consumer, job: &Job, producers: usize) -> Result<Vec<Peer>, CliError> {
    (0..producers)
        .map(|producer| {
            let job = Job { producer: producer as u32, ..job.clone() };
            let invitation = ring.invite().map_err(|why| CliError::failed("invite a producer", why))?;
            let mut peer = Peer::start_with(&job, Stdio::null(), |command| invitation.spawn(command))?;
            peer.ready()?;
            // The producer has claimed everything once, to touch it, and given it up: take that back.
            match ring.try_recv() {
                Ok(_) => Ok(peer),
                Err(why) => Err(CliError::failed("prepare the ring", why)),
            }
        })
        .collect()
}

/// Sends one run's frames.
pub fn produce(job: &Job, control: &mut Control) -> Result<(), CliError> {
    // SAFETY: the bench has started this process with an invitation, and nothing has taken it up yet.
    let producer = unsafe { Producer::from_env("bench") };
    let producer = producer.map_err(|why| CliError::failed("connect to the ring", why))?;
    touch(&producer)?;
    let descriptor = Descriptor::opaque();
    send_all(job, control, |frame| {
        let sent = producer.send_timeout(frame, &descriptor, PATIENCE);
        sent.map_err(|why| CliError::failed("send a frame", why))
    })
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
