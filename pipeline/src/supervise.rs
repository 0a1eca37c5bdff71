//! A command that is run for the user: it gets the signals that are meant for it, and its end is noticed.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{kill, SigSet, Signal};
use nix::sys::wait::{waitid, Id, WaitPidFlag};
use nix::unistd::Pid;

/// Signals that are handed on.
const HANDED_ON: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The signals that are handed on, blocked in this process.
#[derive(Debug)]
pub struct Blocked(SigSet);

/// Blocks the signals that are handed on, in this thread and those that it starts: from now on this process does not end
/// by Ctrl-C, but when the command has ended. To be called before any thread is started.
pub fn block_signals() -> io::Result<Blocked> {
    let signals: SigSet = HANDED_ON.into_iter().collect();
    signals.thread_block()?;
    Ok(Blocked(signals))
}

/// A running command.
#[derive(Debug)]
pub struct Supervised {
    end: Arc<Mutex<Option<ExitStatus>>>,
}

impl Supervised {
    /// Starts a command by `spawn`.
    pub fn start(
        Blocked(signals): Blocked,
        mut command: Command,
        spawn: impl FnOnce(Command) -> io::Result<Child>,
    ) -> io::Result<Self> {
        // SAFETY: between fork and exec only `pthread_sigmask` is called, which is async-signal-safe.
        unsafe { command.pre_exec(move || Ok(signals.thread_unblock()?)) };
        let mut child = spawn(command)?;
        let pid = Pid::from_raw(child.id() as i32);
        let end = Arc::new(Mutex::new(None));
        std::thread::Builder::new().name("signals".into()).spawn({
            let end = end.clone();
            move || hand_on(&signals, pid, &end)
        })?;
        std::thread::Builder::new().name("wait".into()).spawn({
            let end = end.clone();
            move || {
                // Waits without the lock and without reaping, so that the number is still the command's when a signal
                // is handed on.
                let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
                let mut end = end.lock().unwrap_or_else(PoisonError::into_inner);
                *end = Some(child.wait().unwrap_or_else(|_| ExitStatus::from_raw(1 << 8)));
            }
        })?;
        Ok(Self { end })
    }

    /// How the command ended, if it has.
    pub fn end(&self) -> Option<ExitStatus> {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hand_on(signals: &SigSet, command: Pid, end: &Mutex<Option<ExitStatus>>) {
    loop {
        // SAFETY: both pointers are to values that live as long as the call; an all-zero siginfo_t is a valid one.
        let (signal, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            (libc::sigwaitinfo(signals.as_ref(), &mut info), info)
        };
        let Ok(signal) = Signal::try_from(signal) else { continue };
        // The terminal has sent its Ctrl-C to the command, too.
        let from_terminal = info.si_code == libc::SI_KERNEL;
        let end = end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.is_none() && !from_terminal {
            // It cannot fail while the command has not been waited for.
            let _ = kill(command, signal);
        }
    }
}

/// How a process ended, in words that follow its name.
pub fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended".into(),
        (Some(code), _) => format!("failed with exit status {code}"),
        (None, Some(signal)) => match Signal::try_from(signal) {
            Ok(name) => format!("was ended by signal {signal} ({name})"),
            Err(_) => format!("was ended by signal {signal}"),
        },
        (None, None) => "ended in an unknown way".into(),
    }
}
