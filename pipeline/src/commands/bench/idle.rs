//! What waiting costs: the CPU time of a consumer with a connected producer that sends nothing.

use std::time::{Duration, Instant};

use frame_ring::{Consumer, Hub};
use serde::Serialize;

use super::cpu::Cpu;
use super::job::{Job, Until};
use super::ring;
use crate::commands::output::{print, print_json};
use crate::commands::table::Table;
use crate::error::CliError;
use crate::report::Ring;

/// One way to wait.
#[derive(Debug, Serialize)]
struct Row {
    wait: &'static str,
    seconds: f64,
    cpu_s: f64,
    cpu_percent: f64,
    context_switches: i64,
}

/// Waits for `seconds` in each way and prints what it cost.
pub fn run(seconds: f64, json: bool) -> Result<(), CliError> {
    let mut table = Table::new(1, &["wait", "seconds", "CPU s", "% of a core", "context switches"]);
    for (wait, how) in [("futex", futex as fn(_, _) -> _), ("eventfd", eventfd)] {
        let row = measure(wait, how, seconds)?;
        if json {
            print_json(&row)?;
        } else {
            table.row([
                row.wait.into(),
                format!("{:.1}", row.seconds),
                format!("{:.6}", row.cpu_s),
                format!("{:.4}", row.cpu_percent),
                row.context_switches.to_string(),
            ]);
        }
    }
    if json {
        Ok(())
    } else {
        print(&table.text())
    }
}

type Wait = fn(Consumer, Duration) -> Result<(), CliError>;

fn measure(wait: &'static str, how: Wait, seconds: f64) -> Result<Row, CliError> {
    let size = Ring { ring_bytes: 1 << 20, held: 1, producers: 1 };
    let mut ring = ring::build(size)?;
    let job = Job {
        transport: ring::NAME.into(),
        payload_bytes: 64,
        warm_up: 1,
        until: Until::Frames(1),
        paced_fps: None,
        producer: 0,
        address: String::new(),
        ring: Some(size),
    };
    // It is connected and never told to begin.
    let _peers = ring::connect(&mut ring, &job, 1)?;
    let (start, cpu) = (Instant::now(), Cpu::now()?);
    how(ring, Duration::from_secs_f64(seconds))?;
    let (end, waited) = (Cpu::now()?, start.elapsed().as_secs_f64());
    let cpu_s = end.since(&cpu);
    Ok(Row {
        wait,
        seconds: waited,
        cpu_s,
        cpu_percent: 100.0 * cpu_s / waited,
        context_switches: end.switches_since(&cpu),
    })
}

fn futex(mut ring: Consumer, time: Duration) -> Result<(), CliError> {
    match ring.recv_timeout(time) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(CliError::Failed("a frame came where none was sent".into())),
        Err(why) => Err(CliError::failed("wait for a frame", why)),
    }
}

fn eventfd(ring: Consumer, time: Duration) -> Result<(), CliError> {
    let failed = |why| CliError::failed("wait for a frame", why);
    let mut hub = Hub::new().map_err(failed)?;
    hub.add(ring).map_err(failed)?;
    match hub.recv_timeout(time).map_err(failed)? {
        None => Ok(()),
        Some(_) => Err(CliError::Failed("something came where nothing was sent".into())),
    }
}
