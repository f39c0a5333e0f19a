//! A function that is called as soon as the loop runs.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;

fn main() -> io::Result<()> {
    let reactor = sestina::reactor()?;
    let stop = reactor.clone();
    reactor.call_when_running(move || {
        println!("Good day from inside the loop!");
        println!("I am called once, and then I wait to be called again.");
        stop.stop();
    });
    println!("The loop begins.");
    reactor.run()
}
