//! Anybody may cancel anything at any time, and the producer may answer at any time: at most one of them is heard.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{CancelHandle, Deferred, Failure, deferred, fail, succeed};

fn main() {
    println!("Twice:");
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| println!("  the canceller is asked, once"));
    let d = told(d);
    d.cancel();
    d.cancel();

    println!("Too late for the producer, who can ask:");
    println!("  is it cancelled? {}", resolver.is_cancelled());
    println!("  its value comes back: {:?}", resolver.try_callback(7));

    println!("What has failed, and what has succeeded:");
    let d = told(fail(Failure::msg("no paper")));
    d.cancel();
    let d = told(succeed(1));
    d.cancel();

    println!("From inside a callback, for what the callback is about to return:");
    let (fire, d) = deferred();
    let (_never, inner) = deferred();
    let (put, handle) = deferred::<CancelHandle>();
    let d = told(d.add_callback(move |()| {
        handle.map(|handle| handle.cancel());
        inner
    }));
    put.callback(d.canceller());
    fire.callback(());
}

fn told(d: Deferred<u32>) -> Deferred<()> {
    d.map(|value| println!("  the value {value}")).add_errback(|failure| {
        println!("  the failure: {failure}");
        Ok(())
    })
}
