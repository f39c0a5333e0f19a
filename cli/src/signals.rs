//! How a program that was interrupted says so with its exit status.

use std::process::ExitCode;

use sestina_reactor::Signal;

/// What a shell would report for a program that the signal had ended.
const SIGNALLED: u8 = 128;

/// The exit status after this signal.
pub(crate) fn exit_code(signal: Signal) -> ExitCode {
    let number = match signal {
        Signal::Interrupt => 2,
        Signal::Terminate => 15,
        _ => 0,
    };
    ExitCode::from(SIGNALLED + number)
}
