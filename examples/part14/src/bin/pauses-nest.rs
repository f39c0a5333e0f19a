//! Pauses count: the chain goes on when the last one ends. A deferred that a callback returns is a pause of the same
//! kind.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{deferred, succeed};

fn main() {
    let mut d = succeed("a value");
    let first = d.pause();
    let second = d.pause();
    d.map(|value| println!("The callback got {value}."));
    println!("Two pauses.");
    first.unpause();
    println!("One pause.");
    second.unpause();
    println!("None.");

    let (resolver, inner) = deferred();
    succeed(()).add_callback(move |()| inner).map(|value| println!("The callback got {value}."));
    println!("A callback has returned a deferred.");
    resolver.callback("what the inner one fired with");
    println!("It has fired.");
}
