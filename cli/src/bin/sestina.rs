//! The runner of services: see `sestina --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sestina_cli::sestina::main(std::env::args_os())
}
