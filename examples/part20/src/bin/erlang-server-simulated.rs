//! The slow poetry server in Erlang's manner (exercise 20.6): a light task for each client, which says a line, sleeps, and says
//! the next; and a bookkeeper with a mailbox, who hears of every end, the good ones and the others.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;
use std::time::Duration;

use sestina_deferred::{DeferredQueue, Failure};
use sestina_reactor::{Endpoint, Reactor, Stream};
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, Child, StreamServer, task};

const POEM: &str = "The fascination of what's difficult\nHas dried the sap out of my veins\nand rent\n";
const PAUSE: Duration = Duration::from_secs(1);

/// What a task tells the bookkeeper when it ends.
type Ends = DeferredQueue<Result<(), Failure>>;

/// The task of one client. It shares nothing: it owns its stream and its place in the poem.
async fn recite(reactor: &Reactor, stream: &Stream) -> Result<(), Failure> {
    for line in POEM.split_inclusive('\n') {
        stream.write_all(line).await?;
        reactor.sleep(PAUSE).await?; // a client that hangs up ends this sleep with an error
    }
    Ok(())
}

fn server(reactor: &Reactor) -> Result<Application, Box<dyn Error>> {
    let (ends, tasks) = (Ends::new(), reactor.clone());
    let told = ends.clone();
    let mut application = Application::new("poet");
    application.add(task("bookkeeper", move |_| {
        let ends = ends.clone();
        async move {
            loop {
                match ends.get().await? {
                    Ok(()) => println!("The bookkeeper: somebody has the poem."),
                    Err(failure) => println!("The bookkeeper: somebody did not get it: {failure}."),
                }
            }
        }
    }))?;
    application.add(Child::new("tasks", move || {
        let (reactor, ends) = (tasks.clone(), told.clone());
        StreamServer::new(&Endpoint::tcp("", 10_001), move |stream| {
            let (reactor, ends) = (reactor.clone(), ends.clone());
            async move {
                let end = recite(&reactor, &stream).await;
                ends.put(end).map_err(Failure::new)
            }
        })
    }))?;
    Ok(application)
}

/// One client that stays, and one that has heard enough after a line.
async fn clients(reactor: Reactor) -> Result<(), Failure> {
    let server = Endpoint::tcp("server", 10_001);
    let (stays, leaves) = (reactor.connect_stream(&server).await?, reactor.connect_stream(&server).await?);
    let line = leaves.read_until(b'\n', 100).await?;
    println!("One client: {}", String::from_utf8_lossy(&line).trim_end());
    leaves.abort();
    let poem = stays.read_to_end(1000).await?;
    println!("The other client:\n{}", String::from_utf8_lossy(&poem).trim_end());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let simulation = Simulation::seeded(20);
    let (host, client) = (simulation.host("server").reactor(), simulation.host("client").reactor());
    let tree = server(&host)?.attach(&host)?;
    simulation.run_until(tree.start())?;
    simulation.run_until(client.spawn(clients(client.clone())))?;
    simulation.run_until(tree.stop())?;
    Ok(simulation.stop()?)
}
