//! A swarm with a scenario that is wrong on purpose: a client that believes that nobody ever resets it.
//!
//! `cargo run -p sestina-reactor-sim --example planted_bug` shows what a finding looks like, and the command that it prints
//! replays it. A swarm of your own begins as a copy of this file.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol};
use sestina_reactor_sim::{Fault, Faults, Odds, Scenario, Simulation, Swarm};

struct Sender(Rc<Cell<bool>>);

impl Protocol for Sender {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"hello");
        conn.lose_connection();
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        if matches!(why, Lost::Reset) {
            self.0.set(true);
        }
    }
}

struct Sink;

impl Protocol for Sink {}

/// Says that no sender is ever reset, which does not hold.
fn naive(simulation: &Simulation) -> Result<(), String> {
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    let listening = bob.reactor().listen(&Endpoint::tcp("", 80), |_: &Address| Sink);
    listening.map_err(|error| error.to_string())?;
    let was_reset = Rc::new(Cell::new(false));
    for number in 0..20 {
        let (reactor, was_reset) = (alice.reactor(), Rc::clone(&was_reset));
        alice.reactor().call_later(Duration::from_millis(number), move || {
            let factory = move |_: &Address| Sender(Rc::clone(&was_reset));
            drop(reactor.connect(&Endpoint::tcp("bob", 80), factory));
        });
    }
    simulation.run_for(Duration::from_secs(60)).map_err(|error| error.to_string())?;
    if was_reset.get() { Err("a sender was reset".to_owned()) } else { Ok(()) }
}

fn main() -> ExitCode {
    let faults = Faults::gentle().with(Fault::Resets, Odds::one_in(10));
    let naive = Scenario::new("naive", faults, naive)
        .replayed_by("cargo run -p sestina-reactor-sim --example planted_bug --");
    let arguments = std::env::args().skip(1);
    Swarm::new([naive]).main(arguments, &mut std::io::stdout(), &mut std::io::stderr()).into()
}
