//! Bad manners at the hand-over that `handover.rs` does not have: descriptors with a request, halves that are closed, floods.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use frame_ring::{Consumer, Descriptor, Producer, RefusalReason};
use frame_ring_core::layout::ABI_VERSION;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, shutdown, sockopt, Shutdown};

use crate::meter::Belongings;
use crate::support::child::{self, Actor};
use crate::support::raw::{
    code_and_owner, hello, receive, send_bytes, send_with_descriptors, seqpacket, Raw,
};
use crate::support::{next, next_text, open_descriptors, until, Random, TempDir};

/// Each in a process of its own, because they count descriptors.
fn in_a_process(attack: &str) {
    let mut actor = Actor::start("sockets", attack);
    loop {
        match actor.heard().as_str() {
            "end" => return actor.finish(),
            line => println!("{line}"),
        }
    }
}

#[test]
fn descriptors_sent_along_are_never_installed() {
    in_a_process("descriptors");
}

#[test]
fn half_closed_connections_keep_nothing() {
    in_a_process("halves");
}

#[test]
fn any_request_gets_an_answer_or_the_end() {
    in_a_process("requests");
}

#[test]
fn a_flood_of_connections_is_bounded_and_passes() {
    in_a_process("flood");
}

pub fn play(attack: &str) {
    let dir = TempDir::new();
    let path = dir.join("ring");
    let mut ring = crate::support::ring(1 << 16);
    ring.listen(&path).expect("a socket");
    is_served(&mut ring, &path);
    until("it is gone", || ring.producers() == 0);
    let before = Belongings::now();
    match attack {
        "descriptors" => send_descriptors(&path),
        "halves" => close_halves(&mut ring, &path),
        "requests" => send_requests(&ring, &path),
        "flood" => flood(&path),
        other => panic!("no attack {other}"),
    }
    is_served(&mut ring, &path);
    until("all are gone", || ring.producers() == 0);
    until("as much is held as before", || Belongings::now().are_as(&before));
    drop((ring, dir));
    child::say("end");
}

/// A frame goes from a new producer at the path to the ring.
fn is_served(ring: &mut Consumer, path: &PathBuf) {
    let sender = Producer::connect(path, "check").expect("connected");
    sender.send(b"check", &Descriptor::opaque()).expect("sent");
    assert_eq!(next_text(ring), "check");
}

fn send_descriptors(path: &Path) {
    let good = hello(ABI_VERSION, 1, b"generous");
    let before = open_descriptors();
    for count in [1, 2, 16, 253] {
        let socket = seqpacket(path);
        let fds: Vec<RawFd> = vec![socket.as_raw_fd(); count];
        send_with_descriptors(&socket, &good, &fds);
        let (answer, received) = receive(&socket).expect("an answer");
        assert_eq!((code_and_owner(&answer).0, received.len()), (0, 2), "{count} descriptors are ignored");
        // This end of the socket, the server's, the producer's bell there, and the two that were handed over here.
        until("the consumer has taken none", || open_descriptors() <= before + 5);
    }
}

fn close_halves(ring: &mut Consumer, path: &Path) {
    let good = hello(ABI_VERSION, 1, b"half");
    // Before it asks, either half.
    for half in [Shutdown::Write, Shutdown::Read, Shutdown::Both] {
        let socket = seqpacket(path);
        shutdown(socket.as_raw_fd(), half).expect("shut");
        // A request whose answer can't arrive, or none.
        let _ = send_bytes(&socket, &good);
        until("it is hung up on", || !matches!(send_bytes(&socket, &good), Ok(_) | Err(Errno::EAGAIN)));
        until("it has no id", || ring.producers() == 0);
    }
    // Once it is a producer: to stop talking is to be gone, whatever the process still has mapped.
    let raw = Raw::join_over(seqpacket(path), "half");
    shutdown(raw.lifeline.as_raw_fd(), Shutdown::Write).expect("shut");
    until("it counts as gone", || ring.producers() == 0);
    raw.send_described(0, Descriptor::opaque().encode().expect("fine").used());
    assert_eq!(
        (next(ring).producer(), ring.producers()),
        (raw.owner, 0),
        "its frames are frames, and nothing else"
    );
}

fn send_requests(ring: &Consumer, path: &Path) {
    let good = hello(ABI_VERSION, 1, b"label");
    let mut random = Random::new(11);
    let mut kinds = [0; 6];
    for n in 0..3000 {
        let socket = seqpacket(path);
        let mut request = good.clone();
        match n % 4 {
            0 => request = random.bytes(n % 200),
            1 => request.truncate(n % 80),
            _ => {
                let at = random.below(80) as usize;
                request[at] = random.word() as u8;
            }
        }
        let _ = send_bytes(&socket, &request);
        kinds[answer_to(&socket)] += 1;
    }
    // As long as a message can be.
    for bytes in [4 << 10, 64 << 10, 200 << 10, 1 << 20] {
        let socket = seqpacket(path);
        let _ = setsockopt(&socket, sockopt::SndBuf, &(4 << 20));
        if send_bytes(&socket, &vec![b'F'; bytes]).is_ok() {
            assert_eq!(answer_to(&socket), RefusalReason::Malformed as usize);
        }
    }
    let [welcome, malformed, version, user, crowded, hung_up] = kinds;
    child::say(&format!("3000 requests: {welcome} welcome, {malformed} malformed, {version} of other versions, {hung_up} hung up on"));
    assert!(welcome > 500 && malformed > 500 && version > 10 && hung_up > 0 && user + crowded == 0);
    until("all are gone", || ring.producers() == 0);
}

/// The code of the answer, or 5 if there is none.
fn answer_to(socket: &OwnedFd) -> usize {
    match receive(socket) {
        Ok((answer, _)) if !answer.is_empty() => code_and_owner(&answer).0 as usize,
        Ok(_) | Err(Errno::ECONNRESET) => 5,
        Err(why) => panic!("{why}"),
    }
}

/// More connections than are served at once, all of them silent; both ends are this process's.
fn flood(path: &Path) {
    const CONNECTIONS: usize = 1500;
    let needed = 2 * CONNECTIONS as u64 + 100;
    if !may_open(needed) {
        child::say(&format!(
            "NOT RUN: a flood of {CONNECTIONS} connections: {needed} descriptors are needed"
        ));
        return;
    }
    let before = open_descriptors();
    let silent: Vec<_> = (0..CONNECTIONS).map(|_| seqpacket(path)).collect();
    // Beyond 1024 it hangs up.
    let is_open = |socket: &OwnedFd| send_bytes(socket, b"").is_ok();
    until("the surplus is hung up on", || silent[1100..].iter().all(|socket| !is_open(socket)));
    assert!(open_descriptors() <= before + CONNECTIONS + 1024, "no more than it serves");
    drop(silent);
    until("all is closed", || open_descriptors() <= before);
}

/// Whether this process may open so many descriptors, if it asks.
fn may_open(descriptors: u64) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for a write.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit.rlim_cur = descriptors;
    // SAFETY: `limit` is a limit; nothing but descriptors that are still to be opened depends on it.
    descriptors <= limit.rlim_max && unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } == 0
}
