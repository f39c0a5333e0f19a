//! The client: see `get-poetry --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sestina_cli::get_poetry::main(std::env::args_os())
}
