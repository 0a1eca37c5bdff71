//! What is to be measured, and doing it: rows, rounds, jobs.

use std::io::{self, IsTerminal};

use super::job::{Job, Until};
use super::transport::{self, Transport};
use super::{frame, ring, Args};
use crate::error::CliError;
use crate::report::{Price, ProcessRound, ProcessRow, ProcessSummary, Ring};

/// About as many bytes are sent before the measurement as the largest caches hold.
const WARM_UP_BYTES: usize = 32 << 20;

/// One row to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    transport: &'static Transport,
    payload_bytes: usize,
    ring: Option<Ring>,
}

/// All rows with frames of one length.
pub fn plans(args: &Args, payload_bytes: usize, all: &[&'static Transport]) -> Result<Vec<Plan>, CliError> {
    if !(frame::STAMP_BYTES..=1 << 30).contains(&payload_bytes) {
        let least = frame::STAMP_BYTES;
        return Err(CliError::Usage(format!(
            "frames have {least} bytes to 1 GiB, not {payload_bytes} bytes"
        )));
    }
    let names: Vec<&str> = match &args.transports[..] {
        [] => all.iter().map(|transport| transport.name).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let mut plans = Vec::new();
    for name in names {
        let transport = transport::find(name, all)?;
        let plan = |ring| Plan { transport, payload_bytes, ring };
        if transport.name == ring::NAME {
            plans.extend(rings(args, payload_bytes)?.into_iter().map(|ring| plan(Some(ring))));
        } else {
            plans.push(plan(None));
        }
    }
    Ok(plans)
}

fn rings(args: &Args, payload_bytes: usize) -> Result<Vec<Ring>, CliError> {
    let mut sizes = Vec::new();
    for (held, producers) in args.held.iter().flat_map(|h| args.producers.iter().map(move |p| (*h, *p))) {
        let (held, producers) = (held as usize, producers as usize);
        let least = ring::least_bytes(held, payload_bytes);
        let default =
            [if least <= ring::RING_BYTES / 2 { ring::RING_BYTES } else { ring::RING_BYTES + least }];
        for ring_bytes in if args.ring_bytes.is_empty() { &default[..] } else { &args.ring_bytes } {
            if *ring_bytes < least {
                return Err(CliError::Usage(format!(
                    "a ring of {ring_bytes} bytes is too small: {held} frames held and \
                     {payload_bytes} bytes in each need {least}"
                )));
            }
            sizes.push(Ring { ring_bytes: *ring_bytes, held, producers });
        }
    }
    Ok(sizes)
}

/// Measures all rows, several times if asked to, in turn: whatever else the machine does hits all of them alike.
pub fn measure(args: &Args, plans: &[Plan]) -> Result<Vec<ProcessSummary>, CliError> {
    let mut rounds: Vec<Vec<ProcessRound>> = vec![Vec::new(); plans.len()];
    for round in 1..=args.repeat {
        for (plan, rounds) in plans.iter().zip(&mut rounds) {
            if io::stderr().is_terminal() {
                let (bytes, name, repeat) = (plan.payload_bytes, plan.transport.name, args.repeat);
                eprint!("\r\x1b[K{bytes} bytes, round {round} of {repeat}: {name}");
            }
            rounds.push((plan.transport.carry)(&job(args, plan))?);
        }
    }
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    let rows = plans.iter().zip(rounds).map(|(plan, rounds)| ProcessRow {
        transport: plan.transport.name.into(),
        payload_bytes: plan.payload_bytes,
        paced_fps: args.paced,
        ring: plan.ring,
        notes: plan.transport.notes.into(),
        rounds,
    });
    Ok(ProcessSummary::of(rows, Price::default()))
}

fn job(args: &Args, plan: &Plan) -> Job {
    let warm_up =
        (WARM_UP_BYTES / plan.payload_bytes).clamp(16, 2000) + plan.ring.map_or(0, |ring| ring.held);
    Job {
        transport: plan.transport.name.into(),
        payload_bytes: plan.payload_bytes,
        warm_up: warm_up as u64,
        until: args.frames.map_or(Until::Seconds(args.seconds.unwrap_or(1.0)), Until::Frames),
        paced_fps: args.paced,
        producer: 0,
        address: String::new(),
        ring: plan.ring,
    }
}
