//! A ring under the model checker: the shared words, and one checked cell for each unit of payload and each descriptor.
//!
//! The cells stand for the bytes that no atomic protects: loom reports it when somebody reads them while somebody else
//! writes. A frame's cells all hold its [`Message`], so a torn or misplaced frame shows as well.

use std::sync::Arc;

use frame_ring_core::arena::Arena;
use frame_ring_core::claim::{self, Claim, Class, Refusal, Revoked};
use frame_ring_core::ledger::{Entry, Ledger};
use frame_ring_core::sync::Ordering;
use frame_ring_core::wake::Sleep;
use frame_ring_core::walk::{Freed, NextError, Order, Taken};
use frame_ring_core::word::{Cursor, Geometry};
use loom::cell::UnsafeCell;

use crate::arena::HeapArena;

/// Starts of a ring of 4 units and 4 slots: index and position start over, then lap and position, then the index alone.
pub const BEFORE_A_WRAP: [Cursor; 3] =
    [Cursor::new(7, (1 << 36) - 1), Cursor::new(6, (4 << 26) - 1), Cursor::new(2, (1 << 36) - 2)];

/// What a frame carries: who sent it, and its number among that producer's frames.
pub type Message = (u8, u32);

pub struct Ring {
    pub arena: HeapArena,
    pub ledger: Ledger<Vec<Entry>>,
    data: Vec<UnsafeCell<Message>>,
    descriptors: Vec<UnsafeCell<(Message, u32)>>,
}

// SAFETY: that the cells are never written and read at once is what the models prove; loom checks every access.
unsafe impl Sync for Ring {}

impl Ring {
    /// A drained ring whose next claim is at `start`.
    pub fn new(capacity: u32, slots: u32, start: Cursor) -> Arc<Self> {
        Arc::new(Self {
            arena: HeapArena::new(capacity, slots, start),
            ledger: Ledger::new((0..slots).map(|_| Entry::new()).collect(), start),
            data: (0..capacity).map(|_| UnsafeCell::new((0, 0))).collect(),
            descriptors: (0..slots).map(|_| UnsafeCell::new(((0, 0), 0))).collect(),
        })
    }

    pub fn claim(&self, owner: u8, len: u32) -> Result<Claim, Refusal> {
        claim::claim(&self.arena, owner, Class::Event, len)
    }

    /// Writes `message` to every unit of a claim and into its descriptor.
    pub fn fill(&self, claim: &Claim, message: Message) {
        for unit in claim.offset()..claim.offset() + claim.len() {
            // SAFETY: the units of a claim are its claimant's alone.
            self.data[unit as usize].with_mut(|cell| unsafe { *cell = message });
        }
        let slot = self.arena.geometry().slot(claim.index()) as usize;
        // SAFETY: so is its descriptor.
        self.descriptors[slot].with_mut(|cell| unsafe { *cell = (message, claim.len()) });
    }

    pub fn commit(&self, claim: Claim) -> Result<Option<Sleep>, Revoked> {
        claim::commit(&self.arena, claim)
    }

    /// Claims, fills and commits over `arena`, which may be this ring's own or one that stops half-way.
    pub fn send_over(
        &self,
        arena: &impl Arena,
        message: Message,
        len: u32,
    ) -> Result<Option<Sleep>, Refusal> {
        let claim = claim::claim(arena, message.0, Class::Event, len)?;
        self.fill(&claim, message);
        Ok(claim::commit(arena, claim).expect("nobody buries a live producer"))
    }

    pub fn send(&self, message: Message, len: u32) -> Result<Option<Sleep>, Refusal> {
        self.send_over(&self.arena, message, len)
    }

    /// Sends messages of the given lengths as `owner` and returns those for which there was room.
    pub fn send_all(&self, owner: u8, lens: &[u32]) -> Vec<Message> {
        let numbered = (0..).zip(lens);
        let sent = numbered.filter(|(number, len)| self.accepts((owner, *number), **len));
        sent.map(|(number, _)| (owner, number)).collect()
    }

    fn accepts(&self, message: Message, len: u32) -> bool {
        match self.send(message, len) {
            Ok(_) => true,
            Err(Refusal::FullBytes | Refusal::FullSlots) => false,
            Err(why) => panic!("an honest ring refused {message:?}: {why}"),
        }
    }

    /// The next frame, if there is one, and what releasing others meanwhile has asked for.
    pub fn next(&self, order: Order) -> (Option<Taken>, Freed) {
        let mut all = Freed::default();
        loop {
            let (next, freed) = self.ledger.next(&self.arena, order);
            all.wake_producers |= freed.wake_producers;
            match next {
                Ok(next) => return (next, all),
                Err(NextError::Busy) => loom::thread::yield_now(),
                Err(NextError::Poisoned(why)) => panic!("an honest ring was poisoned: {why}"),
            }
        }
    }

    /// What a delivered frame holds.
    pub fn read(&self, taken: &Taken) -> Message {
        // SAFETY: a delivered frame is not written before it is released.
        let (message, len) = self.descriptors[taken.slot as usize].with(|cell| unsafe { *cell });
        assert_eq!((message.0, len), (taken.owner, taken.len), "the descriptor of another frame");
        for unit in taken.offset..taken.offset + taken.len {
            // SAFETY: as above.
            let found = self.data[unit as usize].with(|cell| unsafe { *cell });
            assert_eq!(found, message, "unit {unit} of {taken:?} holds another frame");
        }
        message
    }

    pub fn release(&self, taken: &Taken) -> Freed {
        self.ledger.release(&self.arena, taken.slot)
    }

    /// Takes, reads and releases the next frame, if there is one.
    pub fn receive(&self, order: Order) -> (Option<Message>, Freed) {
        let (next, mut freed) = self.next(order);
        let message = next.map(|taken| {
            let message = self.read(&taken);
            freed.wake_producers |= self.release(&taken).wake_producers;
            message
        });
        (message, freed)
    }

    pub fn bury(&self, owner: u8) -> Freed {
        loop {
            match self.ledger.bury(&self.arena, owner) {
                Some(freed) => return freed,
                None => loom::thread::yield_now(),
            }
        }
    }

    pub fn head(&self) -> Cursor {
        Cursor(self.arena.control().head.0.load(Ordering::Acquire))
    }

    pub fn tail(&self) -> Cursor {
        Cursor(self.arena.control().tail.0.load(Ordering::Acquire))
    }

    /// All is free, and seen to be free.
    pub fn assert_drained(&self) {
        assert_eq!(self.head(), self.tail(), "everything was released");
        let geometry: Geometry = self.arena.geometry();
        let claim = self.claim(255, geometry.longest()).expect("a drained ring takes the longest claim");
        claim::abort(&self.arena, claim).expect("nobody was buried");
    }

    /// Receives what is left when all producers have ended; then everything `sent` must have come once, each
    /// producer's frames in their order, and all space must have come back.
    pub fn settle(&self, sent: &[Vec<Message>], mut received: Vec<Message>) {
        while let (Some(message), _) = self.receive(Order::PerProducer) {
            received.push(message);
        }
        assert_eq!(received.len(), sent.iter().map(Vec::len).sum::<usize>(), "{sent:?} became {received:?}");
        for of_one in sent.iter().filter(|of_one| !of_one.is_empty()) {
            let came: Vec<_> = received.iter().copied().filter(|m| m.0 == of_one[0].0).collect();
            assert_eq!(&came, of_one, "of {sent:?} came {received:?}");
        }
        self.assert_drained();
    }
}

/// Explores a model, and says how many executions that took.
pub fn explore(name: &str, preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = executions.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    let began = std::time::Instant::now();
    builder.check(move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    println!("{name}: {executions:?} executions in {:.1?}", began.elapsed());
}
