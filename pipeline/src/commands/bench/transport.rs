//! The ways from one process to another, each with its name and its two ends.

use clap::builder::{PossibleValue, PossibleValuesParser};

use super::job::Job;
use super::meter::Measured;
use super::peer::Control;
use super::{memcpy, ring, streams, websocket};
use crate::error::CliError;

/// A way from one process to another.
#[derive(Debug, Clone, Copy)]
pub struct Transport {
    /// Its name, as in arguments and JSON.
    pub name: &'static str,
    /// What it is, for the help.
    pub about: &'static str,
    /// What it does and does not do, for whoever compares it with others.
    pub notes: &'static str,
    /// Carries one run's frames: the consumer's end, which starts the producer.
    pub carry: fn(&Job) -> Result<Measured, CliError>,
    /// Sends one run's frames: the end of the producer process.
    pub produce: fn(&Job, &mut Control) -> Result<(), CliError>,
}

/// The transports of this program.
pub static OWN: [Transport; 6] = [
    Transport {
        name: "memcpy",
        about: "The floor: one process copies into warm shared memory and reads it there",
        notes: "Carries nothing: one process, one copy, one buffer that stays in the cache; all its time is the consumer's.",
        carry: memcpy::run,
        produce: memcpy::produce,
    },
    Transport {
        name: ring::NAME,
        about: "This project's ring",
        notes: "One copy; both sides sleep on a futex; no name in the file system. The consumer checks all that producers \
                write, but here they are this program and declared to be trusted, so frames are plain slices.",
        carry: ring::run,
        produce: ring::produce,
    },
    Transport {
        name: "websocket-chromium",
        about: "A WebSocket as Chromium speaks it: masked, in fragments of 131,000 bytes",
        notes: "Three copies (while masking, into the kernel, out of it), and masks taken off in place; 24 fragments for \
                3.1 MB. Our own client and server: what Chromium adds inside itself is not in it.",
        carry: websocket::run_as_chromium,
        produce: websocket::produce_as_chromium,
    },
    Transport {
        name: "websocket",
        about: "A WebSocket without masking and fragments",
        notes: "Two copies (into the kernel, out of it). No client may leave out masks: it is no option, it shows what they cost.",
        carry: websocket::run_unmasked,
        produce: websocket::produce_unmasked,
    },
    Transport {
        name: "uds",
        about: "A Unix stream socket",
        notes: "Two copies (into the kernel, out of it); a stream of bytes: no framing, no drops, a slow consumer stops its producer.",
        carry: streams::run_socket,
        produce: streams::produce,
    },
    Transport {
        name: "pipe",
        about: "A pipe",
        notes: "Two copies (into the kernel, out of it) in pieces of at most 1 MiB; a stream of bytes as uds, in one direction.",
        carry: streams::run_pipe,
        produce: streams::produce,
    },
];

/// The values that `--transports` takes.
pub fn parser(all: impl IntoIterator<Item = &'static Transport>) -> PossibleValuesParser {
    let value = |transport: &Transport| PossibleValue::new(transport.name).help(transport.about);
    PossibleValuesParser::new(all.into_iter().map(value).collect::<Vec<_>>())
}

/// The transport of this name.
pub fn find(name: &str, all: &[&'static Transport]) -> Result<&'static Transport, CliError> {
    let found = all.iter().find(|transport| transport.name == name);
    found.copied().ok_or_else(|| CliError::Usage(format!("this program has no transport named {name}")))
}
