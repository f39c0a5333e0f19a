//! What every driver must do, as a list of cases: the laws of the reactor as far as a protocol can see them.
//!
//! A driver's crate runs all of it in one line, in a file of its own below `tests/`:
//!
//! ```
//! use sestina_reactor_sim::Simulation; // or a driver of yours: Reactor::new(Box::new(MyDriver::new()))
//!
//! sestina_contract::contract!(|| Simulation::seeded(7).reactor());
//! # fn main() {
//! #     sestina_contract::check(|| Simulation::seeded(7).reactor(), sestina_contract::streams::bytes_arrive_whole_and_in_order);
//! # }
//! ```
//!
//! A driver whose clock is the wall's runs [`wall_clock!`] too.
//!
//! Each case gets a fresh reactor. When it is over nothing may be left: no connection or attempt at one, port, datagram
//! socket, timer, task, process or job on a thread, no deferred that nobody has fired, no error that nobody looked at, and
//! no panic that was not provoked.
//! Server and client of a case live on the same reactor, so a case needs nothing that one of the drivers does not have.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a failed case says on which reactor")]
#![expect(clippy::missing_panics_doc, reason = "cases are tests: they panic when the contract is broken")]

pub mod answers;
pub mod async_io;
pub mod async_streams;
mod cases;
pub mod closing;
pub mod connecting;
pub mod datagrams;
pub mod flow;
pub mod layers;
pub mod limits;
pub mod order;
pub mod panics;
pub mod pipes;
mod probe;
pub mod processes;
pub mod producers;
pub mod schedule;
pub mod signals;
pub mod sleeping;
pub mod sockets;
mod stage;
pub mod streams;
pub mod threads;
pub mod time;
pub mod unix;

pub use probe::{Diary, Probe};
pub use stage::{Stage, World, check, check_each, check_each_through_a_layer, check_through_a_layer};

/// Makes one test of each case, over the reactors that the closure makes; and in a module `through_a_layer` once more
/// those about streams, through a layer that transforms every byte and holds some back.
#[macro_export]
macro_rules! contract {
    ($make:expr) => {
        $crate::stream_cases! { $make, check }
        $crate::other_cases! { $make, check }
        mod through_a_layer {
            use super::*;
            $crate::stream_cases! { $make, check_through_a_layer }
        }
    };
}

/// The same cases, each over every reactor of the list that the expression makes, with a name for each: for drivers with
/// faults that lose nothing. A case asks for nothing that no network promises, so all of them hold there too.
#[macro_export]
macro_rules! contract_under_faults {
    ($reactors:expr) => {
        $crate::stream_cases! { $reactors, check_each }
        $crate::other_cases! { $reactors, check_each }
        mod through_a_layer {
            use super::*;
            $crate::stream_cases! { $reactors, check_each_through_a_layer }
        }
    };
}

/// As [`contract!`], for the cases that need a driver whose clock is the wall's.
#[macro_export]
macro_rules! wall_clock {
    ($make:expr) => {
        $crate::wall_clock_cases! { $make, check }
    };
}
