//! The browser's sandbox: on, as an ordinary user; off only where it cannot be, as root. Frames come out of it alike.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use frame_ring::LaneOptions;

use crate::stage::Stage;
use crate::web::sandbox::Tenant;
use crate::web::{self, FULL, HEADLESS};

/// Says, past the harness, that something was not tried.
fn not_run(why: &str) {
    let line = format!("\nNOT RUN: the browser's sandbox, because {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A page's frames, received through a browser with its sandbox on.
fn sandboxed(program: &str) {
    if web::launch(program).is_none() {
        return;
    }
    let tenant = match Tenant::new() {
        Ok(tenant) => tenant,
        Err(why) => return not_run(why),
    };
    let mut stage = Stage::with(LaneOptions::default(), || tenant.start(Path::new(program), &[]));
    stage.go("/live");

    let confined = tenant.confined(&stage.browser);
    let lane = stage.joined();
    let about = fs::metadata(&stage.hub.ring(lane).unwrap().lane().unwrap().path).unwrap();
    assert_eq!((about.uid(), about.mode() & 0o777), (tenant.user.uid.as_raw(), 0o600));
    for _ in 0..10 {
        stage.frame("frames out of the sandbox");
    }
    println!("{program}: {confined} sandboxed renderers of user {}", tenant.user.name);
}

#[test]
fn frames_come_out_of_the_sandbox_of_the_headless_shell() {
    sandboxed(HEADLESS);
}

#[test]
fn frames_come_out_of_the_sandbox_of_the_full_browser() {
    sandboxed(FULL);
}
