//! A canceller may fail in its own words.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred};

fn main() {
    let (resolver, d) = deferred();
    resolver.on_cancel(|| {
        println!("The canceller gives an error of its own.");
        Failure::msg("the line is dead")
    });
    let d = d.map(|result: &str| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });
    d.cancel();
    println!("Done.");
}
