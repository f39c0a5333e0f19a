//! The control socket: what an operator may ask of a running proxy, line by line.
//!
//! ```text
//! > sestina control 1            the greeting: who answers, and which version of this protocol
//! < purge ecstasy --soft         a request is a line: a command, its arguments, its options
//! > ok 1                         and then so many lines
//! > purged ecstasy (soft)
//! < cancel 7
//! > error no flight 7 is under way ('flights' lists them)
//! ```
//!
//! With `--json` the answer is one line of JSON. A word with blanks in it is written as a JSON string. Text that strangers
//! chose (keys) cannot move a terminal's cursor. `command.rs` reads requests, `answer.rs` says what is answered, `table.rs`
//! aligns it, `desk.rs` does what is asked, `service.rs` is the connection and the service.

mod answer;
mod command;
mod desk;
mod service;
mod table;

pub use service::{
    CONTROL_CLIENTS_MAX, CONTROL_GREETING, CONTROL_IDLE_MAX, CONTROL_LINE_BYTES_MAX,
    CONTROL_REQUEST_TIME_MAX, ControlService,
};
