//! Which CPU everything that is measured runs on.
//!
//! Server and generator share one CPU: with the clients' packets handled on another one, a part of the kernel's work would
//! move there, and all servers would look alike.

use std::io;
use std::process::{Child, Command, Output};

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// What the measured processes ask for; without the right to it they run as everybody.
const NICENESS: i32 = -10;

/// A CPU that `--cpu` names.
pub(crate) fn parse_cpu(text: &str) -> Result<usize, String> {
    let allowed = sched_getaffinity(None).map_err(|error| format!("nobody knows the CPUs: {error}"))?;
    let all: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let named = text.parse().ok().filter(|cpu| all.contains(cpu));
    named.ok_or_else(|| {
        let all: Vec<String> = all.iter().map(usize::to_string).collect();
        format!("no CPU that this process may use; those are {}", all.join(", "))
    })
}

/// The last CPU that this process may use: the first ones tend to have the machine's interrupts.
pub(crate) fn default_cpu() -> usize {
    let Ok(allowed) = sched_getaffinity(None) else { return 0 };
    (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu)).unwrap_or(0)
}

/// Whether programs of this user get the priority that they ask for.
pub(crate) fn has_priority() -> bool {
    let Ok(before) = getpriority_process(None) else { return false };
    let permitted = setpriority_process(None, NICENESS).is_ok();
    setpriority_process(None, before).ok();
    permitted
}

/// Starts a program on this CPU, before others if that is permitted. It inherits both from the thread that starts it.
pub(crate) fn spawn(cpu: usize, command: &mut Command) -> io::Result<Child> {
    let on_the_cpu = || {
        let mut only = CpuSet::new();
        only.set(cpu);
        sched_setaffinity(None, &only)?;
        setpriority_process(None, NICENESS).ok();
        command.spawn()
    };
    std::thread::scope(|scope| scope.spawn(on_the_cpu).join())
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

/// Starts a program on this CPU and waits for its end.
pub(crate) fn output(cpu: usize, command: &mut Command) -> io::Result<Output> {
    use std::process::Stdio;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(cpu, command)?.wait_with_output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_that_is_not_there_is_refused_and_those_that_are_there_are_named() {
        let last = default_cpu();
        assert_eq!(parse_cpu(&last.to_string()), Ok(last));
        for text in ["5000", "-1", "one", ""] {
            let error = parse_cpu(text).expect_err(text);
            assert!(error.ends_with(&last.to_string()), "{error}");
        }
    }
}
