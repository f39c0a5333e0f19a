//! What can be run: a name, options of its own, and a port that it opens.

use std::error::Error;
use std::fmt;

use clap::{ArgMatches, Command};
use sestina_deferred::Failure;
use sestina_poetry::PoemError;
use sestina_reactor::{Port, Reactor};

use crate::plugins::{
    FastPoetryMaker, PoetryProxyMaker, SlowPoetryMaker, TransformMaker, TransformProxyMaker,
};
use crate::usage::WRONG_USAGE;

/// Every plugin built in, in the order of `--help`.
pub(crate) const BUILT_IN: &[&dyn Plugin] =
    &[&FastPoetryMaker, &SlowPoetryMaker, &PoetryProxyMaker, &TransformMaker, &TransformProxyMaker];

/// A service that can be made by its name.
pub(crate) trait Plugin {
    fn name(&self) -> &'static str;

    /// One line for the list of plugins.
    fn description(&self) -> &'static str;

    /// Adds the plugin's own options to its command.
    fn options(&self, command: Command) -> Command;

    /// What is to be printed in the place of making a service, if the options ask for that.
    fn prints(&self, options: &ArgMatches) -> Option<String> {
        let _ = options;
        None
    }

    /// Makes the service, with options that its own command has accepted. Reads files and opens no sockets; may block.
    fn make_service(&self, options: &ArgMatches) -> Result<Service, MakeError>;

    fn command(&self) -> Command {
        self.options(Command::new(self.name()).about(self.description()).max_term_width(80))
    }
}

/// What a plugin has made: all that is missing is a reactor.
pub(crate) struct Service {
    /// What was read on the way, for the log.
    pub(crate) made_of: Option<String>,
    /// Opens its port.
    pub(crate) start: Start,
}

type Start = Box<dyn FnOnce(&Reactor) -> Result<Port, Failure>>;

/// Why a plugin made no service.
#[derive(Debug)]
pub(crate) enum MakeError {
    /// There is no poem to serve.
    Poem(PoemError),
    /// The options contradict each other.
    Usage(String),
    /// A proxy of transforms was told to ask where it listens.
    AsksItself(String),
}

impl MakeError {
    /// The exit status that says it: a contradiction on the command line is wrong usage.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Poem(_) => 1,
            Self::Usage(_) | Self::AsksItself(_) => WRONG_USAGE,
        }
    }
}

impl From<PoemError> for MakeError {
    fn from(error: PoemError) -> Self {
        Self::Poem(error)
    }
}

impl fmt::Display for MakeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poem(error) => error.fmt(out),
            Self::Usage(what) => out.write_str(what),
            Self::AsksItself(name) => {
                write!(out, "it would ask itself at {name}: give the port of another transform service")
            }
        }
    }
}

impl Error for MakeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Poem(error) => error.source(),
            Self::Usage(_) | Self::AsksItself(_) => None,
        }
    }
}
