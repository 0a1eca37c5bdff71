//! The consumer side of frame-ring: what happens to frames once they are received, and the `frame-ring` program.
//!
//! | module | owns |
//! |---|---|
//! | [`browser`] | stock Chromium, started and given the capture library |
//! | [`bridge`] | pages that send over a WebSocket, into a ring |
//! | [`media`] | test patterns, and the files that frames come from and go to |
//! | [`websocket`] | a WebSocket as Chromium speaks it, to compare with |
//! | [`capture`] | the sending side: sources, paced, into a ring or a WebSocket |
//! | [`serve`], [`receive`] | the receiving side: a ring to serve, and the loop that takes what comes |
//! | [`gather`] | the same for many at once: a ring, and the lanes of a browser's pages |
//! | [`track`] | who is in a track |
//! | [`convert`] | frames of the ring as pictures and samples that [`media`] can use |
//! | [`recorder`] | frames into files, on threads of their own |
//! | [`check`] | whether what came is what was sent |
//! | [`report`] | benchmark results, and the report that people read |
//! | [`supervise`] | a command that is run for the user |
//! | [`cli`] | the program's arguments |
//! | [`commands`] | one module for each of its commands |
//! | [`error`] | what a command can fail with, and the exit code that scripts see |
//! | [`signals`], [`clock`], [`progress`] | Ctrl-C, time, a line that says how far it is |

pub mod bridge;
pub mod browser;
pub mod capture;
pub mod check;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod convert;
pub mod error;
pub mod gather;
pub mod media;
pub mod progress;
pub mod receive;
pub mod recorder;
pub mod report;
pub mod serve;
pub mod signals;
pub mod supervise;
pub mod track;
pub mod websocket;
