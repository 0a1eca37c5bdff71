//! A process that has the ring mapped and writes garbage over it while honest traffic goes on: it may cost frames, and
//! the ring itself; it never makes the consumer or an honest producer panic, hang, read outside or allocate without bound.
//!
//! `FRAME_RING_HOSTILE_WORDS` says how many words the scribbling process writes (2,000,000 by default).

#[path = "../support/mod.rs"]
mod support;

mod attacks;
mod board;
mod campaign;
mod meter;
mod scribbler;
mod sockets;
mod traffic;

use support::child::{self, Actor};

#[test]
fn child_entry() {
    child::play(|role, argument| match role {
        "campaign" => {
            meter::exit_on_panic();
            campaign::run();
        }
        "scribble" => campaign::scribble(argument),
        "sockets" => sockets::play(argument),
        other => panic!("no role {other}"),
    });
}

#[test]
fn a_scribbling_process_harms_nobody() {
    let mut campaign = Actor::start("campaign", "");
    loop {
        match campaign.heard().as_str() {
            "end" => break,
            line => println!("{line}"),
        }
    }
    campaign.finish();
}
