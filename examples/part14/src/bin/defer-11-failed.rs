//! The exercise that asks for the same with deferreds that have failed: errbacks run as they are added, and so does the
//! callback after the one that recovers.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, Failure, deferred, fail};

fn main() {
    println!("A deferred fails.");
    let (resolver, d) = deferred();
    resolver.errback(Failure::msg("there is no poem"));
    add_three(d);

    println!("\n`fail` makes one that has failed.");
    add_three(fail(Failure::msg("there never was a poem")));

    println!("\nOne is paused, and fails.");
    let (resolver, mut d) = deferred();
    let pause = d.pause();
    resolver.errback(Failure::msg("there is no poem"));
    add_three(d);
    println!("The pause ends.");
    pause.unpause();
}

fn add_three(d: Deferred<u32>) {
    println!("An errback is added that fails again.");
    let d = d.add_errback(|failure| {
        println!("errback_1 got: {failure}");
        Err(Failure::msg("and no pen"))
    });
    println!("An errback is added that recovers.");
    let d = d.add_errback(|failure| {
        println!("errback_2 got: {failure}");
        Ok(2)
    });
    println!("A callback is added.");
    d.map(|n| println!("callback_3 got {n}"));
}
