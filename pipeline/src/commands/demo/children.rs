//! The capture processes, seen from outside.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::PARTICIPANTS;
use crate::capture::TrackReport;
use crate::error::CliError;
use crate::media::FrameRate;
use crate::supervise::how;

/// What to capture.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Of the pictures.
    pub size: (u32, u32),
    /// Pictures per second.
    pub fps: FrameRate,
    /// For how long.
    pub seconds: f64,
    /// Where pictures come from, if not from the pattern.
    pub input: Option<PathBuf>,
}

/// A capture process. Dropping it ends the process.
#[derive(Debug)]
pub struct Capture {
    name: &'static str,
    child: Child,
}

/// How a capture process ended.
#[derive(Debug)]
pub struct End {
    /// What it says that it did: pictures, then sound. `None` if it did not come to that.
    pub reports: Option<Vec<TrackReport>>,
    /// What is wrong with that.
    pub failure: Option<String>,
}

impl Capture {
    /// Starts one process for each participant.
    pub fn start_all(
        shape: &Shape,
        websocket: Option<SocketAddr>,
        mut spawn: impl FnMut(Command) -> io::Result<Child>,
    ) -> Result<Vec<Self>, CliError> {
        let start = |(index, name): (usize, &&'static str)| {
            // The file that this process runs, even if another one has taken its name meanwhile.
            let mut command = Command::new("/proc/self/exe");
            let (width, height) = shape.size;
            command.arg("capture").stdin(Stdio::null()).stdout(Stdio::piped());
            command.args(["--participant", &(index + 1).to_string(), "--label", name]);
            command.args(["--size", &format!("{width}x{height}"), "--seconds", &shape.seconds.to_string()]);
            let fps = format!("{}/{}", shape.fps.numerator(), shape.fps.denominator());
            command.args(["--fps", &fps]);
            if let Some(input) = &shape.input {
                command.arg("--input").arg(input);
            }
            if let Some(address) = websocket {
                command.args(["--websocket", &address.to_string()]);
            }
            let child = spawn(command).map_err(|why| CliError::failed("start a capture process", why))?;
            Ok(Self { name, child })
        };
        PARTICIPANTS.iter().enumerate().map(start).collect()
    }

    /// Its participant's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub fn finish(mut self) -> End {
        let mut text = String::new();
        let read = self.child.stdout.take().map_or(Ok(0), |mut out| out.read_to_string(&mut text));
        let status = read.and_then(|_| self.child.wait());
        let reports =
            serde_json::from_str::<Vec<TrackReport>>(&text).ok().filter(|reports| reports.len() == 2);
        let failure = match status {
            Ok(status) if status.success() && reports.is_some() => None,
            Ok(status) if status.success() => {
                Some(format!("the capture process of {} ended without a report", self.name))
            }
            Ok(status) => Some(format!("the capture process of {} {}", self.name, how(status))),
            Err(why) => Some(format!("cannot wait for the capture process of {}: {why}", self.name)),
        };
        End { reports, failure }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It has ended already, or nobody is left who would take what it sends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
