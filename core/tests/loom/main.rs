//! The protocol under the loom model checker: every schedule, and every value that the memory model lets a load return,
//! within two preemptions (three where that is cheap).
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test -p frame-ring-core --release --test loom
//! ```
//!
//! Every unit of payload and every descriptor is a loom cell, so that a read without the ordering that it needs is
//! reported as a race. Each model was seen to fail: `core/tests/mutants.sh` breaks the protocol in one place at a time and
//! runs them.
//!
//! | models | guard | by which these mutants are killed |
//! |---|---|---|
//! | [`deliver`]: two producers and a consumer, more frames than slots, pads of one and of both, claim order, rewinds, all cursors just below their wraps | every frame once, whole, in order; what fits is not refused | claim by a store, no lap check, tail by a store, a pad that is claimed, any pad taken for a free one, no second look at `head`, refused while the ring is rewound, commit relaxed, walk relaxed, `head` behind the slots, rewind by a store, rewind without `tail`, no rewind |
//! | [`death`]: a producer that dies after each of its accesses, a burial against the last commit, beside a live producer | committed frames arrive, others don't, all room comes back, nobody waits | no help, loads of `tail` and of the slot relaxed, exchange of `tail` relaxed, a claim that leaves its tail to others, commit by a store, burial by a store, burial of what was seen only, of everybody, no help in the sweep, freed slot relaxed, rewind relaxed, second look relaxed |
//! | [`release`]: frames given back by two threads and the receiver at once | no release is lost, no byte is reused while it is read | release relaxed, its load relaxed, the gate entered, left, marked or cleaned relaxed, left without a look, not marked, marked once, `head` relaxed |
//! | [`sleep`]: futex and eventfd, producers that wait for space, a pad whose claim never comes | no lost wake-up, on either side | each of the four fences, no wake behind a commit, `space` as a plain flag, another one's pad left by the rewind |
//!
//! Some are killed by `tests/model.rs` (a pad checked without its claim, class limits, order within a producer) and
//! `tests/hostile.rs` (lap, length and overlap checks of the walk, poison that is forgotten) instead. Known to survive:
//!
//! | mutant | why |
//! |---|---|
//! | the exchange that makes a claim, relaxed | whoever acts on the word uses only what is in it; the payload is published by the commit, and what `tail` promises by the exchange of `tail` |
//! | the sweep's load of `tail`, relaxed | its value is only compared; the exchange behind it orders |
//! | the exchange of a burial, relaxed | nobody reads the bytes of an aborted claim; they are given back by the stores of `head` and of the free word |
#![cfg(loom)]

#[path = "../support/arena.rs"]
mod arena;
mod death;
mod deliver;
mod release;
mod ring;
mod sleep;
