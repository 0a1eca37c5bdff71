//! Limits of classes: what is kept for others stays theirs, and nobody is refused what it may have.

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{claim, Claim, Class, Refusal};
use frame_ring_core::walk::Order;
use frame_ring_core::word::Cursor;
use loom::thread;

use crate::ring::{explore, Ring};

/// A ring with frames that are held, and room for both a frame of `class` and an event, but only if the event comes last:
/// together with the event, the frame is over its limit by as much as the release of the first held frame gives back.
#[derive(Clone, Copy)]
struct Limited {
    class: Class,
    capacity: u32,
    slots: u32,
    held: &'static [u32],
    len: u32,
    /// Units, and slots, that the class may fill.
    limit: (u32, u64),
    full: Refusal,
}

impl Limited {
    /// A claim of the class, which must be within its limit.
    fn claim(&self, ring: &Ring) -> Result<Claim, Refusal> {
        let claim = claim(&ring.arena, 2, self.class, self.len)?;
        // Nothing has wrapped yet. A head that has moved meanwhile hides a broken limit in this schedule, not in others.
        let end = Cursor::new(claim.offset() + claim.len(), claim.index() + 1);
        let (head, geometry) = (ring.head(), ring.arena.geometry());
        assert!(geometry.used(end, head) <= self.limit.0, "{claim:?} takes others' bytes");
        assert!(end.claims_since(head) <= self.limit.1, "{claim:?} takes others' slots");
        Ok(claim)
    }

    fn run(self) {
        let ring = Ring::new(self.capacity, self.slots, Cursor(0));
        let sent = ring.send_all(1, self.held);
        let held: Vec<_> = sent.iter().map(|_| ring.next(Order::PerProducer).0.expect("was sent")).collect();
        let limited = {
            let ring = ring.clone();
            thread::spawn(move || self.claim(&ring))
        };
        let event = {
            let ring = ring.clone();
            thread::spawn(move || {
                let claim = ring.claim(3, 1).expect("nobody may take an event's room");
                let index = claim.index();
                ring.fill(&claim, (3, 0));
                let _ = ring.commit(claim).expect("nobody was buried");
                index
            })
        };
        let mut received = vec![ring.read(&held[0])];
        let _ = ring.release(&held[0]);
        let limited = limited.join().expect("the limited one does not panic");
        let event = event.join().expect("the event does not panic");
        let claim = limited.unwrap_or_else(|why| {
            assert_eq!(why, self.full);
            assert_eq!(event, self.held.len() as u64, "refused though the event came later");
            self.claim(&ring).expect("the release has made room")
        });
        ring.fill(&claim, (2, 0));
        let _ = ring.commit(claim).expect("nobody was buried");
        for taken in &held[1..] {
            received.push(ring.read(taken));
            let _ = ring.release(taken);
        }
        ring.settle(&[sent, vec![(2, 0)], vec![(3, 0)]], received);
    }
}

/// 7 of 8 units are for pictures.
#[test]
fn pictures_leave_bytes_to_events() {
    let held = &[1, 4];
    let limit = (7, 4);
    let full = Refusal::FullBytes;
    let model = Limited { class: Class::Video, capacity: 8, slots: 4, held, len: 2, limit, full };
    explore("bytes for pictures", 3, move || model.run());
}

/// 31 of 32 units are for sound.
#[test]
fn sound_leaves_bytes_to_events() {
    let held = &[1, 28];
    let limit = (31, 4);
    let full = Refusal::FullBytes;
    let model = Limited { class: Class::Audio, capacity: 32, slots: 4, held, len: 2, limit, full };
    explore("bytes for sound", 2, move || model.run());
}

/// 7 of 8 slots are for pictures.
#[test]
fn pictures_leave_slots_to_events() {
    let held = &[1; 6];
    let limit = (14, 7);
    let full = Refusal::FullSlots;
    let model = Limited { class: Class::Video, capacity: 16, slots: 8, held, len: 1, limit, full };
    explore("slots for pictures", 3, move || model.run());
}
