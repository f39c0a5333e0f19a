//! Where and when, as far as a reader needs it: no names of hosts or users.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// The line with which the figures begin.
pub(crate) fn describe(cpu: usize, priority: bool, versions: Value) -> Value {
    let uname = rustix::system::uname();
    let kernel = format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    json!({
        "date": today(), "processor": processor(), "cpus": std::thread::available_parallelism().map_or(1, usize::from),
        "memory_mib": memory_mib(), "architecture": std::env::consts::ARCH, "kernel": kernel,
        "measured_on_cpu": cpu, "before_other_programs": priority, "versions": versions,
    })
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    name.map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

fn memory_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0) / 1024
}

/// The first line that a program prints about itself, `None` if it cannot be asked.
pub(crate) fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let both = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&both);
    text.lines().next().map(|line| line.trim().to_owned())
}

fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date_of(since.as_secs() / SECONDS_PER_DAY)
}

/// The date of a day that is so many days after 1970-01-01.
fn date_of(mut days: u64) -> String {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        assert_eq!(date_of(0), "1970-01-01");
        assert_eq!((date_of(11_016), date_of(11_017)), ("2000-02-29".to_owned(), "2000-03-01".to_owned()));
        assert_eq!(date_of(20_780), "2026-11-23");
    }

    #[test]
    fn a_machine_is_described_without_names_of_hosts() {
        let line = describe(1, false, json!({})).to_string();
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        assert!(line.contains("Linux") && (name.len() < 4 || !line.contains(&name)), "{line}");
    }
}
