//! The driver over the sockets, threads and processes of the machine.
//!
//! One program for all these files: each further one is linked anew.

mod bad_input;
mod closing;
#[path = "../common/mod.rs"]
mod common;
mod connect;
#[path = "../../examples/host_in_tokio.rs"]
mod host_in_tokio;
mod hosting;
mod inherit;
mod process;
mod processes;
mod readiness;
mod resolve;
mod stopping;
mod tcp;
mod threads;
mod udp;
mod unix;
mod wake;
