//! Who calls a callback: the loop, which `main` called.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;

use sestina::Reactor;
use sestina_example_support::stack;

/// What to look for in the stack, and what it is.
const PLACES: [(&str, &str); 4] = [
    ("stack::callback", "the callback"),
    ("stack::main::{{closure}}", "the closure that was given to the loop"),
    ("sestina_reactor::turn", "the reactor's loop"),
    ("stack::main", "main"),
];

fn callback(reactor: &Reactor) {
    for line in stack(&PLACES) {
        println!("{line}");
    }
    reactor.stop();
}

fn main() -> io::Result<()> {
    let reactor = sestina::reactor()?;
    let inside = reactor.clone();
    reactor.call_when_running(move || callback(&inside));
    reactor.run()
}
