//! Whoever cancels can say why. The canceller reads it, and so does the errback.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Cancelled, Failure, deferred};

fn main() {
    let (_resolver, d) = deferred::<&str>();
    let d = d.on_cancel_with(|cancelled: &Cancelled| {
        let why = cancelled
            .reason()
            .map_or_else(|| "for no reason".to_owned(), |reason| format!("because {reason}"));
        println!("The canceller is asked to stop {why}.");
    });
    let d = d.map(|_| ()).add_errback(|failure| {
        let why = failure.check::<Cancelled>().and_then(Cancelled::reason);
        println!("The errback got: {failure}, because {}", why.map_or("-".to_owned(), Failure::to_string));
        Ok(())
    });
    d.cancel_because(Failure::msg("the client hung up"));
}
