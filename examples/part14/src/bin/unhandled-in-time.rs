//! When an error counts as unhandled: not when it arises, but when the last one gives up the deferred that has it. An
//! errback that comes before that is in time.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred};

fn main() {
    let (resolver, d) = deferred::<u32>();
    resolver.errback(Failure::msg("the first error"));
    println!("The first has failed, and nothing is said yet.");
    d.add_errback(|failure| {
        println!("An errback in time: {failure}");
        Ok(0)
    });

    let (resolver, d) = deferred::<u32>();
    resolver.errback(Failure::msg("the second error"));
    println!("The second has failed, and nothing is said yet.");
    drop(d); // and now standard error hears of it

    let (resolver, d) = deferred::<u32>();
    resolver.errback(Failure::msg("the third error"));
    println!("The third has failed, and nobody cares.");
    d.ignore_errors();
}
