//! How frames get out of the page.

use crate::report;

/// One way out, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// Frames are got and closed
    Capture,
    /// And copied into the page's memory
    CopyTo,
    /// And sent over a WebSocket to a program in Rust (tungstenite)
    WebsocketRust,
    /// And sent over a WebSocket to a program in Python (websockets)
    WebsocketPython,
    /// Through a lane
    Lane,
    /// Through a lane that is copied out instead of mapped
    LaneCopied,
    /// Through the rings of a patched browser
    Patched,
}

/// What is measured in a patched browser: its own rings, and what they are compared with.
pub const IN_PATCHED: [Transport; 4] =
    [Transport::Capture, Transport::CopyTo, Transport::WebsocketRust, Transport::Patched];

impl Transport {
    /// As the report has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture+close",
            Self::CopyTo => report::BASELINE,
            Self::WebsocketRust => report::REFERENCE,
            Self::WebsocketPython => "websocket-python",
            Self::Lane => "lane",
            Self::LaneCopied => "lane, copied out",
            Self::Patched => "patched",
        }
    }

    /// What the page is asked for.
    pub fn query(self) -> &'static str {
        match self {
            Self::Capture => "close",
            Self::CopyTo => "copy",
            Self::WebsocketRust | Self::WebsocketPython => "websocket",
            Self::Lane | Self::LaneCopied => "lane",
            Self::Patched => "patched",
        }
    }

    /// What it does, for whoever compares it.
    pub fn notes(self) -> &'static str {
        match self {
            Self::Capture => "no copy, nothing leaves the page",
            Self::CopyTo => "one copy into the page's memory, nothing leaves it: what all others need besides",
            Self::WebsocketRust => {
                "masked, in fragments of 131,000 bytes, through the browser's network process and the kernel, copied 4 times \
                 or more; the consumer is tungstenite, blocking; no back-pressure"
            }
            Self::WebsocketPython => "the same to the library websockets with asyncio, without compression",
            Self::Lane => {
                "one write of the page into shared pages, read in place; descriptors, demand, back-pressure; one browser, \
                 one machine"
            }
            Self::LaneCopied => "the same, copied once more by the consumer, which needs no handler for SIGBUS",
            Self::Patched => {
                "one copy by the browser's own thread into the ring, read in place; no script sees a frame; latency from the \
                 capture as the browser tells it, not from the page's getting the frame"
            }
        }
    }
}
