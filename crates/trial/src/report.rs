//! What is told of a test that did not end well.
//!
//! Walk: stages.rs fills the parts in, in the order in which they are shown.
//! Tests: `tests/stranger.rs` compares reports word for word.

use std::any::Any;
use std::fmt::{self, Write};
use std::time::Duration;

use crate::log::Log;
use crate::outcome::{Fault, message};
use crate::runtime::Test;

/// How one run of a test ended, with one seed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What went wrong, in order: which piece, and how.
    pub(crate) faults: Vec<(&'static str, Fault)>,
    pub(crate) skipped: Option<String>,
    pub(crate) left: Vec<String>,
    pub(crate) unfired: Vec<String>,
    pub(crate) unhandled: Vec<String>,
    pub(crate) logged: Vec<String>,
    /// When it ended, on the simulation.
    pub(crate) ended: Option<Duration>,
}

impl Report {
    pub(crate) fn is_good(&self) -> bool {
        let lists = [&self.left, &self.unfired, &self.unhandled, &self.logged];
        self.faults.is_empty() && lists.iter().all(|list| list.is_empty())
    }

    /// What the test itself panicked with, for `#[should_panic]`.
    pub(crate) fn take_panic(&mut self) -> Option<Box<dyn Any + Send>> {
        let first = self.faults.first_mut()?;
        match std::mem::replace(&mut first.1, Fault::Failed(String::new())) {
            Fault::Panicked(payload) => Some(payload),
            fault => {
                first.1 = fault;
                None
            }
        }
    }

    /// All of it, for a person.
    pub(crate) fn words(&self, test: &Test, seed: u64, log: &Log) -> String {
        let mut text = format!("{} failed {}", name(test), where_it_ran(test, seed));
        if let Some(ended) = self.ended {
            write!(text, ", after {ended:?} of virtual time").expect("a string takes everything");
        }
        text.push('\n');
        for (piece, fault) in &self.faults {
            block(&mut text, &format!("{piece} {fault}"));
            if let Fault::Returned(_) = fault {
                let Test { file, line, .. } = test;
                block(
                    &mut text,
                    &format!("  in the test at {file}:{line}; with `TestResult` each `?` notes its line"),
                );
            }
        }
        let lists = [
            ("left behind:", &self.left),
            ("never fired:", &self.unfired),
            ("errors that nobody looked at:", &self.unhandled),
            ("errors in the log that were not flushed:", &self.logged),
        ];
        for (title, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            block(&mut text, title);
            list.iter().for_each(|line| block(&mut text, &format!("  {line}")));
        }
        show_log(&mut text, log);
        if test.is_simulated {
            block(&mut text, &format!("to replay it: {}", replay(test, seed)));
        }
        text
    }
}

/// The last lines of the log, and where the others are.
fn show_log(text: &mut String, log: &Log) {
    let (lines, before) = log.end();
    if lines.is_empty() {
        return;
    }
    let title = match (log.path(), before) {
        (Some(path), 0) => format!("its log, also in {}:", path.display()),
        (Some(path), before) => {
            format!("the end of its log ({before} lines before it are in {}):", path.display())
        }
        (None, 0) => "its log:".to_owned(),
        (None, before) => format!("the end of its log, after {before} lines:"),
    };
    block(text, &title);
    lines.iter().for_each(|line| block(text, &format!("  {line}")));
}

/// Lines, indented.
fn block(text: &mut String, lines: &str) {
    for line in lines.lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(words) | Self::Returned(words) => {
                write!(out, "failed: {}", words.replace('\n', "\n  "))
            }
            Self::Panicked(payload) => write!(out, "panicked: {}", message(&**payload).replace('\n', "\n  ")),
            Self::TimedOut { after, whose, waiting } => {
                write!(out, "timed out: no result after {after:?} of {whose}")?;
                show_waiting(out, waiting)
            }
            Self::Deadlock { words, waiting } => {
                write!(out, "waits for what will never come: {}", words.replace('\n', "\n  "))?;
                show_waiting(out, waiting)
            }
            Self::Skipped(reason) => write!(out, "wanted to be skipped: {reason}"),
        }
    }
}

fn show_waiting(out: &mut fmt::Formatter<'_>, waiting: &[String]) -> fmt::Result {
    if !waiting.is_empty() {
        out.write_str("\n  what it waited for:")?;
    }
    waiting.iter().try_for_each(|line| write!(out, "\n    {line}"))
}

/// The path as `cargo test` prints it: without the crate.
pub(crate) fn name(test: &Test) -> &'static str {
    test.path.split_once("::").map_or(test.path, |(_, name)| name)
}

fn where_it_ran(test: &Test, seed: u64) -> String {
    if !test.is_simulated {
        return "on the real reactor".to_owned();
    }
    match test.faults {
        Some(faults) => format!("on the simulation with seed {seed} and {faults} faults"),
        None => format!("on the simulation with seed {seed}"),
    }
}

/// The command that runs this test with this seed again, for the runner that runs it now.
fn replay(test: &Test, seed: u64) -> String {
    let package = test.package.map(|package| format!(" -p {package}")).unwrap_or_default();
    let name = name(test);
    if std::env::var_os("NEXTEST").is_some() {
        format!("SESTINA_SEED={seed} cargo nextest run{package} -E 'test(={name})'")
    } else {
        format!("SESTINA_SEED={seed} cargo test{package} {name} -- --exact")
    }
}
