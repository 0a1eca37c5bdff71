//! Real threads on a small ring: three producers, one receiver, two droppers.

#![cfg(not(loom))]

#[path = "support/arena.rs"]
mod arena;

use std::cell::UnsafeCell;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arena::HeapArena;
use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{claim, commit, Class, Refusal};
use frame_ring_core::ledger::{Entry, Ledger};
use frame_ring_core::sync::Ordering;
use frame_ring_core::walk::{NextError, Order, Taken};
use frame_ring_core::word::Cursor;

const PRODUCERS: u8 = 3;
const FRAMES: u64 = 66_000;
/// Odd, so that most frames meet the end of the data area somewhere else.
const CAPACITY: u32 = 61;
const SLOTS: u32 = 16;
/// Only against a hang; the whole test takes seconds.
const HANG: Duration = Duration::from_secs(120);

struct Ring {
    arena: HeapArena,
    ledger: Ledger<Vec<Entry>>,
    /// One word for each unit, read and written as payload is: by plain accesses, which ThreadSanitizer watches.
    data: Vec<UnsafeCell<u64>>,
}

// SAFETY: the words in `data` are written by the holder of a claim and read by the holder of a delivered frame; that the
// two are never the same word at the same time is what the protocol promises and this test is for.
unsafe impl Sync for Ring {}

/// What unit `unit` of frame `number` of `owner` holds.
fn content(owner: u8, number: u64, unit: u32) -> u64 {
    (number << 16 | u64::from(owner) << 8 | u64::from(unit)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Lengths from 1 to 13 units, without a period that fits the ring.
fn len(owner: u8, number: u64) -> u32 {
    (content(owner, number, 99) >> 40) as u32 % 13 + 1
}

impl Ring {
    fn produce(&self, owner: u8) {
        for number in 0..FRAMES {
            let claim = loop {
                match claim(&self.arena, owner, Class::Event, len(owner, number)) {
                    Ok(claim) => break claim,
                    Err(Refusal::FullBytes | Refusal::FullSlots) => thread::yield_now(),
                    Err(why) => panic!("an honest ring refused: {why}"),
                }
            };
            for unit in 0..claim.len() {
                let word = self.data[(claim.offset() + unit) as usize].get();
                // SAFETY: the units of a claim are its claimant's alone until it commits.
                unsafe { word.write(content(owner, number, unit)) };
            }
            let sleeper = commit(&self.arena, claim).expect("nobody buries a live producer");
            assert_eq!(sleeper, None, "the receiver never sleeps");
        }
    }

    fn receive(&self, droppers: [Sender<(Taken, u64)>; 2]) {
        let mut numbers = [0; PRODUCERS as usize + 1];
        let mut received = 0;
        while received < u64::from(PRODUCERS) * FRAMES {
            match self.ledger.next(&self.arena, Order::PerProducer).0 {
                Ok(Some(taken)) => {
                    let number = &mut numbers[usize::from(taken.owner)];
                    let dropper = &droppers[(received % 2) as usize];
                    dropper.send((taken, *number)).expect("the droppers live as long as this sender");
                    *number += 1;
                    received += 1;
                }
                Ok(None) | Err(NextError::Busy) => thread::yield_now(),
                Err(NextError::Poisoned(why)) => panic!("an honest ring was poisoned: {why}"),
            }
        }
    }

    /// Checks and releases frames, of each four the last one first.
    fn drop_frames(&self, frames: &Receiver<(Taken, u64)>) {
        while let Ok(first) = frames.recv() {
            let mut batch = vec![first];
            batch.extend(frames.try_iter().take(3));
            for (taken, number) in batch.into_iter().rev() {
                assert_eq!(taken.len, len(taken.owner, number), "frame {number} of {}", taken.owner);
                for unit in 0..taken.len {
                    let word = self.data[(taken.offset + unit) as usize].get();
                    // SAFETY: nobody writes to a delivered frame before it is released.
                    let found = unsafe { word.read() };
                    assert_eq!(found, content(taken.owner, number, unit), "unit {unit} of {taken:?}");
                }
                let _ = self.ledger.release(&self.arena, taken.slot);
            }
        }
    }
}

#[test]
fn nothing_is_lost_torn_doubled_or_out_of_order() {
    let start = Cursor::new(2 * CAPACITY - 1, (1 << 36) - 1000);
    let ring = Arc::new(Ring {
        arena: HeapArena::new(CAPACITY, SLOTS, start),
        ledger: Ledger::new((0..SLOTS).map(|_| Entry::new()).collect(), start),
        data: (0..CAPACITY).map(|_| UnsafeCell::new(0)).collect(),
    });
    let (done, all_done) = channel::<()>();
    let run = |work: Box<dyn FnOnce(&Ring) + Send>| {
        let (ring, done) = (ring.clone(), done.clone());
        thread::spawn(move || {
            work(&ring);
            drop(done);
        })
    };
    let (to_first, first) = channel();
    let (to_second, second) = channel();
    let mut threads = vec![
        run(Box::new(move |ring| ring.receive([to_first, to_second]))),
        run(Box::new(move |ring| ring.drop_frames(&first))),
        run(Box::new(move |ring| ring.drop_frames(&second))),
    ];
    threads.extend((1..=PRODUCERS).map(|owner| run(Box::new(move |ring| ring.produce(owner)))));
    drop(done);
    assert_eq!(all_done.recv_timeout(HANG), Err(RecvTimeoutError::Disconnected), "some thread hangs");
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    let control = ring.arena.control();
    assert_eq!(
        control.head.0.load(Ordering::Relaxed),
        control.tail.0.load(Ordering::Relaxed),
        "all was released"
    );
}
