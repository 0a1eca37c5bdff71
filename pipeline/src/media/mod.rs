//! Media that needs no ring: pictures and sound to send, files to read and write, and checks of what arrived.
//!
//! Nothing here knows the ring. A caller turns a received payload into a [`Picture`] (planes with strides) or a
//! block of interleaved `f32` samples, and hands it to a writer or a checker; in the other direction a generator
//! or a reader hands out a [`Picture`] or a block for the caller to send.
//!
//! | module | owns |
//! |---|---|
//! | [`picture`] | planar 8-bit pictures: layouts, planes, strides |
//! | [`rate`] | frame rates as exact fractions |
//! | [`pattern`] | the test picture, its number, and its exact check |
//! | [`tone`] | the test tone and its exact check |
//! | [`marker`] | flash and beep once a second, and the skew between them |
//! | [`y4m`], [`wav`] | uncompressed files, streaming, also to and from pipes |
//! | [`jpeg`], [`mkv`] | playable files: Motion JPEG and PCM in Matroska |

mod ebml;
mod font;
pub mod jpeg;
pub mod marker;
pub mod mkv;
pub mod pattern;
pub mod picture;
pub mod rate;
pub mod samples;
pub mod tone;
pub mod wav;
pub mod y4m;

pub use picture::{Layout, Picture, PictureError, Plane, Range};
pub use rate::FrameRate;
