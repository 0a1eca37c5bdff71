//! The protocol of frame-ring: a lock-free ring of variable-size frames, many producers, one consumer.
//!
//! This crate owns the memory layout and the order of accesses to it: claim, commit, deliver, release. It is `no_std`,
//! has no dependencies, allocates nothing and makes no system call, so that the same code runs in the `frame-ring`
//! crate over a memfd, in tests over the heap, under the loom model checker, and inside a browser's sandbox.
//! It does not own mappings, waiting, sockets or time: those are the `frame-ring` crate's.
//!
//! | module | owns |
//! |---|---|
//! | [`word`] | the packed words and the arithmetic of positions, indices and laps |
//! | [`arena`] | where the shared words live |
//! | [`claim`](mod@claim) | the producer's half: claim, commit, abort |
//! | [`ledger`] | the consumer's private books and the gate in front of them |
//! | [`walk`] | the consumer's half: deliver, release, bury, sweep, rewind |
//! | [`wake`] | who must be woken |
//! | [`layout`] | every byte of the shared region |
//! | [`region`] | a mapped region as an arena |
//! | [`tracks`], [`producers`] | the two tables in the region |
//! | [`port`] | one producer's claims and commits in a region, counted |
//! | [`series`] | the numbers of one track's frames on the producer's side |
//! | [`descriptor`] | what is said of each frame |
//! | [`lane`] | the bytes of a lane, the file of a producer without atomics |
#![no_std]

pub mod arena;
#[cfg(all(feature = "c-abi", not(loom)))]
pub mod c_abi;
pub mod claim;
#[cfg(not(loom))]
pub mod descriptor;
#[cfg(not(loom))]
pub mod lane;
#[cfg(not(loom))]
pub mod layout;
pub mod ledger;
#[cfg(not(loom))]
pub mod port;
#[cfg(not(loom))]
pub mod producers;
#[cfg(not(loom))]
pub mod region;
#[cfg(not(loom))]
pub mod series;
pub mod sync;
#[cfg(not(loom))]
pub mod text;
#[cfg(not(loom))]
pub mod tracks;
pub mod wake;
pub mod walk;
pub mod word;
