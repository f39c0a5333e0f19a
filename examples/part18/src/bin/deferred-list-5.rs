//! A member that fails does not make the list fail: its failure is one of the answers. The list owns its members,
//! so that this error is handled, and nobody reports it.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, Failure, deferred};

fn main() {
    let (resolver1, d1) = deferred();
    let (resolver2, d2) = deferred();

    let list = DeferredList::new([d1, d2]).settle();
    list.map(|answers| println!("The answers: {answers:?}"));

    println!("d1 fires.");
    resolver1.callback("d1 result");
    println!("d2 fails.");
    resolver2.errback(Failure::msg("d2 failure"));
}
