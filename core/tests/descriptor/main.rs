//! The descriptor codec: what is encoded comes back, what is wrong is refused by name, and no words do any harm.

#![cfg(not(loom))]

mod arbitrary;
mod bytes;
mod extensions;
mod layouts;
mod promises;
mod properties;
mod refusals;

use frame_ring_core::descriptor::*;

/// Every pixel format that the codec knows.
const KNOWN: [FourCc; 14] = [
    FourCc::I420,
    FourCc::I420A,
    FourCc::I422,
    FourCc::I444,
    FourCc::NV12,
    FourCc::P010,
    FourCc::I010,
    FourCc::I210,
    FourCc::I410,
    FourCc::RGBA,
    FourCc::BGRA,
    FourCc::RGBX,
    FourCc::BGRX,
    FourCc::GREY,
];

/// An I420 picture of 4 x 2: 12 bytes.
fn small() -> VideoFormat {
    VideoFormat::packed(FourCc::I420, 4, 2).expect("valid")
}
