//! A list of two waits for both.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, deferred};

fn main() {
    let (resolver1, d1) = deferred();
    let (resolver2, d2) = deferred();

    println!("A list with two members.");
    let list = DeferredList::new([d1, d2]).settle();
    println!("Now it gets a callback.");
    list.map(|answers| println!("The answers: {answers:?}"));

    println!("d1 fires.");
    resolver1.callback("d1 result");
    println!("d2 fires.");
    resolver2.callback("d2 result");
}
