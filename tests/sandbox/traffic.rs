//! Producers under the policy: the crate's own over an inherited socket, and a bare one that is given nothing but memfd
//! and eventfd, as a browser would do it.
//!
//! Each sends numbered frames while the consumer sleeps after every few, first on the futex, then on the eventfd. The
//! producer says, phase by phase, which system calls it made.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use frame_ring::{
    ClaimError, Class, Consumer, Descriptor, Frame, Hub, HubItem, Kind, RecvError, Refusal, TrackInfo,
    TrackKind, TrackSource,
};
use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{claim, commit};
use frame_ring_core::descriptor::WORDS;
use frame_ring_core::wake::Sleep;
use nix::fcntl::{fcntl, FcntlArg};

use super::handler;
use crate::support::child::{self, command, Actor};
use crate::support::{self, in_time, raw, recv, HANG};

pub const FRAMES: u64 = 100_000;
/// After so many frames the producer lets the consumer fall asleep.
const BURST: u64 = 256;
const PAUSE: Duration = Duration::from_micros(100);
const RING_BYTES: u64 = 1 << 20;

/// The bytes of frame `n`.
fn payload(n: u64, buffer: &mut [u8; 4096]) -> &[u8] {
    let len = 8 + (n.wrapping_mul(0x9e37_79b9) >> 7) as usize % 4000;
    buffer[..8].copy_from_slice(&n.to_le_bytes());
    // In an unoptimized build a byte at a time would be all that this test does.
    buffer[8..len].fill(n as u8);
    &buffer[..len]
}

/// Says which calls a phase made, and begins the next.
fn report(phase: &str, counted: bool) {
    if !counted {
        return;
    }
    let calls: Vec<_> =
        handler::counts().iter().map(|(call, detail, count)| format!("{call}:{detail}:{count}")).collect();
    child::say(&format!("{phase} {}", calls.join(" ")));
    handler::restart();
}

/// The crate's producer: everything, the hand-over included, is done under the policy.
pub fn crate_child(counted: bool) {
    handler::enter(counted).expect("under the policy");
    let producer = child::connect("sandboxed");
    let mut track =
        producer.track(&TrackInfo::new(TrackKind::Data, TrackSource::Unknown, "numbers")).expect("a track");
    track.set_patience(HANG);
    let mut buffer = [0; 4096];
    report("attach", counted);

    for n in 0..FRAMES {
        let bytes = payload(n, &mut buffer);
        match n % 2 {
            0 => producer.send_timeout(bytes, &Descriptor::opaque(), HANG).expect("sent"),
            _ => drop(track.send_bytes(bytes, &Descriptor::opaque()).expect("sent")),
        }
        if n % BURST == BURST - 1 {
            while support::claim_all(&producer).is_err() {
                std::thread::sleep(PAUSE);
            }
            std::thread::sleep(PAUSE);
        }
    }
    report("frames", counted);

    // Until it hears that the ring is full, the consumer takes nothing.
    assert_eq!(child::hear(), "fill");
    let mut sent = 0;
    let full = loop {
        match producer.send(payload(sent, &mut buffer), &Descriptor::opaque()) {
            Ok(()) => sent += 1,
            Err(why) => break why,
        }
    };
    assert!(matches!(full, frame_ring::SendError::Claim(ClaimError::Full(_))), "{full}");
    let waited = producer.claim_timeout(4096, Class::Video, Duration::from_millis(20));
    assert!(matches!(waited.map(drop), Err(ClaimError::Full(_))), "a full ring has room");
    child::say(&format!("full {sent}"));
    let grant = support::claim(&producer, 4096, Class::Video).expect("room in time");
    grant.commit(&Descriptor::opaque()).expect("committed");
    report("overload", counted);

    track.finish().expect("sent");
    drop(producer);
    report("detach", counted);
}

/// The browser keeps the lifeline, for as long as its socket to the renderer is not hung up. Here are only the memory and
/// the eventfd: they come over that socket, which is the standard input.
pub fn bare_child(counted: bool) {
    handler::enter(counted).expect("under the policy");
    let browser = std::io::stdin().as_fd().try_clone_to_owned().expect("a socket");
    let (owner, fds) = raw::receive(&browser).expect("a message");
    let owner = owner[0];
    let [memfd, event] = <[_; 2]>::try_from(fds).expect("two descriptors");
    let seals = fcntl(&memfd, FcntlArg::F_GET_SEALS).expect("a memfd");
    assert_eq!(seals & raw::SEALS.bits(), raw::SEALS.bits());
    let (map, region, _) = raw::attach(&memfd);
    drop((memfd, browser));
    let mut buffer = [0; 4096];
    report("attach", counted);

    for n in 0..FRAMES {
        let bytes = payload(n, &mut buffer);
        let made = loop {
            match claim(&region, owner, Class::Video, bytes.len().div_ceil(64) as u32) {
                Ok(made) => break made,
                Err(Refusal::FullBytes | Refusal::FullSlots) => std::thread::yield_now(),
                Err(why) => panic!("{why}"),
            }
        };
        let (start, room) = region.payload(made.offset(), made.len());
        assert!(room >= bytes.len());
        // SAFETY: the claim's bytes lie in the mapping and are this producer's alone until the commit.
        unsafe { start.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        let mut words = [0; WORDS];
        let about = Descriptor { payload_len: bytes.len() as u32, ..Descriptor::opaque() };
        let used = about.encode_into(&mut words).expect("a descriptor");
        region.write_descriptor(region.geometry().slot(made.index()), &words[..used]);
        match commit(&region, made).expect("not revoked") {
            None => {}
            // SAFETY: the word lives in the mapping.
            Some(Sleep::Futex) => unsafe {
                libc::syscall(libc::SYS_futex, region.control().wake.0.as_ptr(), libc::FUTEX_WAKE, 1);
            },
            Some(Sleep::EventFd) => {
                nix::unistd::write(&event, &1u64.to_ne_bytes()).expect("written");
            }
        }
        let is_asleep = |word| word == Sleep::Futex as u32 || word == Sleep::EventFd as u32;
        while n % BURST == BURST - 1 && !is_asleep(region.control().wake.0.load(Ordering::Relaxed)) {
            std::thread::sleep(PAUSE);
        }
    }
    report("frames", counted);
    drop((map, event));
    report("detach", counted);
}

/// Receives all numbered frames: half of them asleep on the futex, half on the eventfd.
fn receive(mut ring: Consumer) -> Consumer {
    let mut buffer = [0; 4096];
    let mut check = |n, frame: Frame| {
        assert!(frame.payload().to_vec() == payload(n, &mut buffer), "frame {n} is not what was sent");
    };
    for n in 0..FRAMES / 2 {
        check(n, recv(&mut ring).expect("no error"));
    }
    let mut hub = Hub::new().expect("a hub");
    let id = hub.add(ring).expect("added");
    for n in FRAMES / 2..FRAMES {
        match in_time(|| hub.recv_timeout(HANG)).expect("no error") {
            Some(HubItem::Frame(_, frame)) => check(n, frame),
            other => panic!("{other:?}"),
        }
    }
    hub.remove(id).expect("the ring")
}

/// The calls of one phase.
struct Calls(Vec<(i64, usize, u32)>);

impl Calls {
    fn hear(actor: &mut Actor, phase: &str) -> Self {
        let line = actor.heard();
        let mut parts = line.split(' ');
        assert_eq!(parts.next(), Some(phase), "{line}");
        let numbers = parts.filter(|part| !part.is_empty()).map(|part| {
            let number: Vec<u32> = part.split(':').map(|number| number.parse().expect("a number")).collect();
            (number[0].into(), number[1] as usize, number[2])
        });
        let calls = Self(numbers.collect());
        eprintln!("{phase}: (call, detail, count) {:?}", calls.0);
        calls
    }

    fn count(&self, call: i64, is_detail: impl Fn(usize) -> bool) -> u32 {
        self.0
            .iter()
            .filter(|(c, detail, _)| *c == call && is_detail(*detail))
            .map(|(_, _, count)| count)
            .sum()
    }

    /// That consumers of both kinds were woken, and nothing else was asked of the kernel but `more`.
    fn only_wakes(&self, more: &[i64]) {
        let futex_wakes = self.count(libc::SYS_futex, |op| op == libc::FUTEX_WAKE as usize);
        let event_writes = self.count(libc::SYS_write, |fd| fd > 2);
        assert!(
            futex_wakes > 0 && event_writes > 0,
            "{futex_wakes} futex wakes, {event_writes} of the eventfd"
        );
        for (call, detail, count) in &self.0 {
            let expected = match *call {
                libc::SYS_futex => *detail == libc::FUTEX_WAKE as usize || more.contains(call),
                libc::SYS_write => *detail > 2,
                // Without a vDSO for this machine's clock, reading it is a call.
                libc::SYS_clock_gettime => true,
                other => more.contains(&other),
            };
            assert!(expected, "call {call} ({detail}) was made {count} times while frames were sent");
        }
    }
}

/// What the test's own pauses are.
const PAUSES: [i64; 2] = [libc::SYS_clock_nanosleep, libc::SYS_nanosleep];

pub fn crate_producer(counted: bool) {
    let ring = support::ring(RING_BYTES);
    let mut actor = Actor::invited(&ring, "crate", if counted { "counted" } else { "plain" });
    if counted {
        Calls::hear(&mut actor, "attach");
    }
    let mut ring = receive(ring);
    if counted {
        // A producer that waits for room sleeps on a futex, and asks whether the consumer lives.
        let waits = [libc::SYS_futex, libc::SYS_recvfrom];
        Calls::hear(&mut actor, "frames").only_wakes(&[PAUSES.as_slice(), &waits].concat());
    }
    actor.tell("fill");
    let full = actor.heard();
    let sent: u64 = full.strip_prefix("full ").and_then(|n| n.parse().ok()).expect("a number");
    let mut buffer = [0; 4096];
    for n in 0..sent {
        assert!(
            recv(&mut ring).expect("no error").payload().to_vec() == payload(n, &mut buffer),
            "frame {n}"
        );
    }
    assert_eq!(recv(&mut ring).expect("no error").payload().len(), 4096);
    assert_eq!(recv(&mut ring).expect("no error").descriptor().kind(), Kind::Event, "the track's end");
    if counted {
        let overload = Calls::hear(&mut actor, "overload");
        assert!(overload.count(libc::SYS_futex, |op| op == libc::FUTEX_WAIT as usize) > 0, "nothing waited");
        let detach = Calls::hear(&mut actor, "detach");
        assert!(detach.count(libc::SYS_munmap, |_| true) > 0, "still mapped");
        assert!(detach.count(libc::SYS_close, |_| true) >= 3, "still open");
    }
    actor.finish();
    assert!(matches!(recv(&mut ring), Err(RecvError::Disconnected)));
    assert_eq!(ring.snapshot().used_bytes, 0);
}

pub fn bare_producer(counted: bool) {
    let ring = support::ring(RING_BYTES);
    let lifeline = ring.invite().expect("an invitation").into_fd();
    let (owner, [memfd, event]) = raw::ask(&lifeline, "the browser's");
    let (browser, renderer) = raw::pair();
    raw::send_with_descriptors(&browser, &[owner], &[memfd.as_raw_fd(), event.as_raw_fd()]);
    drop((memfd, event));
    let mut command = command("bare", if counted { "counted" } else { "plain" });
    command.stdin(renderer);
    let mut actor = Actor::from(command.spawn().expect("a child"));
    // This process's copy of the renderer's end.
    drop(command);
    let browser = std::thread::spawn(move || {
        assert!(raw::receive(&browser).expect("an end").0.is_empty(), "the renderer has nothing to say");
        drop(lifeline);
    });
    if counted {
        Calls::hear(&mut actor, "attach");
    }
    let mut ring = receive(ring);
    if counted {
        let yields = [libc::SYS_sched_yield];
        Calls::hear(&mut actor, "frames").only_wakes(&[PAUSES.as_slice(), &yields].concat());
        let detach = Calls::hear(&mut actor, "detach");
        assert!(detach.count(libc::SYS_munmap, |_| true) > 0, "still mapped");
    }
    actor.finish();
    assert!(matches!(recv(&mut ring), Err(RecvError::Disconnected)));
    browser.join().expect("it closed the lifeline");
    assert_eq!((ring.producers(), ring.snapshot().used_bytes), (0, 0));
}
