//! An errback gets `Cancelled`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Cancelled, deferred};

fn main() {
    let (_resolver, d) = deferred();
    let d = d.map(|result: &str| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure} (of the kind Cancelled: {})", failure.is::<Cancelled>());
        Ok(())
    });
    d.cancel();
    println!("Done.");
}
