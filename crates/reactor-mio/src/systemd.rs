//! What systemd tells a program about the sockets that it hands over (sd_listen_fds(3)).
//!
//! Libraries do not read the environment: whoever does gives the three variables, and the names go to
//! [`MioDriver::inherit`](crate::MioDriver::inherit).

use std::error::Error;
use std::fmt;

/// More sockets than this are a mistake, not a service.
const SOCKETS_MAX: usize = 1024;

/// The variables that systemd sets do not fit together.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HandOverError {
    /// `LISTEN_FDS` is no number, or a very large one.
    BadCount(String),
    /// `LISTEN_FDNAMES` has another number of names.
    BadNames {
        /// How many sockets there are.
        sockets: usize,
        /// How many names.
        names: usize,
    },
}

impl fmt::Display for HandOverError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCount(text) => {
                write!(out, "LISTEN_FDS is a number of sockets, at most {SOCKETS_MAX}, not '{text}'")
            }
            Self::BadNames { sockets, names } => {
                write!(out, "LISTEN_FDS says {sockets} sockets, and LISTEN_FDNAMES has {names} names")
            }
        }
    }
}

impl Error for HandOverError {}

/// The names of the sockets that were handed over to this process, in the order of their descriptors: none if
/// `listen_pid` is not `pid`, for then they are somebody else's. A socket without a name is `unknown`, as systemd
/// calls it.
///
/// ```
/// use sestina_reactor_mio::handed_over;
///
/// let names = handed_over(7, Some("7"), Some("2"), Some("web:admin"))?;
/// assert_eq!(names, ["web", "admin"]);
/// assert!(handed_over(8, Some("7"), Some("2"), Some("web:admin"))?.is_empty());
/// # Ok::<(), sestina_reactor_mio::HandOverError>(())
/// ```
///
/// # Errors
/// If the variables are meant for this process and do not fit together.
pub fn handed_over(
    pid: u32,
    listen_pid: Option<&str>,
    listen_fds: Option<&str>,
    listen_fdnames: Option<&str>,
) -> Result<Vec<String>, HandOverError> {
    let ours = listen_pid.and_then(|text| text.parse().ok()) == Some(pid);
    let Some(count) = listen_fds.filter(|_| ours) else { return Ok(Vec::new()) };
    let sockets = count.parse().ok().filter(|count| *count <= SOCKETS_MAX);
    let sockets: usize = sockets.ok_or_else(|| HandOverError::BadCount(count.to_owned()))?;
    let Some(names) = listen_fdnames else { return Ok(vec!["unknown".to_owned(); sockets]) };
    let names: Vec<String> =
        names.split(':').filter(|_| sockets > 0 || !names.is_empty()).map(str::to_owned).collect();
    if names.len() != sockets {
        return Err(HandOverError::BadNames { sockets, names: names.len() });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_another_process_or_none_mean_no_sockets() {
        assert_eq!(handed_over(7, None, Some("1"), Some("web")), Ok(Vec::new()));
        assert_eq!(handed_over(7, Some("8"), Some("nonsense"), None), Ok(Vec::new()));
        assert_eq!(handed_over(7, Some("7"), None, None), Ok(Vec::new()));
        assert_eq!(handed_over(7, Some("7"), Some("0"), Some("")), Ok(Vec::new()));
    }

    #[test]
    fn names_may_be_missing_but_not_too_many_or_too_few() {
        assert_eq!(handed_over(7, Some("7"), Some("2"), None), Ok(vec!["unknown".into(), "unknown".into()]));
        let odd = handed_over(7, Some("7"), Some("2"), Some("web")).expect_err("one name is missing");
        assert_eq!(odd.to_string(), "LISTEN_FDS says 2 sockets, and LISTEN_FDNAMES has 1 names");
        for count in ["-1", "two", "99999999999999999999", "1025"] {
            let bad = handed_over(7, Some("7"), Some(count), None);
            assert_eq!(bad, Err(HandOverError::BadCount(count.to_owned())));
        }
    }
}
