//! A deferred that fires when the loop runs. Both the callback and the errback end the loop, each for itself.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;

use sestina::{Failure, Reactor, deferred};

fn got_poem(reactor: &Reactor, poem: &str) {
    println!("{poem}");
    reactor.stop();
}

fn poem_failed(reactor: &Reactor, failure: &Failure) {
    println!("No poem: {failure}");
    reactor.stop();
}

fn main() -> io::Result<()> {
    let reactor = sestina::reactor()?;
    let (resolver, d) = deferred();
    let (here, there) = (reactor.clone(), reactor.clone());
    d.add_callbacks(move |poem| got_poem(&here, poem), move |failure| poem_failed(&there, &failure));
    reactor.call_when_running(move || resolver.callback("A second poem of one line."));
    reactor.run()
}
