//! How many connections the system lets us have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sestina_reactor_mio::raise_descriptor_limit;

/// What is open beside connections: standard streams, the poller, the waker, ports, the spare, files that are read.
const DESCRIPTORS_ASIDE: u64 = 32;

/// How many descriptors may be open; `None` if the system does not say.
pub(crate) type Descriptors = Option<u64>;

/// Sets the limit on open descriptors to `wanted`, or as high as we may, because each client needs one and the usual
/// 1024 is a default for programs that call `select`.
///
/// # Errors
/// If `wanted` is more than we may have.
pub(crate) fn set_limit(wanted: Option<u64>) -> Result<Descriptors, std::io::Error> {
    let Some(wanted) = wanted else { return Ok(raise_descriptor_limit().ok()) };
    let before = getrlimit(Resource::Nofile);
    // Only root may raise the upper limit; everybody may go down.
    let maximum = before.maximum.map(|maximum| maximum.max(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?;
    Ok(Some(wanted))
}

/// Limits core files to so many bytes.
///
/// # Errors
/// If that is more than we may have.
pub(crate) fn set_core_limit(bytes: u64) -> Result<(), std::io::Error> {
    let before = getrlimit(Resource::Core);
    let maximum = before.maximum.map(|maximum| maximum.max(bytes));
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(bytes), maximum })?)
}

/// How many connections that allows.
pub(crate) fn words(descriptors: Descriptors) -> String {
    match descriptors {
        Some(u64::MAX) => "no limit of open descriptors: only memory limits the connections".to_owned(),
        Some(descriptors) => {
            let connections = descriptors.saturating_sub(DESCRIPTORS_ASIDE);
            format!("{descriptors} open descriptors allow {connections} connections")
        }
        None => "the limit of open descriptors is not known".to_owned(),
    }
}
