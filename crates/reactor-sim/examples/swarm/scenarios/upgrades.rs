//! A line in clear, then a layer on both sides, then another protocol, on a port that takes few at once: every byte
//! after the line goes through the layer, the rest goes to the successor, and the port never has more than it may.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sestina_contract::layers::Scramble;
use sestina_reactor::{Address, Conn, ConnectionLimits, Endpoint, Lost, Protocol};
use sestina_reactor_sim::{Faults, Scenario, Simulation};

use super::clients::{IDLE_MAX, PORT, poem, something_ended_connections};
use super::lawful::{Lawful, Seen};

pub(crate) fn scenario() -> Scenario {
    Scenario::new("upgrades", Faults::all(), run)
}

const CLIENTS: u64 = 16;
const AT_ONCE: usize = 4;

/// Waits for the line, answers it in clear, and hands over.
#[derive(Default)]
struct Porter {
    line: Vec<u8>,
    handed_over: bool,
}

impl Protocol for Porter {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_idle_timeout(Some(IDLE_MAX));
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.line.extend_from_slice(data);
        if self.line.ends_with(b"veil\n") && !self.handed_over {
            self.handed_over = true;
            conn.write(b"veiled\n");
            conn.add_layer(Scramble::default());
            conn.become_protocol(Echo, b"");
        }
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
    }
}

struct Guest {
    poem: Rc<[u8]>,
    clear: Vec<u8>,
    got: Vec<u8>,
    seen: Rc<Seen>,
    ended: Rc<Cell<u64>>,
    whole: Rc<Cell<u64>>,
}

const ANSWER: &[u8] = b"veiled\n";

impl Protocol for Guest {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_idle_timeout(Some(IDLE_MAX));
        conn.write(b"veil\n");
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        if self.clear.len() == ANSWER.len() {
            self.got.extend_from_slice(data);
        } else {
            // The other side says nothing more before it has heard something through the layer.
            self.clear.extend_from_slice(data);
            self.seen.holds(ANSWER.starts_with(&self.clear), || "the clear part is veiled".to_owned());
            if self.clear.len() == ANSWER.len() {
                conn.add_layer(Scramble::default());
                conn.write_shared(Rc::clone(&self.poem));
                conn.lose_write_connection();
            }
        }
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.seen.holds(self.poem.starts_with(&self.got), || "what came back is wrong".to_owned());
        self.ended.set(self.ended.get() + 1);
        if matches!(why, Lost::Done) && self.clear.len() == ANSWER.len() {
            let whole = self.got.len() == self.poem.len();
            self.seen.holds(whole, || format!("{} bytes, and the end is called clean", self.got.len()));
            self.whole.set(self.whole.get() + 1);
        }
    }
}

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let (host, alice) = (simulation.host("porter"), simulation.host("alice"));
    // A porter is dropped when it hands over, so it is the guests who count.
    let factory = |_: &Address| Porter::default();
    let Ok(port) = host.reactor().listen(&Endpoint::tcp("", PORT), factory) else { return Ok(()) };
    port.set_connection_limits(ConnectionLimits { total: AT_ONCE, ..ConnectionLimits::default() });
    let (ended, whole) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for _ in 0..CLIENTS {
        let poem = poem(usize::try_from(simulation.random(60_000)).unwrap_or(0));
        let (seen, ended, whole) = (Rc::clone(&seen), Rc::clone(&ended), Rc::clone(&whole));
        let (reactor, delay) = (alice.reactor(), Duration::from_micros(simulation.random(40_000)));
        alice.reactor().call_later(delay, move || {
            let factory = move |_: &Address| {
                let (poem, seen) = (Rc::clone(&poem), Rc::clone(&seen));
                let (ended, whole) = (Rc::clone(&ended), Rc::clone(&whole));
                let guest = Guest { poem, clear: Vec::new(), got: Vec::new(), seen, ended, whole };
                Lawful::new(&Rc::clone(&guest.seen), guest)
            };
            drop(reactor.connect(&Endpoint::tcp("porter", PORT), factory));
        });
    }
    for _ in 0..200 {
        simulation.run_for(Duration::from_millis(5)).map_err(|error| error.to_string())?;
        let now = host.reactor().connections();
        seen.holds(now <= AT_ONCE, || format!("{now} connections at once"));
    }
    simulation.run_for(Duration::from_secs(900)).map_err(|error| error.to_string())?;
    if !something_ended_connections(simulation) {
        let count = (ended.get(), whole.get());
        seen.holds(count == (CLIENTS, CLIENTS), || format!("{count:?} of {CLIENTS} ended, and were whole"));
    }
    let left = host.reactor().connections() + alice.reactor().connections();
    seen.holds(left == 0, || format!("{left} connections are left"));
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}
