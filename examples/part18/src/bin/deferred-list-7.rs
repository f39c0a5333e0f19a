//! The same with an errback for d2, added after the list was made: nobody reports anything, and the list shows the
//! failure all the same.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, Failure, deferred};

fn main() {
    let (resolver1, d1) = deferred();
    let (resolver2, d2) = deferred();
    let d2 = d2.share();

    let list = DeferredList::new([d1, d2.subscribe()]).settle();
    list.map(|answers| println!("The answers: {answers:?}"));
    d2.subscribe().add_errback(|failure| {
        println!("d2's own errback: {failure}");
        Ok("nothing")
    });

    println!("d1 fires.");
    resolver1.callback("d1 result");
    println!("d2 fails.");
    resolver2.errback(Failure::msg("d2 failure"));
}
