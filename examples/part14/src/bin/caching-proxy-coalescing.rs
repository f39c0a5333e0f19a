//! The exercise with a third state, "asked, not there yet": whoever comes then waits for the same request. A failure
//! goes to all who wait, and the next one who comes asks again.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Shared, gather_results, succeed};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

type Poem = &'static str;

#[derive(Default)]
enum Cache {
    #[default]
    Empty,
    Asked(Shared<Poem>),
    Full(Poem),
}

struct ProxyService {
    reactor: Reactor,
    cache: Rc<RefCell<Cache>>,
    fails: RefCell<std::vec::IntoIter<bool>>,
}

impl ProxyService {
    fn get_poem(&self) -> Deferred<Poem> {
        match &*self.cache.borrow() {
            Cache::Full(poem) => return succeed(poem),
            Cache::Asked(poem) => return poem.subscribe(),
            Cache::Empty => println!("  The service asks the server."),
        }
        let cache = Rc::clone(&self.cache);
        let poem = self.fetch().inspect(move |poem| {
            *cache.borrow_mut() = match poem {
                Ok(poem) => Cache::Full(poem),
                Err(_) => Cache::Empty,
            }
        });
        let poem = poem.share();
        let mine = poem.subscribe();
        *self.cache.borrow_mut() = Cache::Asked(poem);
        mine
    }

    /// The server takes three seconds, and fails if it is its turn to.
    fn fetch(&self) -> Deferred<Poem> {
        let fails = self.fails.borrow_mut().next().unwrap_or_default();
        self.reactor.defer_later(Duration::from_secs(3), move || {
            if fails {
                Err(Failure::msg("connection reset"))
            } else {
                Ok("Science! true daughter of Old Time thou art!")
            }
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let reactor = Simulation::seeded(14).reactor();
    let fails = RefCell::new(vec![true, false].into_iter());
    let service = ProxyService { reactor: reactor.clone(), cache: Rc::default(), fails };
    for day in ["a bad day", "a better day", "the day after"] {
        println!("{:?}: {day}, three clients ask.", reactor.now());
        let clients = ["Alice", "Bob", "Carol"].map(|name| {
            service.get_poem().map(move |poem| println!("  {name} reads {poem:?}")).add_errback(
                move |failure| {
                    println!("  {name} hears: {failure}");
                    Ok(())
                },
            )
        });
        reactor.run_until(gather_results(clients))?;
    }
    Ok(())
}
