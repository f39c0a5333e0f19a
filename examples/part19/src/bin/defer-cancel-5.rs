//! A canceller is asked first. This one has nothing to say beyond that it was asked.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (resolver, d) = deferred();
    resolver.on_cancel(|| println!("The canceller is asked to stop the work."));
    let d = d.map(|result: &str| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });
    d.cancel();
    println!("Done.");
}
