//! How producers and observers come to a ring: over a path or an inherited socket, in good and in bad manners.

mod support;

use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use frame_ring::{ConnectError, Consumer, Descriptor, Observer, Producer, RecvError, RefusalReason};
use frame_ring_core::layout::ABI_VERSION;
use nix::sys::socket::{bind, connect, listen, socket, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
use support::child::{self, Actor};
use support::raw::seqpacket;
use support::{next, next_text, open_descriptors, producer, raw, recv, until, TempDir};

#[test]
fn child_entry() {
    child::play(|role, argument| match role {
        "send" => {
            let producer = child::connect(argument);
            producer.send(argument.as_bytes(), &Descriptor::opaque()).expect("sent");
            child::say(&format!("{} {}", producer.id(), producer.generation()));
            child::hear();
        }
        "environment" => {
            // SAFETY: the descriptor, if it is one, is this call's alone.
            let why = unsafe { Producer::from_env("nobody") }.expect_err("no ring");
            child::say(&format!("{why:?}"));
        }
        "listen" => {
            let mut ring = support::ring(1 << 16);
            ring.listen(argument).expect("a socket");
            child::say("listening");
            child::hear();
        }
        "reconnect" => reconnect(),
        other => panic!("no role {other}"),
    });
}

fn listening() -> (Consumer, TempDir, std::path::PathBuf) {
    let dir = TempDir::new();
    let path = dir.join("ring");
    let mut ring = support::ring(1 << 16);
    ring.listen(&path).expect("a socket");
    (ring, dir, path)
}

/// A frame goes from a new producer at the path to the ring.
fn is_served(ring: &mut Consumer, path: &Path) {
    let sender = Producer::connect(path, "check").expect("connected");
    sender.send(b"check", &Descriptor::opaque()).expect("sent");
    assert_eq!(next_text(ring), "check");
}

#[test]
fn a_request_that_is_none_is_refused_with_the_reason() {
    let (mut ring, _dir, path) = listening();
    let good = raw::hello(ABI_VERSION, 1, b"label");
    let malformed: [Vec<u8>; 7] = [
        b"x".to_vec(),
        good[..79].to_vec(),
        [&good[..], b"\0"].concat(),
        [b"GET / HTTP/1.1\r\n".as_slice(), &[b' '; 64]].concat(),
        raw::hello(ABI_VERSION, 0, b""),
        raw::hello(ABI_VERSION, 3, b""),
        vec![0; 5000],
    ];
    for request in malformed {
        let socket = seqpacket(&path);
        raw::send_bytes(&socket, &request).expect("sent");
        let (answer, fds) = raw::receive(&socket).expect("an answer");
        assert_eq!(raw::code_and_owner(&answer), (RefusalReason::Malformed as u32, 0));
        assert!(fds.is_empty(), "the ring is not handed over");
        assert_eq!(raw::receive(&socket).expect("the end").0, b"");
    }
    for version in [0, ABI_VERSION + 1, u32::MAX] {
        let socket = seqpacket(&path);
        raw::send_bytes(&socket, &raw::hello(version, 1, b"")).expect("sent");
        let (answer, fds) = raw::receive(&socket).expect("an answer");
        assert_eq!(raw::code_and_owner(&answer), (RefusalReason::Version as u32, 0));
        assert_eq!(answer[4..8], ABI_VERSION.to_le_bytes(), "it says what it speaks");
        assert!(fds.is_empty());
    }
    is_served(&mut ring, &path);
    assert_eq!(ring.producer_stats().len(), 1, "none of them got an id");
}

#[test]
fn a_request_in_pieces_is_none() {
    let (mut ring, _dir, path) = listening();
    let good = raw::hello(ABI_VERSION, 1, b"label");
    let socket = seqpacket(&path);
    raw::send_bytes(&socket, &good[..40]).expect("sent");
    // It may have hung up already.
    let _ = raw::send_bytes(&socket, &good[40..]);
    match raw::receive(&socket) {
        Ok((answer, fds)) => {
            assert_eq!(raw::code_and_owner(&answer), (RefusalReason::Malformed as u32, 0));
            assert!(fds.is_empty());
        }
        // The second piece was never read.
        Err(why) => assert_eq!(why, nix::Error::ECONNRESET),
    }
    is_served(&mut ring, &path);
}

extern "C" fn nothing(_: i32) {}

#[test]
fn signals_do_not_end_the_wait_for_an_answer() {
    // SAFETY: the handler does nothing, and no other test of this binary uses the signal; an action of zeros but for the
    // handler has no flags and an empty mask.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(i32) as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()), 0);
    }
    let (client, server) = raw::pair();
    let (tell, told) = std::sync::mpsc::channel();
    let asker = std::thread::spawn(move || {
        // SAFETY: takes nothing.
        tell.send(unsafe { libc::pthread_self() } as usize).expect("somebody listens");
        Producer::from_fd(client, "interrupted").map(|producer| producer.id())
    });
    let thread = told.recv().expect("its id") as libc::pthread_t;
    assert_eq!(raw::receive(&server).expect("a request").0.len(), 80);
    for _ in 0..20 {
        // SAFETY: the thread was not joined yet.
        assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR2) }, 0);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let (event, _other) = raw::pair();
    let ring = raw::memfd_of(&raw::header());
    let welcome = raw::answer(ABI_VERSION, 0, 7, 1);
    raw::send_with_descriptors(&server, &welcome, &[ring.as_raw_fd(), event.as_raw_fd()]);
    assert_eq!(asker.join().expect("no panic").expect("a connection"), 7);
}

#[test]
fn silent_and_talkative_peers_hold_up_nobody() {
    let (mut ring, _dir, path) = listening();
    let silent: Vec<_> = (0..50).map(|_| seqpacket(&path)).collect();
    is_served(&mut ring, &path);
    // A producer that goes on talking on its lifeline is not listened to, and not hung up on either.
    let talkative = raw::Raw::join_over(seqpacket(&path), "talkative");
    for _ in 0..200 {
        raw::send_bytes(&talkative.lifeline, &[1; 80]).expect("sent");
        raw::send_with_descriptors(&talkative.lifeline, b"take this", &[talkative.event.as_raw_fd()]);
    }
    is_served(&mut ring, &path);
    talkative.send_described(
        5,
        Descriptor { payload_len: 5, ..Descriptor::opaque() }.encode().expect("fine").used(),
    );
    assert_eq!(next(&mut ring).producer(), talkative.owner);
    until("the other producers are gone", || ring.producers() == 1);
    drop(silent);
    drop(talkative);
    until("all are gone", || ring.producers() == 0);
    is_served(&mut ring, &path);
}

#[test]
fn there_are_255_producers_and_then_no_more() {
    let ring = support::ring(1 << 16);
    let mut all: Vec<_> = (0..255).map(|_| raw::Raw::join(&ring, "one of many")).collect();
    let mut ids: Vec<_> = all.iter().map(|raw| raw.owner).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=255).collect::<Vec<u8>>());
    assert_eq!(ring.producers(), 255);
    let refused = Producer::from_fd(ring.invite().expect("an invitation"), "too many");
    assert!(matches!(refused, Err(ConnectError::Refused(RefusalReason::Crowded))), "{refused:?}");
    // Whose place is free again has it.
    let gone = all.remove(100).owner;
    until("one is gone", || ring.producers() == 254);
    let newcomer = producer(&ring, "newcomer");
    assert_eq!((newcomer.id(), newcomer.generation()), (gone, 2));
    // Of 255 each has its own frames.
    for raw in &all {
        raw.send_described(0, Descriptor::opaque().encode().expect("fine").used());
    }
    let mut ring = ring;
    for raw in &all {
        assert_eq!(ring.try_recv().expect("no error").expect("a frame").producer(), raw.owner);
    }
}

#[test]
fn two_consumers_can_not_have_one_path() {
    let (mut ring, _dir, path) = listening();
    let mut second = support::ring(1 << 16);
    let why = second.listen(&path).expect_err("taken");
    assert_eq!(why.kind(), std::io::ErrorKind::AddrInUse);
    assert!(!second.has_sources());
    assert_eq!(ring.listen(&path).expect_err("taken").kind(), std::io::ErrorKind::AddrInUse);
    is_served(&mut ring, &path);
    drop(second);
    is_served(&mut ring, &path);
    // Another path of the same ring is no trouble.
    let other = path.with_extension("other");
    ring.listen(&other).expect("a socket");
    is_served(&mut ring, &other);
    is_served(&mut ring, &path);
}

#[test]
fn a_consumer_too_busy_to_accept_is_not_dead() {
    let dir = TempDir::new();
    let path = dir.join("busy");
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let busy = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).expect("a socket");
    let address = UnixAddr::new(&path).expect("an address");
    bind(busy.as_raw_fd(), &address).expect("bound");
    listen(&busy, Backlog::new(1).expect("in range")).expect("listening");
    // Its queue is filled up.
    let mut waiting = Vec::new();
    loop {
        let fd = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).expect("a socket");
        match connect(fd.as_raw_fd(), &address) {
            Ok(()) => waiting.push(fd),
            Err(nix::Error::EAGAIN) => break,
            Err(why) => panic!("{why}"),
        }
    }
    let why = support::ring(1 << 16).listen(&path).expect_err("taken");
    assert_eq!(why.kind(), std::io::ErrorKind::AddrInUse);
    assert!(path.exists());
}

#[test]
fn the_socket_of_a_dead_consumer_is_replaced_and_nothing_else_is() {
    let dir = TempDir::new();
    let path = dir.join("ring");
    let mut first = Actor::start("listen", path.to_str().expect("text"));
    first.expect("listening");
    first.kill();
    assert!(path.exists(), "a killed process leaves its file behind");
    assert!(matches!(Producer::connect(&path, "early"), Err(ConnectError::Unreachable { .. })));
    let mut ring = support::ring(1 << 16);
    ring.listen(&path).expect("the abandoned socket is replaced");
    is_served(&mut ring, &path);

    // Whatever else is in the way stays there.
    let file = dir.join("file");
    std::fs::write(&file, "precious").expect("written");
    let link = dir.join("link");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let dangling = dir.join("dangling");
    std::os::unix::fs::symlink(dir.join("nowhere"), &dangling).expect("a link");
    let folder = dir.join("folder");
    std::fs::create_dir(&folder).expect("a folder");
    for path in [&file, &link, &dangling, &folder] {
        let why = support::ring(1 << 16).listen(path).expect_err("in the way");
        assert_eq!(why.kind(), std::io::ErrorKind::AddrInUse, "{}", path.display());
        assert!(path.symlink_metadata().is_ok(), "{} is gone", path.display());
    }
    assert_eq!(std::fs::read_to_string(&link).expect("still there"), "precious");

    let nowhere = dir.join("no/such/folder");
    assert_eq!(ring.listen(&nowhere).expect_err("no folder").kind(), std::io::ErrorKind::NotFound);
    assert!(ring.listen(dir.join(&"x".repeat(120))).is_err(), "longer than a socket's path");
    is_served(&mut ring, &path);
}

#[test]
fn the_socket_is_private_and_goes_with_its_consumer() {
    let (ring, dir, path) = listening();
    let metadata = std::fs::symlink_metadata(&path).expect("a file");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    drop(ring);
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
    // What somebody else has put in its place stays.
    let mut replaced = support::ring(1 << 16);
    replaced.listen(&path).expect("a socket");
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, "mine").expect("written");
    drop(replaced);
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "mine");
    std::fs::remove_file(&path).expect("removed");
    match Producer::connect(&path, "late") {
        Err(ConnectError::Unreachable { path: named, error }) => {
            assert_eq!((named, error.kind()), (path, std::io::ErrorKind::NotFound));
        }
        other => panic!("{other:?}"),
    }
    let long = dir.join(&"x".repeat(120));
    assert!(matches!(Producer::connect(&long, "nobody"), Err(ConnectError::Unreachable { .. })));
    assert!(matches!(Observer::connect(&long), Err(ConnectError::Unreachable { .. })));
    // A socket of another kind.
    let stream = dir.join("stream");
    let _listener = std::os::unix::net::UnixListener::bind(&stream).expect("bound");
    assert!(matches!(Producer::connect(&stream, "nobody"), Err(ConnectError::Unreachable { .. })));
}

#[test]
fn an_invitation_is_inherited_by_a_child() {
    let mut ring = support::ring(1 << 16);
    let label = "child é with a name that is longer than the fifty-six bytes there are";
    let mut child = Actor::invited(&ring, "send", label);
    assert_eq!(child.heard(), "1 1");
    assert_eq!(next_text(&mut ring), label);
    let [(1, stats)] = ring.producer_stats()[..] else { panic!("one producer") };
    assert!(stats.connected);
    assert_eq!((stats.generation, stats.frames, stats.bytes), (1, 1, label.len() as u64));
    let shown = stats.label.to_string();
    assert!(label.starts_with(&shown) && shown.len() == 56, "{shown}");
    // This process has kept no copy of the child's end.
    child.kill();
    assert_eq!(recv(&mut ring).expect_err("gone"), RecvError::Disconnected);
}

#[test]
fn a_path_is_found_by_a_variable() {
    let (mut ring, _dir, path) = listening();
    for generation in 1..4 {
        let mut command = child::command("send", "by path");
        command.env(frame_ring::SOCKET_VARIABLE, &path).env_remove(frame_ring::FD_VARIABLE);
        let mut child = Actor::from(command.spawn().expect("a child"));
        // An id is used again as late as possible.
        assert_eq!(child.heard(), format!("{generation} 1"));
        assert_eq!(next_text(&mut ring), "by path");
        let stats = ring.producer_stats();
        let (_, stats) = stats.last().expect("a producer");
        assert_eq!((stats.pid, stats.label.to_string()), (child.id(), "by path".into()));
        child.kill();
        until("it is gone", || ring.producers() == 0);
    }
    assert_eq!(ring.producer_stats().iter().filter(|(_, p)| !p.connected).count(), 3, "still known");
}

#[test]
fn an_inherited_descriptor_goes_before_a_path() {
    let (path_ring, _dir, path) = listening();
    let mut invited_ring = support::ring(1 << 16);
    let mut command = child::command("send", "hello");
    command.env(frame_ring::SOCKET_VARIABLE, &path);
    let child = invited_ring.invite().expect("an invitation").spawn(command).expect("a child");
    let mut child = Actor::from(child);
    child.expect("1 1");
    assert_eq!(next_text(&mut invited_ring), "hello");
    assert_eq!(path_ring.producers(), 0);
}

#[test]
fn a_wrong_environment_is_named() {
    let ask = |variable: &str, value: &str| {
        let mut command = child::command("environment", "");
        command.env_remove(frame_ring::FD_VARIABLE).env_remove(frame_ring::SOCKET_VARIABLE);
        command.env(variable, value);
        Actor::from(command.spawn().expect("a child")).heard()
    };
    assert_eq!(ask("FRAME_RING_OTHER", "x"), "NoEnvironment { found: None }");
    for garbage in ["", "x", "-1", "1e3", "99999999999999999999", "987654", "3 "] {
        let found = ask(frame_ring::FD_VARIABLE, garbage);
        assert_eq!(found, format!("NoEnvironment {{ found: Some({garbage:?}) }}"));
    }
    // Open, but no socket: the child's standard input.
    let found = ask(frame_ring::FD_VARIABLE, "0");
    assert!(found.starts_with("Os("), "{found}");
    let found = ask(frame_ring::SOCKET_VARIABLE, "/no/such/socket");
    assert!(found.starts_with("Unreachable"), "{found}");
}

#[test]
fn an_invitation_that_nobody_takes_is_no_source_for_ever() {
    let mut ring = support::ring(1 << 16);
    assert!(!ring.has_sources());
    assert_eq!(ring.recv().expect_err("nobody can come"), RecvError::Disconnected);
    let invitation = ring.invite().expect("an invitation");
    assert!(ring.has_sources());
    assert!(ring.try_recv().expect("somebody may come").is_none());
    let receiver = std::thread::spawn(move || ring.recv().map(drop));
    drop(invitation);
    assert_eq!(receiver.join().expect("no panic"), Err(RecvError::Disconnected));
}

#[test]
fn clones_share_a_connection_and_the_last_one_ends_it() {
    let mut ring = support::ring(1 << 16);
    let first = producer(&ring, "shared");
    let second = first.clone();
    let track = second.track(&frame_ring::TrackInfo::default()).expect("a track");
    assert_eq!((first.id(), ring.producers()), (second.id(), 1));
    let threads: Vec<_> = [first, second]
        .into_iter()
        .map(|producer| std::thread::spawn(move || producer.send(b"x", &Descriptor::opaque()).expect("sent")))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    assert_eq!([next_text(&mut ring), next_text(&mut ring)], ["x", "x"]);
    // The track is the last that holds the connection.
    assert!(ring.try_recv().expect("still connected").is_none());
    assert!(track.producer().is_connected());
    drop(track);
    assert_eq!(recv(&mut ring).expect_err("gone"), RecvError::Disconnected);
}

/// In a process of its own, because it counts descriptors and the other tests open some all the time.
#[test]
fn reconnecting_leaks_nothing() {
    Actor::start("reconnect", "").expect("as many as before");
}

fn reconnect() {
    let (mut ring, dir, path) = listening();
    is_served(&mut ring, &path);
    until("it is gone", || ring.producers() == 0);
    let before = open_descriptors();
    for turn in 0..300 {
        is_served(&mut ring, &path);
        match turn % 4 {
            0 => drop(Observer::connect(&path).expect("an observer")),
            1 => drop(ring.invite().expect("an invitation")),
            2 => drop(raw::send_bytes(&seqpacket(&path), b"nonsense")),
            _ => {
                let raw = raw::Raw::join_over(seqpacket(&path), "raw");
                // The consumer does not take what it did not ask for.
                raw::send_with_descriptors(&raw.lifeline, b"for you", &[raw.event.as_raw_fd()]);
                let made = raw::Raw::join(&ring, "raw");
                drop((made, raw));
            }
        }
    }
    assert!(ring.listen(&path).is_err());
    let other = support::ring(1 << 16);
    drop((producer(&other, "p"), other));
    until("as many descriptors are open as before", || open_descriptors() == before);
    let generations: u32 = ring.producer_stats().iter().map(|(_, stats)| stats.generation).sum();
    assert_eq!(generations, 301 + 150);
    drop((ring, dir));
    child::say("as many as before");
}
