//! A service is something with a name that is started and stopped; a service may be made of services. Here are three that
//! only say what they do: started in order, each when the one before runs, and stopped in reverse.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::Deferred;
use sestina_example_part16::play;
use sestina_reactor::Reactor;
use sestina_service::{Application, Child, MultiService, Service, ServiceContext, service};

/// One with its own way to start and to stop, each of which takes a while.
struct Database(Reactor);

impl Service for Database {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        println!("  (opening the database)");
        cx.reactor().sleep(Duration::from_millis(30))
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        println!("  (flushing the database)");
        self.0.sleep(Duration::from_secs(1))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut application = Application::new("shop");
    let mut storage = MultiService::new("storage");
    // The common case: one async function. It is started when it says so; its stop is a cancel that it can catch.
    storage.add(service("cache", |cx| async move {
        cx.ready();
        cx.stopped().await
    }))?;
    application.add(storage)?;
    play(application, |tree| async move {
        println!("Start:");
        tree.start().await?;
        println!("A service that is added while the tree runs is started at once:");
        let reactor = tree.reactor().clone();
        tree.add("storage", Child::new("database", move || Database(reactor.clone()))).await?;
        println!("By its path it can be found: storage/database is {:?}.", tree.state("storage/database"));
        println!("Names are unique among siblings:");
        let again = tree.add("storage", service("database", |_| async { Ok(()) }));
        println!("  {}", again.await.expect_err("the name is taken"));
        println!("The whole program waits for the stop of each, in reverse:");
        let begun = tree.reactor().now();
        tree.stop().await?;
        println!("That took {:?}.", tree.reactor().now() - begun);
        Ok(())
    })
}
