//! Two producers and a consumer: every frame arrives once, whole and in its producer's order.

use frame_ring_core::walk::Order;
use frame_ring_core::word::Cursor;
use loom::thread;

use crate::ring::{explore, Ring};

/// A model: two producers send frames of the given lengths while the consumer looks `looks` times; the rest is received
/// when both have ended.
#[derive(Clone, Copy)]
struct Traffic {
    capacity: u32,
    slots: u32,
    start: Cursor,
    lens: [&'static [u32]; 2],
    looks: usize,
    order: Order,
}

const PLAIN: Traffic = Traffic {
    capacity: 4,
    slots: 2,
    start: Cursor(0),
    lens: [&[1], &[2]],
    looks: 2,
    order: Order::PerProducer,
};

impl Traffic {
    fn run(self) -> [usize; 2] {
        let ring = Ring::new(self.capacity, self.slots, self.start);
        let producers = [1u8, 2].map(|owner| {
            let ring = ring.clone();
            let lens = self.lens[usize::from(owner) - 1];
            thread::spawn(move || ring.send_all(owner, lens))
        });
        thread::yield_now();
        let taken = (0..self.looks).filter_map(|_| {
            let taken = ring.next(self.order).0?;
            let message = ring.read(&taken);
            let _ = ring.release(&taken);
            Some((taken.index, message))
        });
        let (indices, received): (Vec<_>, Vec<_>) = taken.unzip();
        assert!(self.order == Order::PerProducer || indices.is_sorted(), "claim order: {indices:?}");
        let sent = producers.map(|producer| producer.join().expect("no producer panics"));
        ring.settle(&sent, received);
        sent.map(|sent| sent.len())
    }
}

#[test]
fn what_fits_is_neither_refused_nor_lost() {
    explore("what fits", 2, || {
        assert_eq!(PLAIN.run(), [1, 1], "there was room for both");
    });
}

#[test]
fn more_frames_than_slots() {
    let model = Traffic { lens: [&[1, 1], &[1]], ..PLAIN };
    explore("more frames than slots", 1, move || {
        model.run();
    });
}

#[test]
fn in_the_order_of_the_claims() {
    let model = Traffic { lens: [&[1, 1], &[2]], slots: 4, order: Order::Claims, ..PLAIN };
    explore("in the order of the claims", 1, move || {
        assert_eq!(model.run(), [2, 1], "there was room for all");
    });
}

#[test]
fn pads_where_a_frame_does_not_fit_before_the_end() {
    let model = Traffic { start: Cursor::new(3, 3), lens: [&[2, 1], &[1]], slots: 4, looks: 1, ..PLAIN };
    explore("pads", 1, move || {
        model.run();
    });
}

#[test]
fn pads_of_both_producers_at_once() {
    let start = Cursor::new(4, 2);
    let model = Traffic { capacity: 5, slots: 4, start, lens: [&[2], &[2]], looks: 1, ..PLAIN };
    explore("pads of both", 2, move || {
        assert_eq!(model.run(), [1, 1], "there was room for both and one pad");
    });
}

/// Positions, indices and laps all start over in the middle of the run.
#[test]
fn across_every_wrap() {
    let last_index = (1 << 36) - 1;
    let last_lap = (2 << 26) - 1;
    for start in [Cursor::new(7, last_index), Cursor::new(6, last_lap), Cursor::new(4, last_index - 1)] {
        let model = Traffic { start, lens: [&[2], &[1, 1]], ..PLAIN };
        explore(&format!("from {start:?}"), 1, move || {
            model.run();
        });
    }
}
