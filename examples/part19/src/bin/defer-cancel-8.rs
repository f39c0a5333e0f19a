//! The canceller of what has fired is not asked.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (resolver, d) = deferred();
    resolver.on_cancel(|| println!("The canceller is asked to stop the work."));
    let d = d.map(|result| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });
    resolver.callback("a result");
    d.cancel();
    println!("Done.");
}
