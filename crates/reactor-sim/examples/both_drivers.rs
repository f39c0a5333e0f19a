//! One service, unchanged, over the operating system and over a simulated network.
//!
//! `cargo run -p sestina-reactor-sim --example both_drivers`
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example")]

use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Resolver, deferred};
use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Protocol, Reactor};
use sestina_reactor_sim::{Faults, Link, Simulation};

const POEM: &[u8] = b"I wandered lonely as a cloud\nThat floats on high o'er vales and hills,\n";

/// The service. Nothing in it knows what is below the reactor.
mod service {
    use super::*;

    /// Sends the poem a line at a time, with a pause after each.
    pub(super) struct SlowPoet(std::vec::IntoIter<&'static [u8]>);

    impl SlowPoet {
        pub(super) fn new() -> Self {
            let lines: Vec<&'static [u8]> = POEM.split_inclusive(|byte| *byte == b'\n').collect();
            Self(lines.into_iter())
        }
    }

    impl Protocol for SlowPoet {
        fn connection_made(&mut self, conn: &mut Conn<'_>) {
            self.timer(conn);
        }

        fn timer(&mut self, conn: &mut Conn<'_>) {
            match self.0.next() {
                Some(line) => {
                    conn.write(line);
                    conn.set_timer(Duration::from_millis(20));
                }
                None => conn.lose_connection(),
            }
        }
    }

    /// The poem, or why it did not come whole.
    pub(super) fn fetch(reactor: &Reactor, from: &Endpoint) -> Deferred<Vec<u8>> {
        let (resolver, poem) = deferred();
        reactor.connect(from, Fetch { resolver: Some(resolver), got: Vec::new() });
        poem
    }

    struct Fetch {
        resolver: Option<Resolver<Vec<u8>>>,
        got: Vec<u8>,
    }

    impl Factory for Fetch {
        fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
            Some(Box::new(Self { resolver: self.resolver.take(), got: Vec::new() }))
        }

        fn connection_failed(&mut self, error: ConnectError) {
            if let Some(resolver) = self.resolver.take() {
                resolver.errback(error);
            }
        }
    }

    impl Protocol for Fetch {
        fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
            self.got.extend_from_slice(data);
        }

        fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
            match (self.resolver.take(), why) {
                (Some(resolver), Lost::Done) => resolver.callback(std::mem::take(&mut self.got)),
                (Some(resolver), why) => resolver.errback(why),
                (None, _) => {}
            }
        }
    }

    /// Serves on a free port, and fetches from itself.
    pub(super) fn serve_and_fetch(reactor: &Reactor) -> Result<Vec<u8>, Failure> {
        let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| SlowPoet::new())?;
        let at = Endpoint::loopback(port.local_addr().port().unwrap_or(0));
        reactor.run_until(fetch(reactor, &at))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let real = sestina_reactor_mio::reactor()?;
    let poem = service::serve_and_fetch(&real).map_err(|failure| failure.to_string())?;
    println!("the operating system: {} bytes in {:?}", poem.len(), real.now());
    assert_eq!(poem, POEM);

    let simulated = Simulation::seeded(7).reactor();
    let poem = service::serve_and_fetch(&simulated).map_err(|failure| failure.to_string())?;
    println!("one simulated host:   {} bytes in {:?} of virtual time", poem.len(), simulated.now());
    assert_eq!(poem, POEM);

    let far = Link::default().with_latency(Duration::from_millis(90)..Duration::from_millis(110));
    let simulation = Simulation::seeded(7).with_link(far).faults(Faults::gentle());
    let (poet, reader) = (simulation.host("poet"), simulation.host("reader"));
    poet.reactor().listen(&Endpoint::tcp("", 10_000), |_: &Address| service::SlowPoet::new())?;
    let poem = service::fetch(&reader.reactor(), &Endpoint::tcp("poet", 10_000));
    let poem = simulation.run_until(poem).map_err(|failure| failure.to_string())?;
    println!("two, across an ocean: {} bytes in {:?} of virtual time", poem.len(), simulation.now());
    assert_eq!(poem, POEM);
    simulation.stop()?;
    assert_eq!(simulation.sockets(), 0);
    println!("\nwhat happened there:\n{}", simulation.trace());
    Ok(())
}
