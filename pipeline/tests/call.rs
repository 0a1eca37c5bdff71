//! `frame-ring run` with a real Chromium on a page with a call in it: what README promises.

mod tool;
mod web;

use std::time::Duration;

use nix::sys::signal::Signal;

use tool::{blocks, numbers, until, Scratch};

#[test]
fn a_call_is_recorded_by_participant() {
    if web::launch(web::FULL).is_none() {
        return;
    }
    let scratch = Scratch::new();
    let mut args =
        vec!["run", "--out", "out", "--example-call", "2", "--", web::FULL, "--headless", "--disable-gpu"];
    if nix::unistd::geteuid().is_root() {
        args.push("--no-sandbox");
    }
    let running = scratch.start(&args);
    until("all tracks are there", || running.stderr().matches(" track \"").count() == 4);
    std::thread::sleep(Duration::from_secs(3));
    running.signal(Signal::SIGINT);
    let ended = running.wait().expect(0);
    assert!(ended.stderr.contains("lane 1: opened by http://localhost:"), "{}", ended.stderr);
    for name in ["Ada", "Grace"] {
        for kind in ["audio", "video"] {
            let row = ended.row(&[web::FULL, name, kind]);
            let ([frames], [_, lost]) = (numbers(&row, 3), numbers(&row, 5));
            assert!(frames > 30 && lost == 0, "{row:?}");
        }
        let blocks = blocks(&scratch.path(&format!("out/{name}.mkv")));
        assert!(blocks.len() == 2 && blocks.iter().all(|(_, count)| *count > 30), "{blocks:?}");
    }
}
