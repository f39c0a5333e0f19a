//! A chain that is held back does not hear of its cancel before it goes on.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (_resolver, mut d) = deferred();
    let pause = d.pause();
    let d = d.map(|result: &str| println!("The callback got {result}.")).add_errback(|failure| {
        println!("The errback got: {failure}");
        Ok(())
    });

    println!("Cancelling.");
    d.cancel();
    println!("Going on.");
    pause.unpause();
    println!("Done.");
}
