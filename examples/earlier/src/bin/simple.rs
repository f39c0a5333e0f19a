//! The shortest program with a loop. It has nothing to do, and waits for ever: until Ctrl-C.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;

fn main() -> io::Result<()> {
    let reactor = sestina::reactor()?;
    reactor.stop_on_signals()?;
    println!("The loop runs. Ctrl-C ends it.");
    reactor.run()?;
    println!("It ended.");
    Ok(())
}
