//! `maybe_deferred` calls a function that answers now, later, with an error, or not at all, and always gives a deferred.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, Failure, Outcome, Panicked, deferred, maybe_deferred};

fn main() {
    show("A value", maybe_deferred(|| Ok("here")));
    show("A failure", maybe_deferred(|| Err(Failure::msg("no poem"))));
    show("A panic", maybe_deferred(|| -> Outcome<&str> { panic!("the poet faints") }));

    let (resolver, later) = deferred();
    show("A deferred", maybe_deferred(|| later));
    println!("... which fires:");
    resolver.callback("here at last");
}

fn show(what: &'static str, d: Deferred<&'static str>) {
    println!("{what}: {}", if d.is_fired() { "it has fired" } else { "it waits" });
    d.map(|value| println!("  a value, {value}")).add_errback(|failure| {
        let kind = if failure.is::<Panicked>() { "a panic" } else { "a failure" };
        println!("  {kind}, {failure}");
        Ok(())
    });
}
