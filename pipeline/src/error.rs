//! What a command can fail with.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum CliError {
    /// Something failed: exit code 1.
    Failed(String),
    /// The arguments contradict each other, or name what does not exist: exit code 2.
    Usage(String),
    /// The command checked something and found it wrong: exit code 3.
    Wrong(String),
}

impl CliError {
    /// A failure while doing something: "cannot {what}: {why}".
    pub fn failed(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        CliError::Failed(format!("cannot {what}: {why}"))
    }

    /// What the calling script sees.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            CliError::Failed(_) => 1,
            CliError::Usage(_) => 2,
            CliError::Wrong(_) => 3,
        })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (CliError::Failed(why) | CliError::Usage(why) | CliError::Wrong(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for CliError {}
