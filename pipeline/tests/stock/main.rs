//! Stock Chromium, the capture library in its page, and this crate as the consumer of its lanes: what arrives is what was
//! captured, whatever becomes of page, tab and consumer.

mod calls;
mod devices;
mod exact;
mod hostile;
mod life;
mod overload;
mod sandbox;
mod stage;
#[path = "../web/mod.rs"]
mod web;
