//! Receivers and decoders.
//!
//! One program for all these files: each further one is linked anew.

mod common;
mod corpus;
#[path = "../fuzzing/mod.rs"]
mod fuzzing;
mod laws;
mod lines;
mod modes;
mod pausing;
mod receivers;
mod strings;
mod work;
