//! The plugins that are built in, one file each: their options, and how they start.

mod fastpoetry;
mod poetryproxy;
mod slowpoetry;

pub(crate) use fastpoetry::FastPoetryMaker;
pub(crate) use poetryproxy::PoetryProxyMaker;
pub(crate) use slowpoetry::SlowPoetryMaker;

use std::path::Path;

use clap::{ArgMatches, FromArgMatches};
use sestina_poetry::Poem;

/// A plugin's options out of what its command has accepted.
///
/// # Panics
/// If the command is another one's.
fn parsed<O: FromArgMatches>(options: &ArgMatches) -> O {
    O::from_arg_matches(options).expect("the command was made from these options, and has checked them")
}

/// For the log.
fn described(poem: &Poem, path: &Path) -> String {
    format!("a poem of {} bytes from {}", poem.len(), path.display())
}
