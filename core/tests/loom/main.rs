//! The protocol under the loom model checker: every interleaving, within a bound of preemptions, of small rings.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p frame-ring-core --release --test loom -- --nocapture
//! ```
//!
//! The core is compiled unchanged over loom's atomics. Payload units and descriptors are loom cells, so that a read of
//! bytes that somebody may still write is reported, and not only wrong content. At the end of each model everything must
//! have arrived once, in order, and all space must have come back. A lost wake-up is reported as a deadlock.
//!
//! # What each model guards, and the mutants that it kills
//!
//! A mutant is the protocol broken in one place; `mutants.sh` makes them and runs the models on them. Most are killed by
//! several models; each stands at the first that was seen to kill it.
//!
//! | model | guards | kills |
//! |---|---|---|
//! | `deliver::what_fits...` | nothing is refused while there is room, not even in the middle of a rewind | head-behind-the-slots, behind-rewind-load-relaxed |
//! | `deliver::in_the_order...` | the total order; refusals that rest on words read at different times | refusal-while-the-ring-is-rewound, refusal-without-a-second-look-at-head |
//! | `deliver::pads...` | pads behind which somebody else claims | behind-any-pad-is-free |
//! | `deliver::across_every_wrap` | positions, indices and laps that start over; claims by one exchange | claim-by-a-store, claim-without-lap-check, tail-by-a-store, pad-that-is-claimed, commit-relaxed, walk-load-relaxed, rewind-by-a-store, rewind-leaves-tail, no-rewind |
//! | `death::death_at_every_access...` | nobody waits for the dead, and all of their space comes back | claim-tail-load-relaxed, claim-slot-load-relaxed, claim-does-not-help, tail-exchange-relaxed, refusal-without-a-second-look-at-tail, second-look-relaxed, sweep-does-not-help, free-store-relaxed, rewind-exchange-relaxed, burial-of-what-was-seen-only, burial-of-everybody |
//! | `death::a_burial_and_the_last_commit` | the one that comes first counts, for both | commit-by-a-store, burial-by-a-store, burial-without-a-sweep |
//! | `death::a_burial_and_the_last_abort`, `death::a_burial_beside_a_claim`, `death::death_at_every_access_before_a_wrap` | the same for an abort, for whoever claims behind the dead, and where all counters start over | the same as the two above |
//! | `death::a_successor_of_the_buried` | what the dead ends late is not its successor's | a-lap-that-stays, abort-of-the-buried |
//! | `limits::*` | what is kept for audio and events is theirs; no class is refused what it may have | limits-ignored, limits-of-slots-ignored, limits-of-the-first-try-only, limits-for-everybody, limits-with-a-unit-to-spare |
//! | `release::*` | the gate: no release is lost, the last one sweeps, books are never shared | claim-head-load-relaxed, head-store-relaxed, release-relaxed, is-released-relaxed, and all of gate-* |
//! | `sleep::a_consumer_sleeps_on_*` | the two fences around the wake word | no-fence-before-the-sleep, no-fence-behind-a-commit, no-wake-behind-a-commit |
//! | `wait::*` | the two fences around the space word, and that its values never come back; a release that wakes one waiter, who wakes the next; a close that wakes all | no-fence-before-the-wait-for-space, no-fence-behind-a-release, space-as-a-flag, space-that-stays-announced, no-wake-by-the-woken, no-wake-but-by-the-woken, the-woken-does-not-announce-again, a-close-wakes-whom-the-word-tells-of, a-close-wakes-one |
//! | `wait::asleep_before_every_wrap` | the same from the state in which all sleep, where cursors and the space word start over | space-that-ends |
//! | `sleep::a_pad_without_its_claim...` | a pad never stays in the way because nobody receives | rewind-leaves-anothers-pad |
//!
//! What needs one thread only is killed by `model.rs` (claim-leaves-its-tail-to-others, pad-checked-without-its-claim,
//! release-not-forgotten, walk-past-its-own-order) and by `hostile.rs` (walk-without-lap-check,
//! walk-without-length-check, walk-over-held-frames, second-look-believes-everything, walk-forgets-its-poison).
//!
//! # Mutants that survive
//!
//! | mutant | why it does no harm |
//! |---|---|
//! | claim-exchange-relaxed | the word was read with Acquire just before and is never the same twice; whoever sees the claim needs nothing but the word itself |
//! | sweep-tail-load-relaxed | the sweep only asks whether `tail` stands still before a slot, and the exchange that follows decides; a late view of it costs claimants a retry |
//! | burial-relaxed | the consumer aborts for itself alone; what others may use is published when the slot is freed |
//!
//! The three orderings stay as they are: they cost nothing, and their proofs are longer than their words.
//!
//! # What loom cannot see
//!
//! It explores 1 to 3 preemptions here (as many as take seconds), does not reorder a load with a later store, and knows
//! no memory that two processes map. Real threads, and any words at any time, are the business of `threads.rs` and
//! `hostile.rs`.
//!
//! The way to a rare state uses up preemptions. With a bound of 1, no-wake-by-the-woken survives two waiters of different
//! lengths who have yet to fall asleep; it does not survive those who begin asleep.
//!
//! No producer's wait times out here. The models show that waiters need no time-out to come to their room, as long as who
//! is woken lives and goes on, and frames are released. The time-out makes up for the rest: a woken producer that is
//! stopped or killed before it wakes the next one, and one that finds no room where a shorter frame would have fitted.
#![cfg(loom)]

#[path = "../support/arena.rs"]
mod arena;
mod death;
mod deliver;
mod limits;
mod release;
mod ring;
mod sleep;
mod wait;
