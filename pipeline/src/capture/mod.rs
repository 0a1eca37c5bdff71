//! The sending side of the program: sources of pictures and sound, let out at their times.
//!
//! | module | owns |
//! |---|---|
//! | [`source`] | what can be sent: the test pattern and tone |
//! | [`files`] | what can be sent: y4m, WAV, raw frames |
//! | [`outlet`] | where it goes: a ring, a WebSocket |

pub mod files;
pub mod outlet;
pub mod source;

use frame_ring::{mono_ns, Descriptor};
use serde::{Deserialize, Serialize};

use self::outlet::{Fate, Outlet};
use self::source::Source;
use crate::clock::{CpuLap, Pace};
use crate::error::CliError;

/// How sources are to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Who is shown: the source id in every descriptor.
    pub participant: u32,
    /// Stop before this media time.
    pub end_ns: Option<u64>,
    /// Whether media time passes as real time does.
    pub realtime: bool,
}

/// What became of one source's frames, and what they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackReport {
    /// Frames that were sent.
    pub sent: u64,
    /// Their payload.
    pub bytes: u64,
    /// Frames dropped because there was no room.
    pub dropped: u64,
    /// Frames that nobody wanted.
    pub unwanted: u64,
    /// Processor time for making the frames, in nanoseconds.
    pub make_ns: u64,
    /// Processor time for sending them, in nanoseconds.
    pub send_ns: u64,
}

/// Sends all sources, each frame when it is due, until they end, the time is up or the user wants to stop.
///
/// One thread for all of them: whatever delays one frame delays all, and nothing drifts apart.
pub fn run(
    plan: &Plan,
    sources: &mut [Box<dyn Source>],
    outlet: &mut impl Outlet,
) -> Result<Vec<TrackReport>, CliError> {
    let pace = Pace::new(plan.realtime);
    let mut reports = vec![TrackReport::default(); sources.len()];
    let mut going: Vec<usize> = (0..sources.len()).collect();
    let mut cpu = CpuLap::start();
    while let Some(track) = going.iter().copied().min_by_key(|track| sources[*track].due_ns()) {
        let due_ns = sources[track].due_ns();
        if plan.end_ns.is_some_and(|end| due_ns >= end) || !pace.wait_until(due_ns) {
            break;
        }
        cpu.lap();
        let Some(item) = sources[track].next()? else {
            going.retain(|other| *other != track);
            continue;
        };
        let report = &mut reports[track];
        report.make_ns += cpu.lap();
        let about = Descriptor {
            source: plan.participant,
            pts_ns: i64::try_from(due_ns).ok(),
            duration_ns: u32::try_from(item.duration_ns).unwrap_or(0),
            mono_ns: mono_ns(),
            ..Descriptor::new(item.body)
        };
        match outlet.send(track, &about, item.bytes)? {
            Fate::Sent => {
                report.sent += 1;
                report.bytes += item.bytes.len() as u64;
            }
            Fate::Dropped => report.dropped += 1,
            Fate::Unwanted => report.unwanted += 1,
        }
        report.send_ns += cpu.lap();
    }
    Ok(reports)
}
