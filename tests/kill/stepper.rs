//! A child process one of whose threads runs only as this thread says: to its next mark, or one instruction further.
//!
//! The child submits to its parent (`PTRACE_TRACEME`) and marks the beginning and the end of what is to be stepped
//! through by a signal to itself; the signal never arrives, its tracer keeps it. The stop comes before the first
//! instruction behind the system call that sent it. Stepping into a system call runs all of it: one step.

use std::io;

use frame_ring::Consumer;

use crate::support::child::{self, Actor};

const MARK: i32 = libc::SIGUSR1;

/// In a child: from here on the parent decides how this thread runs. The first mark.
pub fn submit() {
    // SAFETY: the request takes no pointers; the parent of this process expects it.
    let rc = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    // Nothing here is proven on a machine that does not let a process trace its child.
    assert_eq!(rc, 0, "NOT RUN: ptrace is refused here: {}", io::Error::last_os_error());
    // SAFETY: takes no arguments.
    child::say(&unsafe { libc::gettid() }.to_string());
    mark();
}

/// In a child: a place at which the parent takes over.
#[inline(always)]
pub fn mark() {
    // SAFETY: a signal to the calling thread itself; its tracer intercepts it.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), MARK) };
}

/// Where a step has led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To the next instruction.
    On,
    /// Into a system call that waits for somebody else.
    Asleep,
    /// To the mark.
    Marked,
}

/// A child with a thread that this thread traces. Killed when dropped.
#[derive(Debug)]
pub struct Traced {
    child: Actor,
    thread: i32,
    /// In a system call that does not return.
    asleep: bool,
    ended: bool,
}

impl Traced {
    /// Starts a child that is invited to `ring`; it has something to say before it submits. Both are waited for.
    pub fn invited(ring: &Consumer, role: &str, argument: &str) -> (Self, String) {
        let mut child = Actor::invited(ring, role, argument);
        let word = child.heard();
        (Self::begin(child), word)
    }

    /// Takes over a child that is about to submit, and waits for its first mark.
    pub fn begin(mut child: Actor) -> Self {
        let thread = child.heard().parse().expect("a thread's id");
        // The harness runs tests in threads of their own. The leader's end could not be told from the process's.
        assert_ne!(thread, child.id() as i32);
        let mut traced = Self { child, thread, asleep: false, ended: false };
        assert_eq!(traced.wait(), Step::Marked);
        // A child must not outlive a parent that was killed.
        traced.request(libc::PTRACE_SETOPTIONS, libc::PTRACE_O_EXITKILL);
        traced
    }

    /// One instruction, however long it takes.
    pub fn step(&mut self) -> Step {
        if !std::mem::take(&mut self.asleep) {
            self.request(libc::PTRACE_SINGLESTEP, 0);
        }
        self.wait()
    }

    /// One instruction; does not wait for one that waits for somebody else.
    pub fn step_or_sleep(&mut self) -> Step {
        assert!(!self.asleep, "it needs somebody to wake it");
        self.request(libc::PTRACE_SINGLESTEP, 0);
        loop {
            if let Some(step) = self.look(libc::WNOHANG) {
                return step;
            }
            if is_asleep(self.child.id(), self.thread) {
                self.asleep = true;
                return Step::Asleep;
            }
            std::thread::yield_now();
        }
    }

    /// Runs to the next mark, without anybody looking.
    pub fn run(&mut self) {
        self.request(libc::PTRACE_CONT, 0);
        assert_eq!(self.wait(), Step::Marked);
    }

    /// `SIGKILL` before the next instruction, and waits until the process is gone.
    pub fn kill(&mut self) {
        self.end();
        self.child.kill();
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let mut status = 0;
        // SAFETY: the child was not waited for, so its id is still its own; `status` is valid for a write. The thread is
        // waited for by its tracer, or the end of its process would never be told.
        unsafe {
            libc::kill(self.child.id() as i32, libc::SIGKILL);
            libc::waitpid(self.thread, &mut status, libc::__WALL);
        }
    }

    fn request(&self, request: libc::c_uint, data: i32) {
        // SAFETY: none of the requests used here takes a pointer; the thread is traced by this one and stopped.
        let rc = unsafe { libc::ptrace(request, self.thread, 0, data as libc::c_long) };
        assert_eq!(rc, 0, "ptrace request {request}: {}", io::Error::last_os_error());
    }

    fn wait(&mut self) -> Step {
        self.look(0).expect("waited for")
    }

    /// What has become of the thread; `None` if nothing has yet.
    fn look(&mut self, flags: i32) -> Option<Step> {
        let mut status = 0;
        // SAFETY: `status` is valid for a write.
        match unsafe { libc::waitpid(self.thread, &mut status, libc::__WALL | flags) } {
            0 => return None,
            waited => assert_eq!(waited, self.thread, "waitpid: {}", io::Error::last_os_error()),
        }
        assert!(libc::WIFSTOPPED(status), "the child ended by itself: status {status:#x}");
        match libc::WSTOPSIG(status) {
            libc::SIGTRAP => Some(Step::On),
            MARK => Some(Step::Marked),
            signal => panic!("the child got signal {signal}"),
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a thread sleeps in the kernel.
pub fn is_asleep(process: u32, thread: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/stat")).unwrap_or_default();
    // The state follows the name, which is in brackets and may hold anything.
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
}

/// Every how many instructions a run of `steps` is interrupted: behind each one, unless a debug build would take minutes.
pub fn stride(steps: usize) -> usize {
    const BUDGET: usize = 250_000;
    match cfg!(debug_assertions) {
        true => (steps * steps / 2).div_ceil(BUDGET),
        false => 1,
    }
}

/// What a run with that stride is to say of itself.
pub fn note(stride: usize) -> String {
    match stride {
        1 => "behind every instruction".into(),
        n => format!("behind one instruction in {n} (debug build); run with --release for all"),
    }
}
