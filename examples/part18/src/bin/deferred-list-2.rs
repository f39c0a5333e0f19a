//! A list of one. Its answer is a list too: what the member came to, as a `Result`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, deferred};

fn main() {
    let (resolver, d1) = deferred();

    println!("A list with one member.");
    let list = DeferredList::new([d1]).settle();
    println!("Now it gets a callback.");
    list.map(|answers| println!("The answers: {answers:?}"));

    println!("d1 fires.");
    resolver.callback("d1 result");
}
