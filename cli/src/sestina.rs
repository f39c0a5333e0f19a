//! The program `sestina`: the runner, its built-in plugins, and the demo.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;
use sestina_daemon::Runner;

use crate::ctl;
use crate::demo;
use crate::plugins;

/// Runs the program with these arguments, the program's own name first.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    runner().run(&arguments.collect::<Vec<_>>())
}

/// The definition of the command line: for the parser, `--help` and the reference.
#[must_use]
pub fn command() -> Command {
    runner().command()
}

fn runner() -> Runner {
    let runner = Runner::new("sestina")
        .with_about("Runs services: servers of poetry, for now")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_discovery();
    let demo = Command::new(demo::NAME).about(demo::DESCRIPTION);
    plugins::built_in(runner).with_command(ctl::command(), ctl::main).with_command(demo, |_| demo::main())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_does_not_contradict_itself() {
        super::runner().command().debug_assert();
        crate::get_poetry::command().debug_assert();
    }
}
