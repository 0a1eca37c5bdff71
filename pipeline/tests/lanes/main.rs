//! Lanes of a real Chromium, received by a hub: what pages send arrives as it was, whatever becomes of page and consumer.

#[path = "../web/mod.rs"]
mod web;

mod exact;
mod life;
mod sandbox;
mod stage;
