//! A poetry server in Haskell's manner (exercise 21.3): its poem has no end, and of an endless list as much is computed as
//! somebody looks at. Whoever looks is the connection: a pull producer makes the next stanza when the last one has gone.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use sestina::{Address, Conn, Endpoint, Failure, Producer, Production, Protocol, Reactor};
use sestina_poetry::poems;
use sestina_reactor_sim::Simulation;

/// Every stanza of a poem without an end. Nothing of it is there before it is asked for.
fn stanzas(made: Rc<Cell<usize>>) -> impl Iterator<Item = Vec<u8>> {
    (1..).map(move |number: u64| {
        made.set(made.get() + 1);
        [format!("{number}\n").as_bytes(), poems::SCIENCE].concat()
    })
}

/// The one who looks: each time the connection has room, at one more stanza.
struct Reciter<I>(I);
impl<I: Iterator<Item = Vec<u8>> + 'static> Producer for Reciter<I> {
    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        match self.0.next() {
            Some(stanza) => conn.write(&stanza),
            None => conn.lose_connection(),
        }
    }
}

struct LazyPoet(Rc<Cell<usize>>);
impl Protocol for LazyPoet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        let reciter = Reciter(stanzas(Rc::clone(&self.0)));
        conn.register_producer(Production::Pull, reciter).expect("a new connection has none");
    }
}

/// Takes so many bytes, rests for a minute, and hangs up.
async fn take(reactor: Reactor, count: usize) -> Result<(), Failure> {
    let stream = reactor.connect_stream(&Endpoint::tcp("server", 10_001)).await?;
    let heard = stream.read_exact(count).await?;
    println!("A client has {} bytes, and takes no more for a minute.", heard.len());
    reactor.sleep(Duration::from_secs(60)).await?;
    stream.abort();
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let simulation = Simulation::seeded(21);
    let made = Rc::new(Cell::new(0));
    let counted = Rc::clone(&made);
    let poet = move |_: &Address| LazyPoet(Rc::clone(&counted));
    simulation.host("server").reactor().listen(&Endpoint::tcp("", 10_001), poet)?;
    println!("The server has a poem without an end. Stanzas made: {}.", made.get());
    let client = simulation.host("client").reactor();
    for count in [1_000, 1_000_000] {
        made.set(0);
        simulation.run_until(client.spawn(take(client.clone(), count)))?;
        let ahead = made.get() * poems::SCIENCE.len() - count;
        println!(
            "Of the endless poem {} stanzas were made, {} KB ahead of the client.",
            made.get(),
            ahead / 1000
        );
    }
    Ok(simulation.stop()?)
}
