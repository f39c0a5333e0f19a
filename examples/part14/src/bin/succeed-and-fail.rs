//! `succeed` and `fail` make deferreds that have fired. What is added to them runs here and now, not in a later turn of
//! some loop: there is no loop.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred, fail, succeed};

fn main() {
    println!("before");
    succeed("a poem").map(|poem| println!("succeed: {poem}"));
    println!("between");
    fail(Failure::msg("no poem")).map(|poem: &str| println!("fail: {poem}")).add_errback(|failure| {
        println!("fail: {failure}");
        Ok(())
    });
    println!("after");

    let (resolver, by_hand) = deferred();
    resolver.callback("a poem");
    by_hand.map(|poem| println!("`succeed` by hand: {poem}"));
}
