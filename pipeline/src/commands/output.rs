//! Standard output, for commands that print tables and records.

use std::io::{self, Write};

use crate::error::CliError;

/// Writes `text` to standard output at once.
///
/// Ends the program, well, if nobody reads any more: `frame-ring top --batch | head` has done what it was asked to.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        done => done.map_err(|why| CliError::failed("write to standard output", why)),
    }
}

/// The record as one line of JSON.
pub fn print_json(record: &impl serde::Serialize) -> Result<(), CliError> {
    let mut line = serde_json::to_string(record).map_err(|why| CliError::failed("write JSON", why))?;
    line.push('\n');
    print(&line)
}
