//! The exercise that throws a poem away when it is two hours old. With a simulated clock, two hours are nothing.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, succeed};
use sestina_reactor::{Reactor, Time};
use sestina_reactor_sim::Simulation;

const AGE_MAX: Duration = Duration::from_secs(2 * 3600);

struct ProxyService {
    reactor: Reactor,
    /// The poem, and when it came.
    poem: Rc<Cell<Option<(&'static str, Time)>>>,
}

impl ProxyService {
    fn get_poem(&self) -> Deferred<&'static str> {
        match self.poem.get() {
            Some((poem, came)) if self.reactor.now() - came <= AGE_MAX => {
                println!("  The service has the poem.");
                return succeed(poem);
            }
            Some(_) => println!("  The service has an old poem, and asks the server."),
            None => println!("  The service asks the server."),
        }
        let (cache, clock) = (Rc::clone(&self.poem), self.reactor.clone());
        self.reactor.defer_later(Duration::from_secs(3), move || {
            let poem = "Science! true daughter of Old Time thou art!";
            cache.set(Some((poem, clock.now())));
            Ok(poem)
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let reactor = Simulation::seeded(14).reactor();
    let service = ProxyService { reactor: reactor.clone(), poem: Rc::default() };
    for pause in [0, 3600, 3600, 1] {
        reactor.run_until(reactor.sleep(Duration::from_secs(pause)))?;
        println!("{:?}: a client asks.", reactor.now());
        let poem = reactor.run_until(service.get_poem())?;
        println!("{:?}: it has {poem:?}.", reactor.now());
    }
    Ok(())
}
