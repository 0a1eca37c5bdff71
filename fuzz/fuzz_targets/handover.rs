//! Any messages, with any descriptors attached, to the door of a living ring, and any answers to a producer that asks:
//! each gets exactly what `docs/abi.md` says, no descriptor stays open, and the door still admits the next honest one.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/support/raw.rs"]
mod raw;

use std::cell::RefCell;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use frame_ring::{ConnectError, Consumer, Descriptor, Observer, Producer, RingBuilder};
use frame_ring_core::layout::ABI_VERSION;
use libfuzzer_sys::fuzz_target;
use nix::sys::eventfd::EventFd;
use raw::FakeServer;

/// How long anything may take: only a hang guard.
const HANG: Duration = Duration::from_secs(30);

#[derive(Debug, Arbitrary)]
enum Input {
    /// The first message is a request; what comes behind it is not asked for.
    ToTheDoor(Vec<Message>),
    ToAProducer(Message),
}

#[derive(Debug, Arbitrary)]
struct Message {
    bytes: Bytes,
    attached: Vec<Attached>,
    /// Attached as often again, up to what the kernel takes.
    again: u8,
}

#[derive(Debug, Arbitrary)]
enum Bytes {
    Any(Vec<u8>),
    /// The four words behind the magic, a label, and how far the length is off.
    Nearly {
        words: [u32; 4],
        label: Vec<u8>,
        longer: i8,
        damage: Option<(u8, u8)>,
    },
    /// A good one: a request for the role of a producer or an observer, or a welcome with an id.
    Good {
        observer: bool,
        owner: u8,
        label: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Attached {
    Pipe,
    Event,
    Memfd,
    Ring,
    Socket,
}

impl Bytes {
    fn made(&self, request: bool) -> Vec<u8> {
        match self {
            Bytes::Any(bytes) => bytes.clone(),
            Bytes::Nearly { words, label, longer, damage } => {
                let mut bytes = raw::answer(words[0], words[1], words[2], words[3]);
                let label = &label[..label.len().min(56)];
                bytes[24..24 + label.len()].copy_from_slice(label);
                bytes.resize(80usize.saturating_add_signed((*longer).into()), 0);
                if let Some((at, value)) = damage {
                    let at = usize::from(*at) % bytes.len().max(1);
                    bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = *value);
                }
                bytes
            }
            Bytes::Good { observer, label, .. } if request => {
                raw::hello(ABI_VERSION, 1 + u32::from(*observer), &label[..label.len().min(56)])
            }
            Bytes::Good { owner, .. } => raw::answer(ABI_VERSION, 0, (*owner).into(), 1),
        }
    }
}

/// Descriptors of all kinds, as many as one message carries. The fuzzer's own copies are closed with the result.
struct Rights {
    numbers: Vec<RawFd>,
    _open: Vec<OwnedFd>,
}

impl Rights {
    fn new(message: &Message) -> Self {
        let mut open = Vec::new();
        for kind in message.attached.iter().take(8) {
            match kind {
                Attached::Pipe => open.push(nix::unistd::pipe().expect("a pipe").1),
                Attached::Event => open.push(EventFd::new().expect("an eventfd").into()),
                Attached::Memfd => open.push(raw::memfd(b"none", 4096, raw::SEALS)),
                Attached::Ring => open.push(raw::memfd_of(&raw::header())),
                Attached::Socket => open.push(raw::pair().0),
            }
        }
        let once: Vec<_> = open.iter().map(AsRawFd::as_raw_fd).collect();
        // The kernel takes 253.
        let more = once.iter().cycle().take(if once.is_empty() { 0 } else { message.again.into() });
        let numbers = once.iter().chain(more).copied().take(253).collect();
        Self { numbers, _open: open }
    }
}

/// What the door must say to a request: code and number of descriptors, or that it hangs up without a word.
fn due_answer(request: &[u8]) -> Option<(u32, usize)> {
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| request[at + i]));
    match request.len() {
        0 => return None,
        80 if request.starts_with(b"FRHO") => {}
        _ => return Some((1, 0)),
    }
    Some(match (word(4), word(8)) {
        (ABI_VERSION, 1) => (0, 2),
        (ABI_VERSION, 2) => (0, 1),
        (ABI_VERSION, _) => (1, 0),
        _ => (2, 0),
    })
}

fn ask_at_the_door(ring: &Consumer, messages: &[Message]) {
    let socket = ring.invite().expect("an invitation").into_fd();
    let Some((first, rest)) = messages.split_first() else { return };
    let request = first.bytes.made(true);
    raw::send_with_descriptors(&socket, &request, &Rights::new(first).numbers);
    for message in rest.iter().take(3) {
        // The door may have hung up by now.
        let _ =
            raw::try_send_with_descriptors(&socket, &message.bytes.made(true), &Rights::new(message).numbers);
    }
    // A door that hangs up over messages that it has not read resets the connection, which comes before its answer.
    let received = match raw::receive(&socket) {
        Err(nix::Error::ECONNRESET) if !rest.is_empty() => raw::receive(&socket),
        received => received,
    };
    let (answer, fds) = received.expect("an answer, or the end");
    match due_answer(&request) {
        Some(due) => {
            assert_eq!((raw::code_and_owner(&answer).0, fds.len()), due, "to {request:?}");
            if let Some(memfd) = fds.into_iter().next() {
                Observer::from_memfd(memfd).expect("a ring");
            }
        }
        None => assert!(answer.is_empty(), "{answer:?}"),
    }
}

fn answer_a_producer(message: &Message) {
    let (bytes, rights) = (message.bytes.made(false), Rights::new(message));
    let server = FakeServer::answering(&bytes, &rights.numbers);
    let producer = Producer::from_fd(server.client, "victim");
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
    let is_message = bytes.len() == 80 && bytes.starts_with(b"FRHO");
    match producer {
        Ok(producer) => {
            assert!(is_message && word(4) == ABI_VERSION && word(8) == 0 && rights.numbers.len() == 2);
            assert_eq!((u32::from(producer.id()), producer.generation()), (word(12), word(16)));
            assert!(producer.id() != 0 && matches!(message.attached[0], Attached::Ring));
            producer.send(b"hello", &Descriptor::opaque()).expect("an empty ring");
        }
        Err(ConnectError::HungUp) => assert!(bytes.is_empty()),
        Err(ConnectError::NotAnAnswer { .. }) => {
            let known = is_message && word(8) <= 4 && (word(8) != 0 || (1..256).contains(&word(12)));
            assert!(!known, "{bytes:?}");
        }
        Err(ConnectError::Refused(_)) => assert!(is_message && word(8) != 0),
        Err(ConnectError::Version { .. }) => assert!(is_message && (word(8) == 2 || word(4) != ABI_VERSION)),
        Err(ConnectError::Descriptors { expected: 2, found }) => {
            assert!(is_message && word(8) == 0 && found != 2 && found == rights.numbers.len());
        }
        Err(ConnectError::Memory(_)) => assert!(!matches!(message.attached[0], Attached::Ring)),
        Err(why) => panic!("{why}"),
    }
}

fn an_honest_one_is_admitted(ring: &mut Consumer) {
    let producer = Producer::from_fd(ring.invite().expect("an invitation"), "honest").expect("admitted");
    producer.send(b"hello", &Descriptor::opaque()).expect("room");
    let frame = ring.recv_timeout(HANG).expect("no error").expect("a frame");
    assert_eq!(frame.payload().to_vec(), b"hello");
}

/// How many descriptors are open, pipes left out: the sanitizer talks to its symbolizer through some whenever it likes.
fn open_descriptors() -> usize {
    let is_pipe =
        |path: PathBuf| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:"));
    let all = std::fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    all.filter(|entry| !is_pipe(entry.path())).count()
}

/// A ring that lives as long as the fuzzer, and how many descriptors were open when it was new.
struct Host {
    ring: Consumer,
    open: usize,
    inputs: u64,
}

impl Host {
    fn new() -> Self {
        let ring = RingBuilder::new().data_bytes(4096).slots(4).tracks(1).build().expect("a ring");
        Self { ring, open: open_descriptors(), inputs: 0 }
    }

    /// The door closes its ends on its own thread, so it may take a moment.
    fn nothing_stays_open(&self) {
        let start = Instant::now();
        while open_descriptors() > self.open {
            assert!(start.elapsed() < HANG, "{} descriptors open, not {}", open_descriptors(), self.open);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host::new());
}

fuzz_target!(|input: Input| {
    HOST.with_borrow_mut(|host| {
        match &input {
            Input::ToTheDoor(messages) => ask_at_the_door(&host.ring, messages),
            Input::ToAProducer(message) => answer_a_producer(message),
        }
        host.inputs += 1;
        if host.inputs % 32 == 0 {
            an_honest_one_is_admitted(&mut host.ring);
            host.nothing_stays_open();
        }
    });
});
