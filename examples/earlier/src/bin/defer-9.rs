//! What is done in either case is said once, with `add_both`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;

use sestina::{Failure, deferred};

fn got_poem(poem: &str) {
    println!("{poem}");
}

fn poem_failed(failure: &Failure) {
    println!("No poem: {failure}");
}

fn main() -> io::Result<()> {
    let reactor = sestina::reactor()?;
    let (resolver, d) = deferred();
    let stop = reactor.clone();
    d.add_callbacks(got_poem, |failure| poem_failed(&failure)).add_both(move |_| stop.stop());
    reactor.call_when_running(move || resolver.callback("A second poem of one line."));
    reactor.run()
}
