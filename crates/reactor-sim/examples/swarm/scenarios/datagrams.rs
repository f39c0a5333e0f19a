//! Questions and answers in datagrams: what comes is what somebody sent, whole, from the address it says; only what a fault
//! takes is missing, and only what a fault doubles comes twice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, DatagramConn, DatagramPort, DatagramProtocol, Endpoint};
use sestina_reactor_sim::{Fault, Faults, Scenario, Simulation};

use super::clients::poem;
use super::lawful::Seen;

pub(crate) fn scenario() -> Scenario {
    Scenario::new("datagrams", Faults::all(), run)
}

const QUESTIONS: u64 = 60;
const PORT: u16 = 53;

struct Oracle;

impl DatagramProtocol for Oracle {
    fn datagram_received(&mut self, socket: &mut DatagramConn<'_>, data: &[u8], from: &Address) {
        socket.send_to(data, from);
    }
}

/// Answers by their number.
type Answers = Rc<RefCell<BTreeMap<u64, u32>>>;

struct Pilgrim {
    seen: Rc<Seen>,
    answers: Answers,
    oracle: Address,
    failed: Rc<Cell<u32>>,
}

impl DatagramProtocol for Pilgrim {
    fn datagram_received(&mut self, _: &mut DatagramConn<'_>, data: &[u8], from: &Address) {
        self.seen.upcall(|| {
            let number = data.first_chunk().map(|number| u64::from_be_bytes(*number));
            let whole = number.is_some_and(|number| question(number) == data);
            self.seen.holds(whole && *from == self.oracle, || format!("{} bytes from {from}", data.len()));
            *self.answers.borrow_mut().entry(number.unwrap_or(u64::MAX)).or_default() += 1;
        });
    }

    fn failed(&mut self, _: &mut DatagramConn<'_>, _: &io::Error) {
        self.failed.set(self.failed.get() + 1);
    }
}

fn question(number: u64) -> Vec<u8> {
    let length = usize::try_from(number * 37 % 1400).unwrap_or(0);
    number.to_be_bytes().into_iter().chain(poem(length).iter().copied()).collect()
}

fn run(simulation: &Simulation) -> Result<(), String> {
    let (seen, answers, failed) = (Rc::new(Seen::default()), Answers::default(), Rc::new(Cell::new(0)));
    let (oracle, pilgrim) = (simulation.host("oracle"), simulation.host("pilgrim"));
    let Ok(service) = oracle.reactor().listen_datagrams(&Endpoint::tcp("", PORT), Oracle) else {
        return Ok(());
    };
    let at = Address::from(std::net::SocketAddr::new(oracle.address(), PORT));
    let asks = |connected: bool| -> io::Result<DatagramPort> {
        let (seen, answers, failed) = (Rc::clone(&seen), Rc::clone(&answers), Rc::clone(&failed));
        let protocol = Pilgrim { seen, answers, oracle: at.clone(), failed };
        let reactor = pilgrim.reactor();
        if connected {
            return reactor.connect_datagrams(&at, protocol).map_err(io::Error::other);
        }
        reactor.listen_datagrams(&Endpoint::tcp("", 0), protocol).map_err(io::Error::other)
    };
    let (Ok(free), Ok(connected)) = (asks(false), asks(true)) else { return Ok(()) };
    for number in 0..QUESTIONS {
        let (free, connected, at) = (free.clone(), connected.clone(), at.clone());
        let delay = Duration::from_micros(simulation.random(200_000));
        pilgrim.reactor().call_later(delay, move || {
            let question = question(number);
            if number % 2 == 0 { free.send_to(&question, &at) } else { connected.send(&question) }
        });
    }
    let stops = simulation.random(3) == 0;
    if stops {
        let at = Duration::from_micros(simulation.random(200_000));
        oracle.reactor().call_later(at, move || drop(service.stop_listening()));
    }
    simulation.run_for(Duration::from_secs(90)).map_err(|error| error.to_string())?;
    let struck = |faults: &[Fault]| simulation.strokes().iter().any(|it| faults.contains(&it.selector.fault));
    let answers = answers.borrow();
    if !struck(&[Fault::DoubledDatagrams]) {
        let twice = answers.iter().find(|(_, count)| **count > 1);
        seen.holds(twice.is_none(), || format!("an answer came more than once: {twice:?}"));
    }
    if !stops && !struck(&[Fault::LostDatagrams, Fault::Partitions]) {
        let count = u64::try_from(answers.len()).unwrap_or(0);
        seen.holds(count == QUESTIONS, || format!("{count} of {QUESTIONS} were answered"));
        seen.holds(failed.get() == 0, || format!("{} errors", failed.get()));
    }
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}
