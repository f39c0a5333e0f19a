//! The developer's commands: `cargo xtask ci` and its parts.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers")]

mod book;
mod cargo;
mod checks;
mod files;
mod links;
mod markdown;
mod picture;
mod reference;
mod spec;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
The developer's commands.

Usage: cargo xtask COMMAND

Commands:
  ci      All of the checks below, and then the tests: what .ci/run calls
  fmt     Is everything formatted? (cargo fmt repairs it)
  lint    Clippy, warnings are errors
  doc     The documentation, warnings are errors
  tidy    The rules of this house that no compiler knows
  links   Does every relative link of every Markdown file lead to a file, and to a heading in it?
  book    Does every block of code and every transcript of the book come from what a test sees?
  spec    What the introduction claims, and which tests show it (spec/claims.md); ids like P19-04: these rows and their tests
  guard   Instruction counts of hot paths, where valgrind is installed; see cargo xtask bench guard --help
  test    cargo test --workspace
  docs    The manual page and the shell completions of get-poetry, under target/docs
  picture Runs the demo and draws what it prints, for the README: pictures/demo.svg
  reference  Writes the book's pages of options and limits from the code; ci compares them
  sim     Scenarios on the simulated network under many seeds, or one seed and its trace; see cargo xtask sim --help
  bench   Our programs and their peers, measured by turns in one run; see cargo xtask bench --help
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match names.as_slice() {
        ["ci"] => checks::ci(),
        ["reference"] => reference::write(&checks::root()),
        ["spec", ids @ ..] if !ids.is_empty() => spec::show(&checks::root(), ids),
        ["docs"] => checks::docs(),
        ["picture"] => picture::draw(&checks::root()),
        ["sim", options @ ..] => match checks::sim(options) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(error),
        },
        ["bench", options @ ..] => match checks::bench(options) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(error),
        },
        [name] if checks::find(name).is_some() => checks::one(name),
        ["-h" | "--help" | "help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
