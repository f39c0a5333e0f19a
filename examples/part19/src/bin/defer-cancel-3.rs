//! Cancelling what has fired changes nothing.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (resolver, d) = deferred();
    let d = d.map(|result| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });
    resolver.callback("a result");
    d.cancel();
    println!("Done.");
}
