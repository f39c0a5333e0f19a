//! Part 21, client 2: the poems in the order of the command line, the first one as it arrives.
//!
//! The Haskell client prints the lazy strings one after the other: printing the first pulls it out of the network, while
//! the runtime lets the others come. `Merge` is that list of lists, and what its iterator yields is what can be printed
//! by now: of the poem whose turn it is, everything so far; of the others, nothing, until their turn comes.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "an example speaks to its reader")]

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
    let mut merge = Merge::new(Order::Stream, names.len()).ending_lines();
    let mut failed = 0;
    while let Some(event) = downloads.next().await? {
        match event {
            Event::Piece { task, bytes } => merge.piece(task, &bytes),
            Event::Ended(outcome) => {
                if let Err(failure) = &outcome.result {
                    failed += 1;
                    eprintln!("{}", complaint(&names[outcome.task], failure));
                }
                merge.end(outcome.task, if outcome.result.is_ok() { PoemEnd::Whole } else { PoemEnd::Torn });
            }
            _ => {}
        }
        for print in merge.by_ref() {
            io::stdout().write_all(&print.bytes)?;
        }
        io::stdout().flush()?;
    }
    Ok(failed)
}
