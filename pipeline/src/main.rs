//! The `frame-ring` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    frame_ring_pipeline::cli::main()
}
