//! Whether a ring can be handed over and its consumer woken: one is made, and handed over to this same process.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use frame_ring::{Consumer, Descriptor, Hub, HubItem, Producer, RingBuilder};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::Check;

/// What is sent for trial.
const FRAME: &[u8] = b"a frame";
/// How long a wake may take on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough for a consumer to fall asleep, most of the time; nothing is wrong if it did not.
const NAP: Duration = Duration::from_millis(20);

/// Tries the hand-over and both ways to wait.
pub fn checks() -> Vec<Check> {
    vec![
        Check::tried(
            "SO_PEERCRED",
            credentials(),
            "a consumer must see who connects to it; let the sandbox permit getsockopt(SO_PEERCRED)",
        ),
        Check::tried(
            "SCM_RIGHTS",
            try_ring(futex).map(|()| "a ring was handed over and carried a frame; the futex woke its consumer".into()),
            "let the sandbox permit seqpacket Unix sockets, sendmsg and recvmsg with descriptors, mmap and futex",
        ),
        Check::tried(
            "eventfd",
            try_ring(eventfd).map(|()| "the eventfd woke the consumer of a ring".into()),
            "a Hub and the tokio stream need eventfd2 and epoll; let the sandbox permit them",
        ),
    ]
}

fn credentials() -> Result<String, String> {
    let (here, _there) = UnixStream::pair().map_err(|why| why.to_string())?;
    let peer = getsockopt(&here.as_fd(), PeerCredentials).map_err(|why| why.to_string())?;
    let (found, own) = (peer.uid(), nix::unistd::geteuid().as_raw());
    if found == own {
        Ok(format!("names this user, {own}"))
    } else {
        Err(format!("names user {found} for a socket of user {own}"))
    }
}

/// Hands a ring over, and sends a frame to a consumer that waits for it by `receive`.
fn try_ring(receive: fn(Consumer) -> Result<Vec<u8>, String>) -> Result<(), String> {
    let ring = RingBuilder::new().data_bytes(1 << 16).slots(16).tracks(1).name("doctor").build();
    let ring = ring.map_err(|why| why.to_string())?;
    let invitation = ring.invite().map_err(|why| why.to_string())?;
    let producer = Producer::from_fd(invitation, "doctor").map_err(|why| why.to_string())?;
    let sender = thread::spawn(move || {
        thread::sleep(NAP);
        producer.send(FRAME, &Descriptor::opaque())
    });
    let received = receive(ring);
    let sent = sender.join().map_err(|_| "the sending thread panicked".to_string())?;
    sent.map_err(|why| why.to_string())?;
    match received? {
        bytes if bytes == FRAME => Ok(()),
        bytes => Err(format!("{} bytes were sent, and {} others arrived", FRAME.len(), bytes.len())),
    }
}

fn futex(mut ring: Consumer) -> Result<Vec<u8>, String> {
    match ring.recv_timeout(PATIENCE) {
        Ok(Some(frame)) => Ok(frame.payload().to_vec()),
        Ok(None) => Err("the consumer was not woken".into()),
        Err(why) => Err(why.to_string()),
    }
}

fn eventfd(ring: Consumer) -> Result<Vec<u8>, String> {
    let mut hub = Hub::new().map_err(|why| why.to_string())?;
    hub.add(ring).map_err(|why| why.to_string())?;
    match hub.recv_timeout(PATIENCE).map_err(|why| why.to_string())? {
        Some(HubItem::Frame(_, frame)) => Ok(frame.payload().to_vec()),
        Some(HubItem::Error(_, why, _)) => Err(why.to_string()),
        _ => Err("the consumer was not woken".into()),
    }
}
