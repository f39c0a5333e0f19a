//! The corners of lists: members that have fired already, one deferred twice, cancelling a list, and waiting for the
//! first of nobody.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, DeferredList, FailureGroup, all_settled, deferred, succeed};

fn main() {
    all_settled([succeed(1), succeed(2)]).map(|answers| println!("Members that have fired: {answers:?}"));

    let (resolver, d) = deferred();
    let d = d.share();
    let twice = all_settled([d.subscribe(), d.subscribe()]);
    twice.map(|answers| println!("The same one twice: {answers:?}"));
    resolver.callback("once");

    let (_never1, d1) = deferred::<()>();
    let (_never2, d2) = deferred::<()>();
    let list = all_settled([
        d1.on_cancel(|| println!("d1 is cancelled.")),
        d2.on_cancel(|| println!("d2 is cancelled.")),
    ]);
    list.cancel();
    list.map(|answers| println!("A cancelled list: {answers:?}"));

    let nobody: [Deferred<()>; 0] = [];
    let first = DeferredList::new(nobody).first().map(|_| ()).add_errback(|failure| {
        let kind = if failure.is::<FailureGroup>() { "a group of no failures" } else { "something else" };
        println!("The first of nobody: {failure} ({kind})");
        Ok(())
    });
    assert!(first.is_fired(), "it does not wait for ever");
}
