//! Cancelling is a failure like any other: without an errback somebody hears about it. Here that is standard error,
//! when the deferred goes at the end of the program.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (_resolver, d) = deferred();
    let d = d.map(|result: &str| println!("The callback got {result}."));
    d.cancel();
    println!("Done.");
}
