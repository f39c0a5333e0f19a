//! The caching proxy of the text, version 1.0, without its sockets. Its service answers now if it has the poem, and
//! later if not; whoever asks puts `maybe_deferred` around it.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::cell::OnceCell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Outcome, maybe_deferred};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

struct ProxyService {
    reactor: Reactor,
    poem: Rc<OnceCell<&'static str>>,
}

impl ProxyService {
    fn get_poem(&self) -> Outcome<&'static str> {
        if let Some(poem) = self.poem.get() {
            println!("  The service has the poem.");
            return Outcome::Now(Ok(poem));
        }
        println!("  The service asks the server.");
        let cache = Rc::clone(&self.poem);
        Outcome::Later(self.fetch().inspect(move |poem| {
            if let Ok(poem) = poem {
                cache.get_or_init(|| poem);
            }
        }))
    }

    /// The server takes three seconds.
    fn fetch(&self) -> Deferred<&'static str> {
        self.reactor
            .defer_later(Duration::from_secs(3), || Ok("Science! true daughter of Old Time thou art!"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let reactor = Simulation::seeded(14).reactor();
    let service = ProxyService { reactor: reactor.clone(), poem: Rc::default() };
    for client in ["The first", "The second"] {
        println!("{:?}: {client} client asks.", reactor.now());
        let poem = reactor.run_until(maybe_deferred(|| service.get_poem()))?;
        println!("{:?}: {client} client has {poem:?}.", reactor.now());
    }
    Ok(())
}
