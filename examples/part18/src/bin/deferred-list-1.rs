//! A list of nothing has nothing to wait for: it has fired as soon as it is made.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, DeferredList};

fn main() {
    let nothing: [Deferred<&str>; 0] = [];

    println!("A list without members.");
    let list = DeferredList::new(nothing).settle();
    println!("Now it gets a callback.");
    list.map(|answers| println!("The answers: {answers:?}"));
}
