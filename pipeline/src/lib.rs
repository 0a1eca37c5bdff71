//! The consumer side of frame-ring: what happens to frames once they are received, and the `frame-ring` program.
//!
//! | module | owns |
//! |---|---|
//! | [`media`] | test patterns, and the files that frames come from and go to |
//! | [`websocket`] | a WebSocket as Chromium speaks it, to compare with |
//! | [`cli`] | the program's arguments |
//! | [`commands`] | one module for each of its commands |
//! | [`error`] | what a command can fail with, and the exit code that scripts see |
//! | [`signals`] | Ctrl-C |

pub mod cli;
pub mod commands;
pub mod error;
pub mod media;
pub mod signals;
pub mod websocket;
