//! While a callback works, nothing else does: the loop cannot turn. The timer that was due in the meantime is late, by
//! as long as the callback took.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]
#![expect(clippy::disallowed_methods, reason = "blocking is what this shows")]

use std::io;
use std::thread;
use std::time::Duration;

use sestina::deferred;

const WORK: Duration = Duration::from_millis(300);
const DUE: Duration = Duration::from_millis(50);

fn main() -> io::Result<()> {
    let reactor = sestina::reactor()?;
    let (resolver, d) = deferred();
    d.map(|()| {
        println!("The callback begins, and blocks.");
        thread::sleep(WORK);
        println!("The callback ends.");
    });

    let clock = reactor.clone();
    reactor.call_when_running(move || {
        let begun = clock.now();
        let timer = clock.clone();
        clock.call_later(DUE, move || {
            let is_late = timer.now() - begun >= WORK;
            println!("The timer comes {}.", if is_late { "when the callback is done" } else { "in time" });
            timer.stop();
        });
        resolver.callback(());
    });
    reactor.run()
}
