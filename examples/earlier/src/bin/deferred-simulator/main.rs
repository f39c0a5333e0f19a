//! The deferred simulator of the introduction: describe pairs of callbacks and errbacks, and see what a deferred does
//! with them. It draws what a real deferred did: `trail.rs` makes one and notes what happens.
//!
//! ```text
//! deferred-simulator 'return good fail bad' 'fail googly passthru'
//! ```
#![forbid(unsafe_code)]

mod canvas;
mod draw;
mod input;
mod options;
mod pair;
mod trail;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use crate::draw::Glyphs;
use crate::options::{Colour, HELP, Options};
use crate::trail::Carried;

/// More do not fit on any screen.
pub(crate) const PAIRS_MAX: usize = 100;

/// What the arguments or the input get wrong.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    match run(arguments) {
        Ok(code) => code,
        // Whoever reads us has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "deferred-simulator: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = String>) -> io::Result<ExitCode> {
    let (mut out, mut errors) = (io::stdout().lock(), io::stderr().lock());
    let mut options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(mistake) => {
            writeln!(errors, "deferred-simulator: {mistake}; see --help")?;
            return Ok(ExitCode::from(WRONG));
        }
    };
    if options.wants_help {
        out.write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut code = ExitCode::SUCCESS;
    if options.pairs.is_empty() {
        let is_terminal = io::stdin().is_terminal();
        let input = input::read(io::stdin().lock(), is_terminal, &mut out, &mut errors)?;
        // A person has seen the mistakes and gone on; a program must be told.
        if input.has_mistakes && !is_terminal {
            code = ExitCode::from(WRONG);
        }
        options.pairs = input.pairs;
    }
    if !options.pairs.is_empty() {
        out.write_all(picture(&options, in_colour(options.colour)).as_bytes())?;
        out.flush()?;
    }
    Ok(code)
}

fn picture(options: &Options, in_colour: bool) -> String {
    let both = [Carried::Value("initial".to_owned()), Carried::Failure("initial".to_owned())];
    let starts: &[Carried] = if options.starts.is_empty() { &both } else { &options.starts };
    let trails: Vec<_> = starts.iter().map(|start| trail::fire(&options.pairs, start.clone())).collect();
    let glyphs = if options.is_ascii { Glyphs::ASCII } else { Glyphs::UNICODE };
    draw::draw(&options.pairs, &trails, &glyphs, options.is_narrow, in_colour)
}

#[expect(clippy::disallowed_methods, reason = "NO_COLOR is a convention of terminals")]
fn in_colour(colour: Colour) -> bool {
    let is_refused = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match colour {
        Colour::Auto => io::stdout().is_terminal() && !is_refused(),
        Colour::Always => true,
        Colour::Never => false,
    }
}
