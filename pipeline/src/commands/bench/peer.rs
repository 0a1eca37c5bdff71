//! Producer processes: this program, started once more with `bench --produce`.
//!
//! The two sides talk over a socket on the child's standard input: a job, `ready`, `go`, a report, one line each.
//! What is measured goes over the child's standard output, or wherever its transport says.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::job::{Job, Report};
use crate::error::CliError;

/// "I have connected", and "begin".
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Signal {
    Ready,
    Go,
}

/// One end of the conversation.
#[derive(Debug)]
pub struct Control(BufReader<UnixStream>);

impl Control {
    /// The end that a producer process was started with.
    pub fn inherited() -> Result<Self, CliError> {
        let fd = io::stdin().as_fd().try_clone_to_owned();
        fd.map(|fd| Self(BufReader::new(fd.into()))).map_err(|why| CliError::failed("talk to the bench", why))
    }

    /// Waits for the job.
    pub fn job(&mut self) -> Result<Job, CliError> {
        self.receive()
    }

    /// Says that everything is prepared, and waits for the start.
    pub fn wait_for_go(&mut self) -> Result<(), CliError> {
        self.send(&Signal::Ready)?;
        self.receive::<Signal>().map(drop)
    }

    /// Says what was done.
    pub fn report(&mut self, report: Report) -> Result<(), CliError> {
        self.send(&report)
    }

    fn send(&mut self, message: &impl Serialize) -> Result<(), CliError> {
        let failed = |why| CliError::failed("talk to the other process", why);
        let mut line = serde_json::to_vec(message).map_err(|why| failed(why.into()))?;
        line.push(b'\n');
        self.0.get_mut().write_all(&line).map_err(failed)
    }

    fn receive<T: DeserializeOwned>(&mut self) -> Result<T, CliError> {
        let failed = |why| CliError::failed("understand the other process", why);
        let mut line = String::new();
        match self.0.read_line(&mut line).map_err(failed)? {
            0 => Err(CliError::Failed("the other process of the bench has ended".into())),
            _ => serde_json::from_str(&line).map_err(|why| failed(why.into())),
        }
    }
}

/// A producer process. Dropping it ends the process.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    control: Control,
}

impl Peer {
    /// Starts a producer whose standard output is `data`.
    pub fn start(job: &Job, data: OwnedFd) -> Result<Self, CliError> {
        Self::start_with(job, data.into(), |mut command| command.spawn())
    }

    /// Starts a producer that connects to its job's address.
    pub fn connecting(job: &Job) -> Result<Self, CliError> {
        Self::start_with(job, Stdio::null(), |mut command| command.spawn())
    }

    /// Starts a producer that writes nothing to standard output, in a way that hands it more than that.
    pub fn start_with(
        job: &Job,
        data: Stdio,
        spawn: impl FnOnce(Command) -> io::Result<Child>,
    ) -> Result<Self, CliError> {
        let failed = |why| CliError::failed("start a producer process", why);
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        // The file that this process runs, even if another one has taken its name meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.args(["bench", "--produce"]).stdin(OwnedFd::from(theirs)).stdout(data);
        let child = spawn(command).map_err(failed)?;
        let mut peer = Self { child, control: Control(BufReader::new(ours)) };
        peer.control.send(job)?;
        Ok(peer)
    }

    /// Waits until the producer is prepared.
    pub fn ready(&mut self) -> Result<(), CliError> {
        self.control.receive::<Signal>().map(drop)
    }

    /// Lets it begin.
    pub fn go(&mut self) -> Result<(), CliError> {
        self.control.send(&Signal::Go)
    }

    /// Waits for its report and its end, so that it can clean up behind itself.
    pub fn report(mut self) -> Result<Report, CliError> {
        let report = self.control.receive()?;
        self.child.wait().map_err(|why| CliError::failed("wait for a producer process", why))?;
        Ok(report)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has ended or has nothing left to do, and what it did not do is known to the caller.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
