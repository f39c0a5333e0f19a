//! Orders to a process that runs: found by its pid file, given by signals, and waited for.
//!
//! A number is signalled only while the lock is held, and only through a handle on that very process, so no
//! stranger that got the number since is hit.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::lock::{Holder, look};
use crate::plan::Times;
use crate::usage;
use crate::words;

/// LSB: the program is not running, for `--status`.
const STATUS_STOPPED: u8 = 3;
/// LSB: the program is not running, for other orders.
const NOT_RUNNING: u8 = 7;
/// LSB: not allowed.
pub(crate) const NO_PRIVILEGE: u8 = 4;
/// How often it is looked whether the order was carried out.
const LOOK: Duration = Duration::from_millis(10);
/// What is waited beyond the time limits of the process.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a process that has the lock may take to write its number.
const NUMBER_PATIENCE: Duration = Duration::from_secs(1);

/// What is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Stop,
    Status,
    Reload,
    Reopen,
}

/// What to say, and the exit status.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: u8,
    pub(crate) text: String,
}

/// Gives the order and waits until it was carried out.
pub(crate) fn give(order: Order, pid_file: Option<&Path>, times: Times) -> Report {
    let Some(path) = pid_file else {
        let text = "without a pid file nobody is found: do not give an empty --pidfile".to_owned();
        return Report { status: usage::WRONG_USAGE, text };
    };
    let (holder, pid) = match find(path) {
        Ok(found) => found,
        Err(None) => {
            let stale = if path.exists() { " (its pid file is stale)" } else { "" };
            return match order {
                Order::Status => Report { status: STATUS_STOPPED, text: format!("not running{stale}") },
                _ => {
                    let (path, other) = (path.display(), "--pidfile or --rundir names another one");
                    Report {
                        status: NOT_RUNNING,
                        text: format!("not running{stale}: nobody has '{path}'; {other}"),
                    }
                }
            };
        }
        Err(Some(report)) => return report,
    };
    let number = pid.as_raw_nonzero();
    match order {
        Order::Status => Report { status: 0, text: format!("running, process {number}") },
        Order::Stop => {
            let within = times.drain + times.kill + PATIENCE;
            signal_and(path, pid, Signal::TERM, || wait_for_end(path, pid, within))
        }
        Order::Reload => signal_and(path, pid, Signal::HUP, || {
            wait_for_word(
                path,
                &holder,
                times.start + PATIENCE,
                "reloaded",
                "the reload failed, and has changed nothing",
            )
        }),
        Order::Reopen => signal_and(path, pid, Signal::USR1, || {
            wait_for_word(
                path,
                &holder,
                PATIENCE,
                "opened its log again",
                "the log could not be opened again",
            )
        }),
    }
}

/// The holder of the lock, with its number. `Err(None)` if there is none.
fn find(path: &Path) -> Result<(Holder, Pid), Option<Report>> {
    let deadline = Instant::now() + NUMBER_PATIENCE;
    loop {
        let holder = match look(path) {
            Ok(holder) => holder.ok_or(None)?,
            Err(error) => return Err(Some(failed(&error))),
        };
        if let Some(pid) = holder.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            return Ok((holder, pid));
        }
        if Instant::now() >= deadline {
            let text = format!("running, but its number is not in '{}'", path.display());
            return Err(Some(Report { status: 1, text }));
        }
        thread::sleep(LOOK);
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Report {
    Report { status: crate::ending::status_of(error), text: words::chain(error) }
}

/// Signals the holder of the lock, and no other process.
fn signal_and(path: &Path, pid: Pid, signal: Signal, then: impl FnOnce() -> Report) -> Report {
    let number = pid.as_raw_nonzero();
    if !has_open(pid, path) {
        let text = format!(
            "the lock is held, but not by the process {number} that is seen from here: it may run in another container"
        );
        return Report { status: 1, text };
    }
    match signal_process(path, pid, signal) {
        Ok(()) => then(),
        Err(rustix::io::Errno::SRCH) => then(),
        Err(error) => {
            let status = if error == rustix::io::Errno::PERM { NO_PRIVILEGE } else { 1 };
            Report { status, text: format!("cannot signal process {number}: {error}") }
        }
    }
}

#[cfg(target_os = "linux")]
fn signal_process(path: &Path, pid: Pid, signal: Signal) -> Result<(), rustix::io::Errno> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        // An old kernel, or a filter: the number must do.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            return rustix::process::kill_process(pid, signal);
        }
        Err(error) => return Err(error),
    };
    // Still the holder, now that the number cannot become another's.
    if holds(path, pid) { pidfd_send_signal(process, signal) } else { Err(rustix::io::Errno::SRCH) }
}

#[cfg(not(target_os = "linux"))]
fn signal_process(path: &Path, pid: Pid, signal: Signal) -> Result<(), rustix::io::Errno> {
    if holds(path, pid) { rustix::process::kill_process(pid, signal) } else { Err(rustix::io::Errno::SRCH) }
}

fn holds(path: &Path, pid: Pid) -> bool {
    let number = u32::try_from(pid.as_raw_nonzero().get()).ok();
    look(path).is_ok_and(|holder| holder.is_some_and(|holder| holder.pid == number))
}

/// Whether that process has the file open. Where that cannot be seen, it is believed.
fn has_open(pid: Pid, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let folder = PathBuf::from(format!("/proc/{}/fd", pid.as_raw_nonzero()));
    let (Ok(file), Ok(open)) = (std::fs::metadata(path), std::fs::read_dir(&folder)) else {
        return !Path::new("/proc/self/fd").exists() || folder.exists();
    };
    let same = |there: std::fs::Metadata| there.dev() == file.dev() && there.ino() == file.ino();
    open.flatten().any(|entry| std::fs::metadata(entry.path()).is_ok_and(same))
}

fn wait_for_end(path: &Path, pid: Pid, within: Duration) -> Report {
    let deadline = Instant::now() + within;
    let number = pid.as_raw_nonzero();
    while holds(path, pid) {
        if Instant::now() >= deadline {
            let text = format!("process {number} has not ended within {}s", within.as_secs());
            return Report { status: 1, text };
        }
        thread::sleep(LOOK);
    }
    Report { status: 0, text: format!("stopped, process {number}") }
}

/// The process writes its pid file when it has carried out an order.
fn wait_for_word(path: &Path, before: &Holder, within: Duration, done: &str, not_done: &str) -> Report {
    let deadline = Instant::now() + within;
    loop {
        match look(path) {
            Ok(Some(holder)) if holder.written == before.written => {}
            Ok(Some(holder)) if holder.failed => {
                return Report { status: 1, text: format!("{not_done}: its log says why") };
            }
            Ok(Some(_)) => return Report { status: 0, text: done.to_owned() },
            Ok(None) => return Report { status: 1, text: "it has ended meanwhile".to_owned() },
            Err(error) => return failed(&error),
        }
        if Instant::now() >= deadline {
            let text = format!("it has not answered within {}s", within.as_secs());
            return Report { status: 1, text };
        }
        thread::sleep(LOOK);
    }
}
