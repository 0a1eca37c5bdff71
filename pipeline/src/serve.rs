//! The ring that a command serves.

use std::path::Path;

use frame_ring::{Consumer, RingBuilder};

use crate::error::CliError;

/// Tracks of a meeting's participants, and then some.
const TRACKS: u32 = 256;

/// Its size.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RingArgs {
    /// Size of the ring in MiB: for each producer some frames on their way, and those that are being encoded
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=8192))]
    ring_mib: u32,
}

impl RingArgs {
    /// Makes the ring and serves it at `socket`.
    pub fn serve(&self, name: &str, socket: &Path) -> Result<Consumer, CliError> {
        let ring =
            RingBuilder::new().data_bytes(u64::from(self.ring_mib) << 20).tracks(TRACKS).name(name).build();
        let mut ring = ring.map_err(|why| CliError::failed("make the ring", why))?;
        match ring.listen(socket) {
            Ok(()) => Ok(ring),
            Err(why) => Err(CliError::failed(format!("serve the ring at {}", socket.display()), why)),
        }
    }
}
