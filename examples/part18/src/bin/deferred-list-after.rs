//! What a list does to its members: nothing. Whoever shares a member with it finds there what it came to, before the
//! list has its answer and after.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, Failure, deferred};

fn main() {
    let (resolver1, d1) = deferred();
    let (resolver2, d2) = deferred();
    let (d1, d2) = (d1.share(), d2.share());

    DeferredList::new([d1.subscribe(), d2.subscribe()])
        .settle()
        .map(|answers| println!("The list has {} answers.", answers.len()));

    resolver1.callback("d1 result");
    d1.subscribe().map(|value| println!("d1 still has its value: {value}"));
    resolver2.errback(Failure::msg("d2 failure"));
    d2.subscribe().add_errback(|failure| {
        println!("d2 still has its failure: {failure}");
        Ok("nothing")
    });
}
