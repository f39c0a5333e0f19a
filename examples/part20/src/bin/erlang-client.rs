//! The Erlang client on real sockets: the same words on the command line as every other client of the introduction.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example speaks to its reader")]

use std::process::ExitCode;
use std::rc::Rc;

use sestina_example_part20::{Arguments, USAGE, get_poetry};

fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let done = sestina_reactor_mio::reactor().map_err(Into::into).and_then(|reactor| {
        reactor.run_until(get_poetry(&reactor, arguments, Rc::new(|line: &str| println!("{line}"))))
    });
    match done {
        Ok(collected) => {
            print!("{}", collected.poems);
            collected.missing.iter().for_each(|sentence| eprintln!("{sentence}"));
            if collected.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
