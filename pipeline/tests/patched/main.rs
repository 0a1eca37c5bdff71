//! The patched Chromium, its own rings in its pages, and this crate as their consumer: what arrives is what the page had,
//! whatever becomes of page, tab, browser and consumer.
//!
//! ```sh
//! FRAME_RING_PATCHED_CHROMIUM=out/frame_ring/headless_shell \
//!     cargo test -p frame-ring-pipeline --test patched -- --include-ignored
//! ```
//!
//! Its sandbox is on. Where the tests run as root, the browser runs as the user `nobody`.

mod auto;
mod call;
mod devices;
mod exact;
mod forger;
mod life;
mod overload;
mod refusals;
mod skew;
mod soak;
mod stage;
#[path = "../../../tests/support/mod.rs"]
mod support;
mod tracks;
#[path = "../web/mod.rs"]
mod web;
mod writes;

use std::io::Write;
use std::path::PathBuf;

use support::child;

/// Where the patched browser is.
pub const VARIABLE: &str = "FRAME_RING_PATCHED_CHROMIUM";

/// The patched browser. Tests that need it are ignored unless they are asked for, and then there must be one.
pub fn binary() -> PathBuf {
    let path = std::env::var_os(VARIABLE).map(PathBuf::from).unwrap_or_else(|| panic!("{MISSING}"));
    path.canonicalize().unwrap_or_else(|why| panic!("{VARIABLE} names {}: {why}", path.display()))
}

const MISSING: &str = "none was given, or nobody asked for them: build the patched Chromium as chromium-patch/ says, set \
                       FRAME_RING_PATCHED_CHROMIUM to its headless_shell or chrome, and add to the test's arguments: \
                       --include-ignored";

/// Says that nothing here is proven without a patched browser, or without asking for it; with `FRAME_RING_REQUIRE_PATCHED=1`
/// that is a failure.
#[test]
fn no_patched_browser_was_given_or_all_tests_were_asked_for() {
    let asked = std::env::args().any(|arg| matches!(arg.as_str(), "--ignored" | "--include-ignored"));
    if asked {
        let browser = binary();
        let said = std::process::Command::new(&browser).arg("--version").output().unwrap();
        assert!(said.status.success(), "{} does not run: {said:?}", browser.display());
        return;
    }
    let required = std::env::var_os("FRAME_RING_REQUIRE_PATCHED").is_some_and(|value| value == "1");
    assert!(!required, "{MISSING}");
    // Past the harness, which keeps what a test that passes says to itself.
    let line = format!("\nNOT RUN: the tests with a patched browser, because {MISSING}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Processes of these tests begin here.
#[test]
fn child_entry() {
    child::play(|role, argument| match role {
        "consumer" => life::consumer(argument),
        other => panic!("no role {other}"),
    });
}
