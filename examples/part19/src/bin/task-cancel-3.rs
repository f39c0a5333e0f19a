//! The point of it all: a task that is cancelled in the middle of a transaction is still alive, rolls back, and waits
//! for that. Futures that are cancelled by being dropped cannot do this.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_deferred::{Cancelled, Deferred, Failure};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

/// A database at which every statement takes two seconds.
#[derive(Clone)]
struct Database(Reactor);

impl Database {
    fn execute(&self, statement: &'static str) -> Deferred<()> {
        let clock = self.0.clone();
        println!("{:?}: {statement} ...", clock.now());
        self.0.defer_later(Duration::from_secs(2), move || println!("{:?}: {statement} is done", clock.now()))
    }
}

async fn transfer(database: Database) -> Result<(), Failure> {
    database.execute("BEGIN").await?;
    match database.execute("UPDATE accounts").await {
        Ok(()) => database.execute("COMMIT").await,
        Err(failure) => {
            database.execute("ROLLBACK").await?;
            Err(failure)
        }
    }
}

fn main() {
    let reactor = Simulation::seeded(19).reactor();
    let task = reactor.spawn(transfer(Database(reactor.clone())));

    let (handle, clock) = (task.canceller(), reactor.clone());
    reactor.call_later(Duration::from_secs(3), move || {
        println!("{:?}: cancel!", clock.now());
        handle.cancel();
    });
    match reactor.run_until(task) {
        Err(failure) if failure.is::<Cancelled>() => {
            println!("{:?}: cancelled, and nothing is lost", reactor.now())
        }
        other => println!("{:?}: {other:?}", reactor.now()),
    }
}
