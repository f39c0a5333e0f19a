//! Doubles: a transport that records, a clock that is turned by hand, a pump between two protocols, a port for a test.
//!
//! They are thin: below a protocol is the real reactor with its real state machine, over a driver in memory whose time
//! stands still until it is told to pass.

mod by_hand;
mod clock;
mod listening;
mod pump;
mod string_transport;

pub use clock::Clock;
pub use listening::Listening;
pub use pump::{PUMP_ROUNDS_MAX, Pump, PumpEnd, each_cut};
pub use string_transport::{Ending, StringTransport};
