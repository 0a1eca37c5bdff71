//! Killed everywhere: a real producer and a real consumer are run an instruction at a time and killed behind each one,
//! beside others that go on working. And producers that are stopped at random and go on.
//!
//! ```sh
//! cargo test --release -p frame-ring --test kill
//! ```
//!
//! Meant for a release build, which has some hundreds of instructions where a debug build has thousands: a debug build
//! kills only behind every n-th and says so. What was tried is printed, captured output or not.

#[path = "../support/mod.rs"]
mod support;

mod consumer;
mod producer;
mod scene;
mod stage;
mod stepper;
mod stopped;

use support::child;

#[test]
fn child_entry() {
    child::play(|role, argument| match role {
        "victim" => scene::victim(argument),
        "reader" => consumer::reader(argument),
        "stumbler" => stopped::stumbler(argument),
        other => panic!("no role {other}"),
    });
}

/// Says what was tried, past libtest's capture: figures that nobody sees prove nothing.
fn report(line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "kill: {line}");
}
