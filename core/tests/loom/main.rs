//! loom
#![cfg(loom)]

#[path = "../support/arena.rs"]
mod arena;
mod deliver;
mod ring;
mod release;
mod sleep;
