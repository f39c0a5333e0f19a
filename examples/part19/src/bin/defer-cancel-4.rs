//! Firing what was cancelled changes nothing either: the producer need not know.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (resolver, d) = deferred();
    let d = d.map(|result| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });
    d.cancel();
    resolver.callback("a result");
    println!("Done.");
}
