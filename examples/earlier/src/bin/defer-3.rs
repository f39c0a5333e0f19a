//! Any error will do to fire with: it becomes a failure on its way in.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::any::type_name_of_val;
use std::io;

use sestina_deferred::deferred;

fn got_poem(poem: &str) {
    println!("Here it is:");
    println!("{poem}");
}

fn main() {
    let (resolver, d) = deferred();
    d.map(got_poem).add_errback(|failure| {
        println!("{}", type_name_of_val(&failure));
        println!("{failure}");
        println!("There will be no poem.");
        Ok(())
    });
    resolver.errback(io::Error::other("The poet is ill."));
}
