//! A deferred is a promise of a result and a list of what to do with it. It fires, and that is done.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

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
    resolver.callback("A poem of one line.");
    println!("That was all.");
}
