//! `frame-ring verify`.

use crate::error::CliError;

/// Not written yet.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_: Args) -> Result<(), CliError> {
    Err(CliError::Failed("not written yet".into()))
}
