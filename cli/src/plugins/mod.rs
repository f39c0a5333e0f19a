//! The plugins that are built in, one file each: their options, and how they start.

mod fastpoetry;
mod poetryproxy;
mod slowpoetry;
mod transform;
mod transformproxy;

pub(crate) use fastpoetry::FastPoetryMaker;
pub(crate) use poetryproxy::PoetryProxyMaker;
pub(crate) use slowpoetry::SlowPoetryMaker;
pub(crate) use transform::TransformMaker;
pub(crate) use transformproxy::TransformProxyMaker;

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

/// A limit: how many there may be at most.
fn parse_limit(text: &str) -> Result<usize, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| digits && (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| format!("'{text}' is no limit: give a number from 1 to {LIMIT_MAX}"))
}

/// The largest limit that can be given.
const LIMIT_MAX: usize = 1_000_000_000;
