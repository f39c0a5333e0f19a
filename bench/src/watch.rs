//! What the kernel says about a process: how long it has run, how much memory it has.

use std::fs;
use std::io;
use std::time::Duration;

/// How many clock ticks a second `/proc/PID/stat` counts, on every Linux that has not been built otherwise.
const TICKS_PER_SECOND: u64 = 100;

/// The CPU time of all threads of a process since it began, in the scheduler's nanoseconds; where the kernel does not
/// keep them, in clock ticks.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"));
        match text.as_deref().map(|text| text.split_whitespace().next().map(str::parse::<u64>)) {
            Ok(Some(Ok(nanoseconds))) => sum += nanoseconds,
            _ => return cpu_ticks(pid),
        }
    }
    Ok(Duration::from_nanos(sum))
}

fn cpu_ticks(pid: u32) -> io::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may have spaces; it ends with the last parenthesis, and utime and stime are 11 and 12 after it.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Memory {
    /// All that is resident (VmRSS), with the pages of its files.
    pub(crate) resident: u64,
    /// Its private anonymous pages (RssAnon): heap and stacks.
    pub(crate) anonymous: u64,
}

pub(crate) fn memory(pid: u32) -> io::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(Memory { resident: kib(&text, "VmRSS:") * 1024, anonymous: kib(&text, "RssAnon:") * 1024 })
}

fn kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_run_and_has_memory() {
        let pid = std::process::id();
        let before = cpu_time(pid).expect("this is Linux");
        let mut sum = 0_u64;
        while cpu_time(pid).expect("this is Linux") < before + Duration::from_micros(10) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(cpu_ticks(pid).is_ok());
        let memory = memory(pid).expect("this is Linux");
        assert!(memory.resident > memory.anonymous && memory.anonymous > 0, "{memory:?}");
    }

    #[test]
    fn memory_is_read_in_kib() {
        assert_eq!(kib("Name:\tx\nVmRSS:\t   123 kB\nRssAnon:\t 7 kB\n", "RssAnon:"), 7);
    }
}
