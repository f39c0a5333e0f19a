//! The other way to fire: with a failure. It goes to the errback, and the callback hears nothing.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred};

fn got_poem(poem: &str) {
    println!("Here it is:");
    println!("{poem}");
}

fn main() {
    let (resolver, d) = deferred();
    d.map(got_poem).add_errback(|_| {
        println!("There will be no poem.");
        Ok(())
    });
    resolver.errback(Failure::msg("The poet is ill."));
    println!("That was all.");
}
