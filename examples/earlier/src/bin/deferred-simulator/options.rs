//! What stands on the command line.

use crate::pair::{self, Pair, parse_value, quoted};
use crate::trail::Carried;

pub(crate) const HELP: &str = "\
Shows how a deferred runs its callbacks and errbacks: describe pairs of them,
and see the chain with the way that is taken through it.

Usage: deferred-simulator [OPTIONS] [PAIR]...

Each PAIR is one argument, 'CALLBACK ERRBACK'. Without any, pairs are read from
standard input, one a line, up to an empty line or the end. Both CALLBACK and
ERRBACK are one of

  return VALUE   comes to VALUE
  fail VALUE     fails with VALUE
  passthru       hands on what it was given

or their beginnings, such as r, f and p. A VALUE is 1 to 6 letters and digits.
In the drawings a value with a star is a failure, and a dotted box did not run.

Options:
      --fire VALUE   Fire with this value, and show only that
      --fail VALUE   Fire with this failure, and show only that
                     [without the two: both, with 'initial']
      --narrow       Draw one below the other (side by side needs 80 columns)
      --ascii        Draw with plain characters
      --color WHEN   auto (on a terminal, unless NO_COLOR is set), always or
                     never [default: auto]
  -h, --help         Show this

Ends with 0, with 2 if something in the input or the arguments is wrong, or with
1 if it cannot be read or written.

Examples:
  deferred-simulator 'return good fail bad' 'fail googly passthru'
  deferred-simulator --fail oops 'p r ok'
  printf 'r good f bad\\nf googly p\\n' | deferred-simulator --narrow
";

/// When to draw in colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) pairs: Vec<Pair>,
    /// What to fire with; empty: a value and a failure.
    pub(crate) starts: Vec<Carried>,
    pub(crate) is_narrow: bool,
    pub(crate) is_ascii: bool,
    pub(crate) colour: Colour,
    pub(crate) wants_help: bool,
}

impl Options {
    /// # Errors
    /// What is wrong with them, for a person.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        let mut only_pairs = false;
        while let Some(argument) = arguments.next() {
            if only_pairs || !argument.starts_with('-') {
                options.add_pair(&argument)?;
                continue;
            }
            let (name, glued) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            if matches!(name, "--fire" | "--fail" | "--color") {
                let value =
                    glued.or_else(|| arguments.next()).ok_or_else(|| format!("{name} needs a value"))?;
                options.set(name, &value)?;
            } else if glued.is_some() {
                return Err(format!("'{}' is not an option with a value", quoted(name)));
            } else {
                match name {
                    "--" => only_pairs = true,
                    "--narrow" => options.is_narrow = true,
                    "--ascii" => options.is_ascii = true,
                    "-h" | "--help" => options.wants_help = true,
                    _ => return Err(format!("there is no option '{}'", quoted(name))),
                }
            }
        }
        Ok(options)
    }

    fn add_pair(&mut self, argument: &str) -> Result<(), String> {
        if self.pairs.len() == crate::PAIRS_MAX {
            return Err(format!("more than {} pairs", crate::PAIRS_MAX));
        }
        let pair =
            pair::parse(argument).map_err(|mistake| format!("pair '{}': {mistake}", quoted(argument)))?;
        self.pairs.push(pair);
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let checked = || parse_value(value).map_err(|mistake| format!("{name}: {mistake}"));
        match (name, value) {
            ("--fire", _) => self.starts.push(Carried::Value(checked()?)),
            ("--fail", _) => self.starts.push(Carried::Failure(checked()?)),
            (_, "auto") => self.colour = Colour::Auto,
            (_, "always") => self.colour = Colour::Always,
            (_, "never") => self.colour = Colour::Never,
            _ => return Err(format!("--color: '{}' is not auto, always or never", quoted(value))),
        }
        if self.starts.len() > STARTS_MAX {
            return Err("--fire and --fail may be given twice together, not more often".to_owned());
        }
        Ok(())
    }
}

/// A value and a failure.
const STARTS_MAX: usize = 2;
