//! Ctrl-C and SIGTERM: a flag that long work looks at, so that it ends with complete files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Once;

use crate::error::CliError;

static STOP: AtomicBool = AtomicBool::new(false);
static INSTALL: Once = Once::new();

/// From now on the first SIGINT or SIGTERM only sets the flag; the second one ends the process at once.
pub fn install() -> Result<(), CliError> {
    let mut installed = Ok(());
    INSTALL.call_once(|| {
        installed = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })
        .map_err(|why| CliError::failed("handle signals", why));
    });
    installed
}

/// Whether the user wants to stop.
pub fn stop_requested() -> bool {
    STOP.load(Ordering::Relaxed)
}
