//! Part 21, client 1: a line about each line of poetry, whoever's it is; each poem when it is whole.
//!
//! `hGetContents` gives the Haskell client a string whose end has not arrived: taking the next character of it is what
//! waits for the network. Here `next()` is that step: a deferred event, and while nobody asks for one, at most a
//! mebibyte is read ahead. In Haskell the waiting is hidden in the list; here it is the `await`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example speaks to its reader")]

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use sestina::deferred::Failure;
use sestina_example_part21::{complaint, poets};
use sestina_poetry::{Downloads, Event, FetchOptions, Merge, Order, PoemEnd};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (names, endpoints): (Vec<_>, Vec<_>) = poets(std::env::args().skip(1))?.into_iter().unzip();
    let reactor = sestina::reactor()?;
    let downloads = Downloads::start(&reactor, endpoints, FetchOptions::default());
    let failed = reactor.run_until(reactor.spawn(async move { print(&downloads, &names).await }))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints all poems; gives how many did not come.
async fn print(downloads: &Downloads, names: &[String]) -> Result<usize, Failure> {
    let mut merge = Merge::new(Order::Completion, names.len()).ending_lines();
    let mut lines = vec![0; names.len()]; // how long each one's open line is
    let mut failed = 0;
    while let Some(event) = downloads.next().await? {
        match event {
            Event::Piece { task, bytes } => {
                for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                    lines[task] += line.len();
                    if line.ends_with(b"\n") {
                        got(task, std::mem::take(&mut lines[task]), &names[task]);
                    }
                }
                merge.piece(task, &bytes);
            }
            Event::Ended(outcome) => {
                let task = outcome.task;
                if lines[task] > 0 {
                    got(task, lines[task] + 1, &names[task]); // the Haskell client counts the end that is not there
                }
                if let Err(failure) = &outcome.result {
                    failed += 1;
                    eprintln!("{}", complaint(&names[task], failure));
                }
                merge.end(task, if outcome.result.is_ok() { PoemEnd::Whole } else { PoemEnd::Torn });
            }
            _ => {}
        }
        for print in merge.by_ref() {
            io::stdout().write_all(&print.bytes)?;
        }
    }
    Ok(failed)
}

fn got(task: usize, bytes: usize, from: &str) {
    println!("Task {}: got {bytes} bytes of poetry from {from}", task + 1);
}
