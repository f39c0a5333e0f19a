//! A list that gives up at the first failure: Twisted's `fireOnOneErrback`. The error says whose failure it was. The
//! other members go on; an error of theirs that comes later has nobody to go to and is reported, unless the list
//! consumes it.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, Failure, FirstError, deferred};

fn main() {
    for consume in [true, false] {
        println!("A list that {} errors:", if consume { "consumes" } else { "does not consume" });
        let (resolver0, d0) = deferred::<&str>();
        let (resolver1, d1) = deferred();

        let list = DeferredList::new([d0, d1]).fire_on_one_errback(true).consume_errors(consume).settle();
        list.map(|answers| println!("  the answers: {answers:?}")).add_errback(|failure| {
            if let Some(first) = failure.check::<FirstError>() {
                println!("  member {} failed: {}", first.index(), first.failure());
            }
            Ok(())
        });

        println!("  d1 fails.");
        resolver1.errback(Failure::msg("d1 failure"));
        println!("  d0 fails, too late to matter.");
        resolver0.errback(Failure::msg("d0 failure"));
    }
}
