//! loom
#![cfg(loom)]

#[path = "../support/arena.rs"]
mod arena;
mod deliver;
mod release;
mod ring;
mod sleep;
