//! A panic in what the loop calls ends that call. It is logged, and the loop goes on.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;

fn falldown() {
    panic!("I fall down");
}

fn main() -> io::Result<()> {
    tracing_subscriber::fmt()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(io::stderr)
        .init();

    let reactor = sestina::reactor()?;
    let stop = reactor.clone();
    reactor.call_when_running(falldown);
    reactor.call_when_running(move || {
        println!("But I get up again.");
        stop.stop();
    });
    println!("The loop begins.");
    reactor.run()
}
