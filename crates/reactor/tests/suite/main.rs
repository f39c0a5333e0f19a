//! The reactor over drivers without a kernel.
//!
//! One program for all these files: each further one is linked anew.

mod bad_input;
mod closing;
mod cooperating;
mod fairness;
mod fake;
mod fake_driver;
mod handing_over;
mod holding;
mod hosting;
mod leftovers;
mod logging;
mod looping;
mod memory;
mod stopping;
mod streaming;
mod waiting;
mod watching;
