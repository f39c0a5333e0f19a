//! The outer deferred has fired and waits for an inner one. A cancel goes to what is waited for now: the inner one's
//! canceller is asked, the outer one's is not.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() {
    let (fire_outer, outer) = deferred();
    let (_fire_inner, inner) = deferred();
    let outer = outer.on_cancel(|| println!("The outer canceller is asked."));
    let inner = inner.on_cancel(|| println!("The inner canceller is asked."));

    let outer = outer
        .add_callback(move |()| {
            println!("The first callback returns the inner deferred.");
            inner
        })
        .map(|result: &str| println!("The second callback got {result}."))
        .add_errback(|failure| {
            println!("The errback got: {failure}");
            Ok(())
        });
    fire_outer.callback(());
    println!("The outer deferred is cancelled.");
    outer.cancel();
    println!("Done.");
}
