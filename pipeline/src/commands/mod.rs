//! One module for each command of the program: its arguments, and what it does.

pub mod bench;
pub mod demo;
pub mod doctor;
pub mod inspect;
pub(crate) mod names;
pub(crate) mod output;
pub mod pipe;
pub mod record;
pub mod run;
pub mod send;
pub mod serve;
pub mod soak;
pub(crate) mod table;
pub(crate) mod tally;
pub(crate) mod target;
pub mod top;
pub mod verify;
