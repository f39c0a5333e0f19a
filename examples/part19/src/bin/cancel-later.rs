//! A canceller may need time: it says "later", cleans up, and the producer answers when that is done.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;
use std::time::Duration;

use sestina_deferred::{Answer, deferred};
use sestina_reactor_sim::Simulation;

fn main() -> io::Result<()> {
    let reactor = Simulation::seeded(19).reactor();
    let clock = reactor.clone();
    let say = move |what: &str| println!("{:?}: {what}", clock.now());

    let (resolver, d) = deferred::<&str>();
    let (timers, asked, told, stop) = (reactor.clone(), say.clone(), say.clone(), reactor.clone());
    let d = d.on_cancel(move || {
        asked("asked to stop; the files must be closed first");
        timers.call_later(Duration::from_secs(3), move || resolver.callback("half a poem"));
        Answer::Later
    });
    let d = d.map(move |poem| {
        told(&format!("stopped, and there is {poem}"));
        stop.stop();
    });

    reactor.call_later(Duration::from_secs(1), move || {
        d.cancel();
        say("cancelled; it is still waiting");
    });
    reactor.run()
}
