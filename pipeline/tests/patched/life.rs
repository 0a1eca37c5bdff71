//! Ends and beginnings: of a document, a renderer, a consumer.

use frame_ring::{Flags, RingBuilder};
use frame_ring_pipeline::browser::cdp::PATIENCE;
use serde_json::json;

use crate::stage::{self, Receiver, Stage};
use crate::support::child::{hear, say, Actor};

/// A producer: its id, and how many have had it.
type Who = (u8, u32);

/// Waits for frames of a producer that was not there before.
fn next_producer(ring: &mut Receiver, before: &[Who]) -> Who {
    let who = ring.until("frames of the next document", |ring, frame| {
        let stats = ring.producer_stats().into_iter().find(|(id, _)| *id == frame.producer()).unwrap().1;
        let who = (frame.producer(), stats.generation);
        (stats.connected && !before.contains(&who)).then_some(who)
    });
    for _ in 0..5 {
        assert_eq!(ring.frame("frames of the document").producer(), who.0);
    }
    who
}

/// Waits until the consumer knows that a producer and its tracks are no more.
fn gone(ring: &mut Receiver, (id, generation): Who) {
    ring.wait("the end of the document's producer", |ring| {
        let stats = ring.producer_stats().into_iter().find(|(other, _)| *other == id).unwrap().1;
        stats.generation != generation || !stats.connected
    });
    // What a producer that is gone has left is delivered, its tracks are over.
    ring.wait("the end of its tracks", |ring| {
        ring.tracks().iter().filter(|track| track.live).count() <= ring.producers()
    });
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_ring_ends_with_its_document_and_the_next_one_begins() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    stage.go("/live");
    let first = next_producer(&mut ring, &[]);
    let label = ring.ring.producer_stats()[0].1.label.to_string();
    assert_eq!(label, format!("patched http://localhost:{}", stage.site.port()));
    stage.browser.reload(&stage.page).unwrap();
    gone(&mut ring, first);
    let second = next_producer(&mut ring, &[first]);

    stage.page.command("Inspector.enable", json!({})).unwrap();
    let crashes = stage.browser.cdp().subscribe(&["Inspector.targetCrashed"]);
    // It cannot answer.
    drop(stage.page.send("Page.crash", json!({})).unwrap());
    gone(&mut ring, second);
    // The kernel is faster than the browser, which would still give the reload to the process that is gone.
    crashes.wait_for(PATIENCE, |_| true).unwrap();
    assert_eq!(ring.ring.producers(), 0);
    stage.browser.reload(&stage.page).unwrap();
    let third = next_producer(&mut ring, &[first, second]);

    stage.go("/bare");
    gone(&mut ring, third);
    stage.go("/live");
    next_producer(&mut ring, &[first, second, third]);
    assert_eq!(ring.ring.producers(), 1);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_frame_that_is_removed_ends_its_ring() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    stage.evaluate(
        "void document.body.appendChild(Object.assign(document.createElement('iframe'), { src: '/live' }))",
    );
    let inner = next_producer(&mut ring, &[]);
    stage.evaluate("document.querySelector('iframe').remove()");
    gone(&mut ring, inner);
    assert_eq!(stage.outcome(), "opened", "the page itself is none the worse");
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn every_renderer_that_writes_is_confined() {
    let stage = Stage::start();
    let mut ring = stage.serve(RingBuilder::new());
    stage.go("/live");
    next_producer(&mut ring, &[]);
    let confined = stage.tenant.confined(&stage.browser);
    println!("{confined} sandboxed renderers of user {}", stage.tenant.user.name);
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_consumer_that_leaves_well_ends_the_rings_of_its_pages() {
    let stage = Stage::start();
    let mut ring = stage.opened();
    stage.evaluate("patched.attach(new MediaStreamTrackGenerator({ kind: 'video' }), 'idle'), patched.ring.write(1, pattern(9, 9))");
    assert_eq!(ring.frame("a frame").payload().len(), 9);
    assert_eq!(stage.evaluate("patched.ring.closed"), false);
    drop(ring);
    stage.evaluate("(async () => { while (!patched.ring.closed) await sleep(10) })()");
    assert_eq!(stage.evaluate("refused(() => patched.ring.write(1, pattern(9, 9)))"), "InvalidStateError");
    stage.evaluate("patched.ring.close()");
}

/// A consumer that is a process of its own: says that it listens, and then each tenth frame's number in its track.
pub fn consumer(argument: &str) {
    let (user, path) = argument.split_once(' ').unwrap();
    let mut ring = stage::serve(RingBuilder::new(), path.as_ref(), user.parse().unwrap());
    say("listens");
    hear();
    for count in 1.. {
        let frame = ring.recv_timeout(PATIENCE).unwrap().expect("a frame in time");
        if count % 10 == 0 {
            let about = frame.descriptor();
            say(&format!("frame {} {}", about.sequence, about.flags.contains(Flags::EOS)));
        }
    }
}

#[test]
#[ignore = "needs FRAME_RING_PATCHED_CHROMIUM"]
fn a_consumer_that_is_killed_is_succeeded_by_the_next() {
    let stage = Stage::start();
    let argument = format!("{} {}", stage.tenant.user.uid, stage.socket.display());
    let listen = || {
        let mut consumer = Actor::start("consumer", &argument);
        consumer.expect("listens");
        consumer.tell("go on");
        consumer
    };
    let mut consumer = listen();
    stage.begin("patched.persist()");
    for round in 1..=3 {
        // From the beginning of a track: it is another ring.
        consumer.expect("frame 9 false");
        consumer.expect("frame 19 false");
        assert_eq!(stage.number("patched.opened"), round);
        consumer.kill();
        // Nobody is there now, and nothing happens to the page.
        stage.pause(300);
        assert_eq!(stage.evaluate("1 + 1"), 2);
        consumer = listen();
    }
    consumer.expect("frame 9 false");
    assert_eq!(stage.evaluate("task.failed ?? 'nothing'"), "nothing");
}
