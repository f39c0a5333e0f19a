//! How many connections the system lets us have.

use sestina_reactor_mio::raise_descriptor_limit;

/// What is open beside connections: standard streams, the poller, the waker, ports, the spare, files that are read.
const DESCRIPTORS_ASIDE: u64 = 32;

/// Raises the limit on open descriptors as far as we may, because each client needs one and the usual 1024 is a default
/// for programs that call `select`. Gives the words that say how many connections that allows: they belong below the
/// lines that say what was started.
pub(crate) fn raise_limit() -> String {
    match raise_descriptor_limit() {
        Ok(u64::MAX) => "no limit of open descriptors: only memory limits the connections".to_owned(),
        Ok(descriptors) => {
            let connections = descriptors.saturating_sub(DESCRIPTORS_ASIDE);
            format!("{descriptors} open descriptors allow {connections} connections")
        }
        Err(error) => format!("the limit of open descriptors stays as it is: {error}"),
    }
}
