//! Whoever cancels can say why. The canceller reads it, and so does the errback.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Cancelled, Failure, Trapped, deferred};

fn why(cancelled: &Cancelled) -> String {
    match cancelled.reason() {
        Some(reason) => format!("because {reason}"),
        None => "for no reason".to_owned(),
    }
}

fn main() {
    let (_resolver, d) = deferred::<&str>();
    let d = d
        .on_cancel_with(|cancelled| println!("The canceller is asked to stop {}.", why(cancelled)))
        .map(|result| println!("The callback got {result}."))
        .catch(|cancelled: Trapped<Cancelled>| {
            println!("The errback got: {cancelled}, {}", why(&cancelled));
            Ok(())
        });
    d.cancel_because(Failure::msg("the client hung up"));
}
