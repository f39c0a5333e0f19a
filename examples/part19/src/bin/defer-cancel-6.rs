//! A canceller may have a result after all. Then nobody was cancelled.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (resolver, d) = deferred();
    resolver.on_cancel(|| {
        println!("The canceller gives a result instead.");
        Ok("a result")
    });
    let d = d.map(|result| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });
    d.cancel();
    println!("Done.");
}
