//! Who gets no ring, why, and that the browser is none the worse.

use frame_ring::RingBuilder;

use crate::forger::{Forger, Verdict, FORGERIES};
use crate::stage::{Receiver, Stage};

/// The page gets a ring after all, and frames flow.
fn is_served(stage: &Stage, ring: &mut Receiver) {
    stage.evaluate("patched.open().then(() => patched.ring.write(1, pattern(100, 1)))");
    assert_eq!(ring.frame("a frame").payload().len(), 100);
    stage.evaluate("patched.ring.close()");
    ring.wait("the end of the ring", |ring| ring.producers() == 0);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn an_origin_that_is_not_named_gets_no_ring() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    // Another name of this machine is another origin.
    stage.go_to("127.0.0.1", "/");
    assert_eq!(stage.outcome(), "NotAllowedError");
    assert_eq!(
        stage.evaluate("patched.worker().catch((why) => String(why).includes('NotAllowedError'))"),
        true
    );
    assert!(ring.ring.producer_stats().is_empty(), "the consumer was never asked");
    stage.go("/");
    is_served(&stage, &mut ring);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn without_origins_nobody_gets_a_ring() {
    let stage = Stage::start_with(|switches| switches.retain(|switch| !switch.contains("allowed-origins")));
    let ring = stage.serve(RingBuilder::new());
    assert_eq!(stage.outcome(), "NotAllowedError");
    assert!(ring.ring.producer_stats().is_empty());
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn without_a_consumer_named_nobody_gets_a_ring() {
    let stage = Stage::start_with(|switches| switches.retain(|switch| !switch.contains("frame-ring-socket")));
    assert_eq!(stage.outcome(), "NotAllowedError");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn without_the_feature_there_is_no_interface() {
    let stage = Stage::start_with(|switches| switches.retain(|switch| !switch.contains("enable-features")));
    let ring = stage.serve(RingBuilder::new());
    assert_eq!(stage.evaluate("typeof FrameRing"), "undefined");
    stage.pause(200);
    assert!(ring.ring.producer_stats().is_empty());
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_consumer_that_is_not_there_is_a_network_error() {
    let stage = Stage::start();
    assert_eq!(stage.outcome(), "NetworkError");
    // Nobody listens at what a killed consumer has left.
    drop(std::os::unix::net::UnixListener::bind(&stage.socket).unwrap());
    stage.tenant.give(&stage.socket);
    assert_eq!(stage.outcome(), "NetworkError");
    std::fs::remove_file(&stage.socket).unwrap();
    is_served(&stage, &mut stage.serve(RingBuilder::new()));
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_consumer_that_does_not_answer_is_a_network_error() {
    let stage = Stage::start();
    let silent = silent_listener(&stage);
    // The page goes on meanwhile.
    stage.evaluate("void (globalThis.waiting = patched.outcome())");
    assert_eq!(stage.evaluate("1 + 1"), 2);
    assert_eq!(stage.evaluate("waiting"), "NetworkError");
    drop(silent);
    std::fs::remove_file(&stage.socket).unwrap();
    is_served(&stage, &mut stage.serve(RingBuilder::new()));
}

/// Listens where the browser was told, and never answers.
fn silent_listener(stage: &Stage) -> std::os::fd::OwnedFd {
    use nix::sys::socket::{bind, listen, socket, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
    use std::os::fd::AsRawFd;
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&stage.socket).unwrap()).unwrap();
    listen(&listener, Backlog::new(8).unwrap()).unwrap();
    stage.tenant.give(&stage.socket);
    listener
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_ring_that_is_too_small_is_given_back() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new().data_bytes(1 << 20));
    assert_eq!(stage.evaluate("patched.outcome({ minCapacity: 2 ** 20 })"), "QuotaExceededError");
    ring.wait("the producer to be gone", |ring| ring.producers() == 0);
    assert_eq!(ring.ring.producer_stats().len(), 1, "the consumer was asked");
    assert_eq!(stage.evaluate("patched.outcome({ minCapacity: 2 ** 19 })"), "opened");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_consumer_of_another_user_refuses() {
    let stage = Stage::start();
    // It admits nobody else.
    let mut ring = RingBuilder::new().build().unwrap();
    ring.listen(&stage.socket).unwrap();
    stage.tenant.give(&stage.socket);
    // Where the tests and the browser are one user, that one is admitted.
    let same = stage.tenant.user.uid == nix::unistd::geteuid();
    assert_eq!(stage.outcome(), if same { "opened" } else { "NetworkError" });
}

/// A consumer has 255 places, for all browsers together.
const MOST_RINGS: u64 = 64;

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_page_gets_only_so_many_rings_and_each_again_that_it_closes() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    let one_by_one = "for (let n = 0; n < 300 && !refused.length; n++) await open()";
    let at_once = "await Promise.all(Array.from({ length: 300 }, open))";
    for asking in [one_by_one, at_once] {
        let told = stage.evaluate(&format!(
            "(async () => {{
                globalThis.rings = [];
                const refused = [];
                const open = () => FrameRing.open().then((ring) => rings.push(ring), (why) => refused.push(why.name));
                {asking};
                return [rings.length, [...new Set(refused)].join()];
            }})()"
        ));
        let count = told[0].as_u64().unwrap();
        assert!((1..=MOST_RINGS).contains(&count) && told[1] == "NetworkError", "{asking}: {told}");
        assert_eq!(ring.ring.producers() as u64, count);
        stage.evaluate("rings.pop().close()");
        ring.wait("one ring less", |ring| ring.producers() as u64 == count - 1);
        assert_eq!(stage.outcome(), "opened");
        stage.evaluate("rings.forEach((ring) => ring.close())");
        ring.wait("no ring any more", |ring| ring.producers() == 0);
    }
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn forged_rings_are_refused_and_the_browser_lives() {
    let stage = Stage::start();
    stage.evaluate("void (globalThis.survivor = 'here')");
    for forgery in FORGERIES {
        let forger = Forger::serve(forgery, &stage.socket);
        stage.tenant.give(&stage.socket);
        let expected = match forgery.verdict {
            Verdict::NoRing => "DataError",
            Verdict::NoConsumer => "NetworkError",
        };
        assert_eq!(stage.outcome(), expected, "{}", forgery.name);
        assert_eq!(stage.evaluate("survivor"), "here", "{}: the same page goes on", forgery.name);
        assert_eq!(forger.asked(), 1, "{}", forgery.name);
    }
    is_served(&stage, &mut stage.serve(RingBuilder::new()));
    assert_eq!(stage.evaluate("survivor"), "here");
}
