//! Somebody else waits for d2 as well, and forgets its errors: the list has handled the failure for itself, but not for
//! others. The report on standard error comes when the other one gives up its deferred, here at the end of the program.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, Failure, deferred};

fn main() {
    let (resolver1, d1) = deferred();
    let (resolver2, d2) = deferred();
    let d2 = d2.share();
    let _forgotten = d2.subscribe();

    let list = DeferredList::new([d1, d2.subscribe()]).settle();
    list.map(|answers| println!("The answers: {answers:?}"));

    println!("d1 fires.");
    resolver1.callback("d1 result");
    println!("d2 fails.");
    resolver2.errback(Failure::msg("d2 failure"));
}
