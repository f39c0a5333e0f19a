//! `cargo xtask bench guard`: instruction counts of five hot paths, which no busy machine changes.
//!
//! Runs itself under `valgrind --tool=callgrind`, each path with two numbers of operations: the difference leaves out
//! what starting costs. Compares with `bench/guard.txt`. Another compiler than that of the record makes other
//! instructions: then the counts are shown, and nothing fails.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod null_driver;
mod paths;
mod record;

use std::process::{Command, ExitCode};

use paths::{HotPath, PATHS};
use record::{Record, TOLERANCE_PERCENT};

/// Operations of the shorter run; the longer one has twice as many.
const OPERATIONS: u64 = 6_400;

const HELP: &str = "\
Counts the instructions of five hot paths with valgrind, and compares them with bench/guard.txt.

Usage: cargo xtask bench guard [--record]

  --record   write bench/guard.txt: after an improvement, or with another compiler

Exit status: 0 if no path needs 3 % more than recorded, or if the record is another compiler's; else 1.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] => compare(),
        ["--record"] => record(),
        ["run", path, count] => run(path, count),
        ["-h" | "--help"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bench guard: {error}");
        ExitCode::FAILURE
    })
}

/// What valgrind watches.
fn run(path: &str, count: &str) -> Result<ExitCode, String> {
    let found = PATHS.iter().find(|(name, _)| *name == path);
    let (_, work) = found.ok_or_else(|| format!("there is no path '{path}'"))?;
    work(count.parse().map_err(|_| format!("'{count}' is no number"))?);
    Ok(ExitCode::SUCCESS)
}

/// Instructions of one operation.
fn count(path: &HotPath) -> Result<u64, String> {
    let [once, twice] = [OPERATIONS, 2 * OPERATIONS].map(|count| instructions(path.0, count));
    Ok((twice? - once?) / OPERATIONS)
}

fn instructions(path: &str, count: u64) -> Result<u64, String> {
    let itself = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(itself);
    let output = command.args(["run", path, &count.to_string()]).output();
    let output = output.map_err(|error| format!("valgrind cannot be started, is it installed? {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok());
    collected.ok_or_else(|| format!("valgrind says no count: {said}"))
}

fn measured() -> Result<Record, String> {
    let rustc = Command::new("rustc").arg("-V").output().map_err(|error| format!("rustc: {error}"))?;
    let rustc = String::from_utf8_lossy(&rustc.stdout).trim().to_owned();
    let mut record = Record { made_by: format!("{rustc}, {}", std::env::consts::ARCH), counts: Vec::new() };
    for path in &PATHS {
        eprintln!("counting {}", path.0);
        record.counts.push((path.0.to_owned(), count(path)?));
    }
    Ok(record)
}

fn record() -> Result<ExitCode, String> {
    let record = measured()?;
    print!("{record}");
    record.write()?;
    Ok(ExitCode::SUCCESS)
}

fn compare() -> Result<ExitCode, String> {
    let recorded = Record::read()?;
    let now = measured()?;
    let same_compiler = now.made_by == recorded.made_by;
    let mut worse = false;
    println!("{:24} {:>10} {:>10}", "instructions each", "recorded", "now");
    for (name, count) in &now.counts {
        let before = recorded.count(name);
        let verdict = record::verdict(before, *count);
        worse |= verdict.is_worse;
        let before = before.map_or_else(|| "-".to_owned(), |before| before.to_string());
        println!("{name:24} {before:>10} {count:>10}  {}", verdict.words);
    }
    if !same_compiler {
        println!("recorded with {}, now {}: shown only", recorded.made_by, now.made_by);
    } else if worse {
        println!(
            "more than {TOLERANCE_PERCENT} % above the record; if that is meant: cargo xtask bench guard --record"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_ends() {
        for (_, work) in &PATHS {
            work(100);
        }
    }

    #[test]
    fn the_record_knows_every_path() {
        let recorded = Record::read().expect("it is committed");
        for (name, _) in &PATHS {
            assert!(recorded.count(name).is_some(), "{name}: cargo xtask bench guard --record");
        }
    }
}
