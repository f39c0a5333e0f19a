//! Which of the two a fired deferred runs depends on what the step before came to: a value leads to the callback, a
//! failure to the errback.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, Failure, succeed};

/// A pair that says which of the two ran.
fn look(name: &'static str, d: Deferred<u32>) -> Deferred<u32> {
    d.add_callbacks(
        move |n| {
            println!("{name}: the callback, with {n}");
            Ok(n)
        },
        move |failure| {
            println!("{name}: the errback, with the failure \"{failure}\"");
            Err(failure)
        },
    )
}

fn main() {
    let d = look("A value", succeed(1));
    let d = look("After a callback that returns an error", d.add_callback(|_| Err(Failure::msg("no paper"))));
    let d = look("After an errback that recovers", d.add_errback(|_| Ok(2)));
    let d = look("After a callback that uses `?`", d.add_callback(|_| Ok("two".parse::<u32>()?)));
    let d = look("After an errback that fails", d.add_errback(|_| Err(Failure::msg("no ink"))));
    d.ignore_errors();
}
