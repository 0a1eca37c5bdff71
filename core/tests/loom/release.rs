//! Frames that are given back on other threads, in any order: nobody's release is lost, and the last one sweeps.

use frame_ring_core::walk::Order;
use frame_ring_core::word::Cursor;
use loom::thread;

use crate::ring::{explore, Ring, BEFORE_A_WRAP};

/// Two threads and this one each give back one of three frames. Whichever comes last finds the others' releases.
#[test]
fn three_droppers() {
    for start in [Cursor(0)].into_iter().chain(BEFORE_A_WRAP) {
        explore(&format!("three_droppers from {start:?}"), 3, move || drop_three(start));
    }
}

fn drop_three(start: Cursor) {
    let ring = Ring::new(4, 4, start);
    let sent = ring.send_all(1, &[1, 1, 1]);
    let taken: Vec<_> = (0..3).map(|_| ring.next(Order::PerProducer).0.expect("was sent")).collect();
    let droppers = [0, 2].map(|frame| {
        let (ring, taken) = (ring.clone(), taken[frame]);
        thread::spawn(move || {
            let message = ring.read(&taken);
            let _ = ring.release(&taken);
            message
        })
    });
    let second = ring.read(&taken[1]);
    let _ = ring.release(&taken[1]);
    let [first, third] = droppers.map(|dropper| dropper.join().expect("no dropper panics"));
    assert_eq!(ring.head(), ring.tail(), "the last of three releases has swept");
    ring.settle(&[sent], vec![first, second, third]);
}

/// Three threads give back one frame each while a fourth frame is received.
#[test]
fn three_droppers_beside_the_receiver() {
    explore("three_droppers_beside_the_receiver", 2, || {
        let ring = Ring::new(4, 4, Cursor(0));
        let sent = [ring.send_all(1, &[1, 1, 1]), ring.send_all(2, &[1])];
        let droppers: Vec<_> = (0..3)
            .map(|_| {
                let (ring, taken) = (ring.clone(), ring.next(Order::PerProducer).0.expect("was sent"));
                thread::spawn(move || {
                    let message = ring.read(&taken);
                    let _ = ring.release(&taken);
                    message
                })
            })
            .collect();
        let mut received = Vec::from_iter(ring.receive(Order::PerProducer).0);
        assert!(received.len() == 1, "the frame that is there is delivered whoever sweeps");
        received.splice(0..0, droppers.into_iter().map(|d| d.join().expect("no dropper panics")));
        assert_eq!(ring.head(), ring.tail(), "the last of four releases has swept");
        ring.settle(&sent, received);
    });
}

/// A producer claims the bytes that two droppers give back while the consumer receives.
#[test]
fn droppers_receiver_and_producer() {
    for (start, preemptions) in [(Cursor(0), 2), (BEFORE_A_WRAP[1], 1)] {
        let name = format!("droppers_receiver_and_producer from {start:?}");
        explore(&name, preemptions, move || drop_and_send(start));
    }
}

fn drop_and_send(start: Cursor) {
    let ring = Ring::new(4, 4, start);
    let mut sent = vec![ring.send_all(1, &[2, 1]), vec![(2, 0)]];
    let taken: Vec<_> = (0..2).map(|_| ring.next(Order::PerProducer).0.expect("was sent")).collect();
    ring.send((2, 0), 1).expect("there is room");
    let producer = {
        let ring = ring.clone();
        thread::spawn(move || ring.send_all(3, &[2]))
    };
    let droppers = taken.clone().into_iter().map(|taken| {
        let ring = ring.clone();
        thread::spawn(move || {
            let message = ring.read(&taken);
            let _ = ring.release(&taken);
            message
        })
    });
    let droppers: Vec<_> = droppers.collect();
    let mut received: Vec<_> = ring.receive(Order::PerProducer).0.into_iter().collect();
    assert!(received.len() == 1, "the frame that is there is delivered whoever sweeps");
    received.splice(0..0, droppers.into_iter().map(|d| d.join().expect("no dropper panics")));
    sent.push(producer.join().expect("no producer panics"));
    ring.settle(&sent, received);
}
