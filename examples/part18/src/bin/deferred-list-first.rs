//! A list that is content with the first value: Twisted's `fireOnOneCallback`. It says who won, cancels the losers, and
//! fails if everybody fails.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredList, Failure, FailureGroup, Trapped, deferred, fail};

fn main() {
    let (_slow, d0) = deferred();
    let (broken, d1) = deferred();
    let (fast, d2) = deferred();
    let d0 = d0.on_cancel(|| println!("d0 is told that it need not go on."));

    DeferredList::new([d0, d1, d2])
        .first()
        .map(|(index, value)| println!("Member {index} was the first: {value}"));
    println!("d1 fails.");
    broken.errback(Failure::msg("d1 failure"));
    println!("d2 fires.");
    fast.callback("d2 result");

    let all_fail = [fail::<&str>(Failure::msg("no paper")), fail(Failure::msg("no ink"))];
    DeferredList::new(all_fail).first().map(|_| ()).catch(|everybody: Trapped<FailureGroup>| {
        println!("Nobody won: {everybody}");
        for failure in everybody.failures() {
            println!("  {failure}");
        }
        Ok(())
    });
}
