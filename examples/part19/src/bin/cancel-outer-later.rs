//! The exercise about an outer deferred that waits for an inner one, with a clock: at one second the outer one fires and
//! waits, at two it is cancelled; at five the inner one would have fired.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;
use std::time::Duration;

use sestina_deferred::deferred;
use sestina_reactor_sim::Simulation;

fn main() -> io::Result<()> {
    let reactor = Simulation::seeded(19).reactor();
    let (fire, outer) = deferred();
    let clock = reactor.clone();
    let say = move |what: &str| println!("{:?}: {what}", clock.now());

    let (timers, asked, told) = (reactor.clone(), say.clone(), say.clone());
    let outer = outer
        .add_callback(move |()| {
            asked("the outer deferred fires and waits for the inner one");
            timers.sleep(Duration::from_secs(4)).on_cancel(move || asked("the inner one is asked to stop"))
        })
        .add_both(move |answer| {
            told(if answer.is_ok() {
                "the inner one came to its end"
            } else {
                "the inner one was cancelled"
            });
            Ok(())
        });

    reactor.call_later(Duration::from_secs(1), move || fire.callback(()));
    reactor.call_later(Duration::from_secs(2), move || outer.cancel());
    let left = reactor.clone();
    reactor.call_later(Duration::from_secs(3), move || {
        say(&format!("{} timers are left", left.timers()));
        left.stop();
    });
    reactor.run()
}
