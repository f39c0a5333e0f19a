//! Names with several addresses, of which some are dead and some never answer: who has one good address connects, in a
//! time that the dead ones bound; who has none is told so; and no attempt leaves anything behind.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, ConnectError, Endpoint, Factory, NEXT_ADDRESS_AFTER, Protocol};
use sestina_reactor_sim::{Faults, Partition, Scenario, Simulation};

use super::clients::{PORT, serve_at_last, something_ended_connections};
use super::lawful::{Lawful, Seen};

pub(crate) fn scenario() -> Scenario {
    Scenario::new("eyeballs", Faults::all(), run)
}

const NAMES: u64 = 12;
const LIMIT: Duration = Duration::from_secs(20);

type Told = Rc<RefCell<Vec<Result<Duration, ConnectError>>>>;

struct Seeker {
    reactor: sestina_reactor::Reactor,
    begun: sestina_reactor::Time,
    seen: Rc<Seen>,
    told: Told,
}

struct Glad;

impl Protocol for Glad {}

impl Factory for Seeker {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        self.told.borrow_mut().push(Ok(self.reactor.now() - self.begun));
        Some(Box::new(Lawful::new(&self.seen, Glad)))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        self.told.borrow_mut().push(Err(error));
    }
}

fn run(simulation: &Simulation) -> Result<(), String> {
    let (seen, told) = (Rc::new(Seen::default()), Told::default());
    let (good, mute, alice) = (simulation.host("good"), simulation.host("mute"), simulation.host("alice"));
    serve_at_last(&good.reactor(), &seen, &Rc::from(&b"poem"[..]));
    simulation.isolate(&mute, Partition::Dropped);
    let nobody: IpAddr = "10.9.9.9".parse().map_err(|error| format!("{error}"))?;
    let (reachable, asked) = (Rc::new(Cell::new(0_u64)), alice.reactor());
    let mut slowest = Duration::ZERO;
    for number in 0..NAMES {
        let (mut addresses, mut has_good) = (Vec::new(), false);
        for _ in 0..simulation.random(5) {
            let address = match simulation.random(4) {
                0 => mute.address(),
                1 => mute.address_v6(),
                2 => nobody,
                _ => good.address(),
            };
            has_good |= address == good.address();
            addresses.push(address);
        }
        reachable.set(reachable.get() + u64::from(has_good));
        slowest = slowest.max(NEXT_ADDRESS_AFTER * u32::try_from(addresses.len()).unwrap_or(0));
        let name = format!("name{number}");
        simulation.add_name(&name, &addresses);
        let (reactor, seen, told) = (asked.clone(), Rc::clone(&seen), Rc::clone(&told));
        let delay = Duration::from_millis(1000 + simulation.random(100));
        asked.call_later(delay, move || {
            let begun = reactor.now();
            let to = Endpoint::tcp(name, PORT).with_timeout(LIMIT);
            let seeker = Seeker { reactor: reactor.clone(), begun, seen, told };
            reactor.connect(&to, seeker);
        });
    }
    simulation.run_for(Duration::from_secs(900)).map_err(|error| error.to_string())?;
    let told = told.borrow();
    let count = u64::try_from(told.len()).unwrap_or(0);
    seen.holds(count == NAMES, || format!("{count} of {NAMES} attempts were told"));
    if !something_ended_connections(simulation) {
        let made: Vec<Duration> = told.iter().filter_map(|told| told.as_ref().ok().copied()).collect();
        let found = u64::try_from(made.len()).unwrap_or(0);
        seen.holds(found == reachable.get(), || format!("{found} connected, {} could", reachable.get()));
        let worst = made.iter().max().copied().unwrap_or_default();
        // Stalls and slow lookups on top.
        seen.holds(worst <= slowest + Duration::from_secs(4), || {
            format!("{worst:?} for at most {slowest:?}")
        });
    }
    let left = asked.connections() + good.reactor().connections();
    seen.holds(left == 0, || format!("{left} connections are left"));
    drop(told);
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}
