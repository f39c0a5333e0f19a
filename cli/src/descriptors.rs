//! How many connections the system lets us have.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit on open descriptors as far as we may: each client needs one, and the usual 1024 is a default for
/// programs that call `select`.
pub(crate) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open descriptors stays as it is");
    }
}
