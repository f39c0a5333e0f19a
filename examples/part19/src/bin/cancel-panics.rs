//! A canceller that panics: the panic becomes the failure, and whoever cancels is not hurt.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Panicked, deferred};

fn main() {
    let (resolver, d) = deferred::<&str>();
    resolver.on_cancel(|| -> () { panic!("the canceller trips") });
    let d = d.map(|result| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure} (of the kind Panicked: {})", failure.is::<Panicked>());
        Ok(())
    });
    d.cancel();
    println!("Done.");
}
