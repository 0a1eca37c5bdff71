//! Stock Chromium as a source of frames: started with a profile in memory, and every page of it given the capture library.
//!
//! | module | owns |
//! |---|---|
//! | [`cdp`] | the DevTools protocol, over pipes |
//! | [`inject`] | the capture library in every document of every page, before its own scripts |
//! | [`launch`] | the browser's command line: profile, pipes, extension |
//! | [`process`] | a browser that runs, for programs, tests and benchmarks |
//! | [`home`] | a profile whose sites keep their files in memory |
//! | [`place`] | a directory in memory that goes with its owner |
//! | [`library`] | the capture library as one script |
//! | [`site`], [`example`] | files served to a browser; a page with a call in it |
//! | [`extension`] | the capture library as an unpacked extension |
//! | `users` | who uses a directory |

pub mod cdp;
pub mod example;
pub mod extension;
pub mod home;
pub mod inject;
pub mod launch;
pub mod library;
pub mod place;
pub mod process;
pub mod site;
pub(crate) mod users;
