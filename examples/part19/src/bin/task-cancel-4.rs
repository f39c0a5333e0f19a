//! A task may refuse: each cancel only ends what is awaited at that moment. Who insists gives it a time of grace; then
//! it is dropped where it stands.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

struct Farewell(Reactor);

impl Drop for Farewell {
    fn drop(&mut self) {
        println!("{:?}: the task is gone", self.0.now());
    }
}

fn stubborn(reactor: &Reactor) -> Deferred<()> {
    let clock = reactor.clone();
    reactor.spawn(async move {
        let _farewell = Farewell(clock.clone());
        loop {
            match clock.sleep(Duration::from_secs(3600)).await {
                Ok(()) => println!("{:?}: slept well", clock.now()),
                Err(failure) => println!("{:?}: {failure}? I turn over and sleep on", clock.now()),
            }
        }
    })
}

fn main() {
    let reactor = Simulation::seeded(19).reactor();
    let task = stubborn(&reactor);
    for second in [1, 2] {
        let handle = task.canceller();
        reactor.call_later(Duration::from_secs(second), move || handle.cancel());
    }
    let (handle, clock) = (task.canceller(), reactor.clone());
    reactor
        .call_later(Duration::from_secs(3), move || handle.cancel_with_grace(Duration::from_secs(5), &clock));

    let answer: Result<(), Failure> = reactor.run_until(task);
    println!("{:?}: the answer is {answer:?}", reactor.now());
}
