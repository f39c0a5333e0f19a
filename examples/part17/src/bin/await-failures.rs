//! A failure is an error at the `await`, with the type that it had: it is caught where one is ready for it, and what is
//! not caught is the failure of the whole.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::num::ParseIntError;

use sestina_deferred::{Deferred, Failure, spawn, succeed};

fn ask(answer: &'static str) -> Deferred<u32> {
    succeed(answer).add_callback(|answer| Ok(answer.parse::<u32>()?))
}

async fn add(left: &'static str, right: &'static str) -> Result<u32, Failure> {
    let left = match ask(left).await {
        Err(failure) if failure.is::<ParseIntError>() => {
            println!("{left:?} counts as zero: {failure}");
            0
        }
        answer => answer?,
    };
    Ok(left + ask(right).await?)
}

fn main() {
    for (left, right) in [("1", "2"), ("one", "2"), ("1", "two")] {
        spawn(add(left, right)).map(|sum| println!("the sum is {sum}")).add_errback(|failure| {
            println!("there is no sum: {failure}");
            Ok(())
        });
    }
}
