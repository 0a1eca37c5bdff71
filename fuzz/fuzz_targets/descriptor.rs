//! Any 24 words, for any room: decoding never panics, what it accepts lies inside the payload and the room, and comes
//! back the same from another trip.
#![no_main]

#[path = "../../core/tests/descriptor/promises.rs"]
mod promises;

use frame_ring_core::descriptor::WORDS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: ([u64; WORDS], u64)| {
    let (words, room) = input;
    promises::decode_anything(&words, room);
});
