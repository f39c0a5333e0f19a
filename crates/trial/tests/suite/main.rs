//! The harness, used as its users use it.
//!
//! One program for all these files: each further one is linked anew.

mod basics;
mod cleaning_up;
mod doubles;
mod logs;
mod test_poetry;
