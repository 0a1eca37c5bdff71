//! Child processes: the test binary itself, started again to play a role.
//!
//! The binary has a test `child_entry` that does nothing unless a variable names a role. Parent and child talk in lines:
//! the child's go over its standard output, marked by an `@`, the parent's over a pipe to its standard input. A child
//! whose parent is gone reads the end of that pipe and leaves.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use frame_ring::{Consumer, Invitation, Producer};

const ROLE: &str = "FRAME_RING_TEST_ROLE";
const ARGUMENT: &str = "FRAME_RING_TEST_ARGUMENT";

/// To be called by `child_entry`: plays the role if this process is a child, and does not return then.
pub fn play(role: impl FnOnce(&str, &str)) {
    let Ok(name) = std::env::var(ROLE) else { return };
    role(&name, &std::env::var(ARGUMENT).unwrap_or_default());
    std::process::exit(0);
}

/// In a child: tells the parent something.
pub fn say(line: &str) {
    println!("\n@{line}");
}

/// In a child: waits for the parent's next line. Leaves if the parent is gone.
pub fn hear() -> String {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) | Err(_) => std::process::exit(3),
        Ok(_) => line.trim().to_owned(),
    }
}

/// In a child: connects as the parent has arranged.
pub fn connect(label: &str) -> Producer {
    // SAFETY: the descriptor was inherited for this call alone, and nothing else in this process knows its number.
    unsafe { Producer::from_env(label) }.expect("a producer")
}

/// A command that starts this binary in a role.
pub fn command(role: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test binary"));
    command.args(["child_entry", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(ARGUMENT, argument);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Actor {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Actor {
    /// Starts a child that does not get a ring.
    pub fn start(role: &str, argument: &str) -> Self {
        Self::from(command(role, argument).spawn().expect("a child"))
    }

    /// Starts a child that is invited to `ring`.
    pub fn invited(ring: &Consumer, role: &str, argument: &str) -> Self {
        let invitation: Invitation = ring.invite().expect("an invitation");
        Self::from(invitation.spawn(command(role, argument)).expect("a child"))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the child's next line.
    pub fn heard(&mut self) -> String {
        loop {
            let mut line = String::new();
            let len = self.output.read_line(&mut line).expect("the child's output");
            assert!(len > 0, "the child left without a word: {:?}", self.child.wait());
            if let Some(said) = line.trim().strip_prefix('@') {
                return said.to_owned();
            }
        }
    }

    pub fn expect(&mut self, line: &str) {
        assert_eq!(self.heard(), line);
    }

    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{line}").expect("the child listens");
    }

    /// `SIGKILL`, and waits until the process is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("a living child");
        let status = self.child.wait().expect("the child's end");
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    }

    /// `SIGSTOP`, and waits until the process has stopped.
    pub fn stop(&self) {
        self.signal(libc::SIGSTOP);
        let mut status = 0;
        // SAFETY: a child of this process that was not waited for; `status` is valid for a write.
        let waited = unsafe { libc::waitpid(self.id() as i32, &mut status, libc::WUNTRACED) };
        assert_eq!(waited, self.id() as i32);
        assert!(libc::WIFSTOPPED(status), "status {status:#x}");
    }

    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Waits until the child has left, well.
    pub fn finish(&mut self) {
        let status = self.child.wait().expect("the child's end");
        assert!(status.success(), "{status}");
    }

    fn signal(&self, signal: i32) {
        // SAFETY: the process is a child of this one that was not waited for, so its id is still its own.
        assert_eq!(unsafe { libc::kill(self.id() as i32, signal) }, 0);
    }
}

impl From<Child> for Actor {
    fn from(mut child: Child) -> Self {
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
