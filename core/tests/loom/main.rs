//! loom
#![cfg(loom)]

#[path = "../support/arena.rs"]
mod arena;
mod death;
mod deliver;
mod release;
mod ring;
mod sleep;
