//! The ring, from producer processes to this one.

use std::collections::VecDeque;
use std::process::Stdio;

use frame_ring::{Consumer, Frame, RingBuilder};
use serde::Serialize;

use super::job::Job;
use super::meter::{Measured, Meter};
use super::peer::Peer;
use crate::error::CliError;

/// The ring of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Bytes for payloads.
    pub ring_bytes: u64,
    /// Frames that the consumer holds at once, the one that it reads included.
    pub held: usize,
    /// Producer processes.
    pub producers: usize,
}

impl Size {
    /// The bytes that a run needs at least, or it stands still: for what is held, one frame on its way, and one that
    /// did not fit before the end. One eighth of a ring is closed to frames like these.
    pub fn least_bytes(held: usize, payload_bytes: usize) -> u64 {
        let frame = (payload_bytes as u64).next_multiple_of(64);
        ((held as u64 + 1) * frame).div_ceil(7) * 8
    }

    fn slots(&self) -> u32 {
        // Far more than needed, up to the default: small frames are to be limited by bytes or by their consumer.
        let needed = (self.held + 4 * self.producers) as u32;
        (needed + needed / 7 + 2).max(1024)
    }
}

/// Carries one run's frames.
pub fn run(job: &Job, size: Size) -> Result<Measured, CliError> {
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
pub fn build(size: Size) -> Result<Consumer, CliError> {
    let ring =
        RingBuilder::new().data_bytes(size.ring_bytes).slots(size.slots()).name("bench").prefault(true);
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
