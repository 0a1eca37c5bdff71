//! The `frame-ring` program with more transports for `bench`: what people would use instead of the ring.
//!
//! Each is used as its documentation says it is fastest. [`websockets`] are two libraries on tokio, [`shared_memory`] is
//! iceoryx2. All of them do what every transport of the bench does: a producer process copies each frame in, a consumer
//! that sleeps until then reads all of it.

mod shared_memory;
mod websockets;

use std::process::ExitCode;

use frame_ring_pipeline::commands::bench::Transport;

static RIVALS: [Transport; 3] = [
    Transport {
        name: "iceoryx2",
        about: "iceoryx2 0.10: publish-subscribe over shared memory, events to wake the consumer",
        notes: "One copy; the consumer sleeps on a Unix datagram socket. Its processes find each other by names in /dev/shm and \
                /tmp, which all of them must be able to open. The consumer gets plain slices of memory that the producer \
                can still write to, so it has to trust it. Every sample takes the memory of the longest. A full buffer \
                drops, or the producer polls for room (10,000 yields, then sleeps), as here when it is not paced.",
        carry: shared_memory::run,
        produce: shared_memory::produce,
    },
    Transport {
        name: "tokio-tungstenite",
        about: "A WebSocket by tokio-tungstenite 0.30, client to server",
        notes: "Three copies (into its buffer, which is then masked; into the kernel; out of it, into memory zeroed before) and \
                masks taken off in place; what a write leaves over is moved to the front of the buffer. One frame for each message, not fragments as \
                Chromium's.",
        carry: websockets::tungstenite::run,
        produce: websockets::tungstenite::produce,
    },
    Transport {
        name: "fastwebsockets",
        about: "A WebSocket by fastwebsockets 0.10, client to server",
        notes: "Three copies (to where it is masked, into the kernel, out of it), masks put on and taken off in place; vectored writes. \
                No opening handshake here, which is outside the measurement. One frame for each message, not fragments as Chromium's.",
        carry: websockets::fast::run,
        produce: websockets::fast::produce,
    },
];

fn main() -> ExitCode {
    frame_ring_pipeline::cli::main_with(&RIVALS)
}
