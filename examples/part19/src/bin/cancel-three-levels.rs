//! The way up may be long: the request goes through every deferred that waits for another, and the answer comes down
//! the same way.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred, succeed};

fn main() {
    let (_resolver, lowest) = deferred::<&str>();
    let lowest = lowest.on_cancel(|| {
        println!("The lowest canceller is asked.");
        Failure::msg("the cable was pulled")
    });
    let middle = succeed(()).add_callback(move |()| lowest).inspect(|answer| println!("middle: {answer:?}"));
    let outer = succeed(()).add_callback(move |()| middle).add_errback(|failure| {
        println!("outer: {failure}");
        Ok("recovered")
    });
    outer.cancel();
    outer.map(|result| println!("In the end it {result}."));
}
