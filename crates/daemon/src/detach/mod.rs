//! Detaching: the program starts itself again, in a session of its own, and waits until the service is ready.
//!
//! There is no fork: a copy of a process inherits whatever its parent happened to have, and cannot be had in safe Rust.
//! The launching command (`launcher.rs`) starts its own executable again, with one end of a socket pair as the standard
//! input; over it go the lock of the pid file, inherited sockets and what systemd said, and back comes "ready" or the
//! whole error. The detached process (`detached.rs`) knows itself by that socket: its other end belongs to the
//! parent, and a message for it lies in it. So nobody can make a program detached by an argument or a variable, by accident or not.
//! Tests: `cli/tests/suite/daemon_start.rs`.

mod detached;
mod launcher;
mod message;

pub(crate) use detached::{Detached, name_process};
pub(crate) use launcher::{Launch, launch};
