//! A producer process, from outside.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};

use frame_ring::{Consumer, ProducerStats};

use super::wire::{Order, Reply};
use crate::error::CliError;

/// What a process is started with.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its first participant.
    pub first: u16,
    /// How many it has.
    pub count: u16,
}

/// A producer process. Dropping it ends the process.
#[derive(Debug)]
pub struct Process {
    /// Its number: every one that is started gets the next.
    pub launch: u32,
    /// The id that it got in the ring, once that is known.
    pub id: Option<u8>,
    /// Whether it was killed.
    pub killed: bool,
    child: Child,
    orders: Option<ChildStdin>,
    replies: Receiver<Reply>,
    /// Whether there will be no more replies.
    silent: bool,
}

impl Process {
    /// Starts one.
    pub fn start(ring: &Consumer, launch: u32, part: Part, seed: u64) -> Result<Self, CliError> {
        let failed = |why| CliError::failed("start a producer process", why);
        // The file that this process runs, even if another one has taken its name meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.arg("soak-producer").args(["--label", &label(launch), "--launch", &launch.to_string()]);
        command.args(["--first", &part.first.to_string(), "--count", &part.count.to_string()]);
        command.args(["--seed", &seed.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // The terminal's Ctrl-C is for this process alone, which then lets the others leave.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = ring.invite().and_then(|invitation| invitation.spawn(command)).map_err(failed)?;
        let (heard, replies) = mpsc::channel();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || listen(out, heard));
        }
        let orders = child.stdin.take();
        Ok(Self { launch, id: None, killed: false, child, orders, replies, silent: false })
    }

    /// Tells it what to do. A process that is gone does not hear it; its end is noticed elsewhere.
    pub fn order(&mut self, order: &Order) {
        let Some(orders) = &mut self.orders else { return };
        let line = serde_json::to_string(order).unwrap_or_default() + "\n";
        if orders.write_all(line.as_bytes()).is_err() {
            self.orders = None;
        }
    }

    /// Kills it, wherever it is.
    pub fn kill(&mut self) {
        self.killed = true;
        // It cannot fail before the process has been waited for.
        let _ = self.child.kill();
    }

    /// What it has said and was not heard yet.
    pub fn reply(&mut self) -> Option<Reply> {
        match self.replies.try_recv() {
            Ok(reply) => Some(reply),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.silent = true;
                None
            }
        }
    }

    /// How it ended, once it has and all its replies were heard.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.silent.then(|| self.child.try_wait().ok().flatten()).flatten()
    }

    /// Looks for it among the producers of the ring.
    pub fn find<'a>(&mut self, producers: &'a [(u8, ProducerStats)]) -> Option<&'a ProducerStats> {
        let label = label(self.launch);
        let found = producers.iter().find(|(_, stats)| stats.label.to_string() == label)?;
        self.id = Some(found.0);
        Some(&found.1)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or nobody is left who would take what it sends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LABEL: &str = "soak process ";

fn label(launch: u32) -> String {
    format!("{LABEL}{launch}")
}

/// The number of the process that has this label.
pub fn launch_of(label: &str) -> Option<u32> {
    label.strip_prefix(LABEL)?.parse().ok()
}

fn listen(out: ChildStdout, heard: mpsc::Sender<Reply>) {
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        let Ok(reply) = serde_json::from_str(&line) else { return };
        if heard.send(reply).is_err() {
            return;
        }
    }
}
