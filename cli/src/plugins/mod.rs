//! The plugins that are built in, one file each: their options, and the services that they make.

mod fastpoetry;
mod poetryproxy;
mod slowpoetry;
mod transform;
mod transformproxy;

use sestina_daemon::Runner;

/// Every plugin built in, in the order of `--help`.
pub(crate) fn built_in(runner: Runner) -> Runner {
    runner
        .with_plugin(fastpoetry::maker())
        .with_plugin(slowpoetry::maker())
        .with_plugin(poetryproxy::maker())
        .with_plugin(transform::maker())
        .with_plugin(transformproxy::maker())
}

/// A limit: how many there may be at most.
fn parse_limit(text: &str) -> Result<usize, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| digits && (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| format!("'{text}' is no limit: give a number from 1 to {LIMIT_MAX}"))
}

/// The largest limit that can be given.
const LIMIT_MAX: usize = 1_000_000_000;
