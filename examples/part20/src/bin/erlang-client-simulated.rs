//! The Erlang client in a simulated network, so that it says the same on every machine: three slow servers on the host
//! `server`, ports 10001 to 10003, the third the fastest; nobody listens at 10005, and 10006 hangs up in the middle.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example speaks to its reader")]

use std::error::Error;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use sestina_example_part20::{Arguments, USAGE, get_poetry};
use sestina_poetry::{FastPoetry, Poem, SlowPoetry};
use sestina_reactor::{Address, Conn, Endpoint, Protocol, Reactor};
use sestina_reactor_sim::Simulation;

const FASCINATION: &str = "The fascination of what's difficult\nHas dried the sap out of my veins\n";
const SCIENCE: &str = "Science! true daughter of Old Time thou art!\n";
const ECSTASY: &str = "Where, like a pillow on a bed,\nA pregnant bank swell'd up\n";

/// Begins a poem, and cuts the connection.
struct Rude;
impl Protocol for Rude {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"Once upon a");
        conn.set_timer(Duration::from_millis(100));
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        conn.abort();
    }
}

fn serve(reactor: &Reactor) -> Result<(), Box<dyn Error>> {
    for (port, poem, num_bytes) in [(10_001, FASCINATION, 10), (10_002, SCIENCE, 10), (10_003, ECSTASY, 30)] {
        let poet = SlowPoetry::new(Poem::from_bytes(poem)).with_num_bytes(num_bytes.try_into()?);
        reactor.listen(&Endpoint::tcp("", port), poet.with_delay(Duration::from_millis(200)))?;
    }
    reactor.listen(&Endpoint::tcp("", 10_004), FastPoetry::new(Poem::from_bytes("Short.\n")))?;
    reactor.listen(&Endpoint::tcp("", 10_006), |_: &Address| Rude)?;
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        return Ok(ExitCode::FAILURE);
    };
    let simulation = Simulation::seeded(20);
    serve(&simulation.host("server").reactor())?;
    let client = simulation.host("client").reactor();
    let poetry = get_poetry(&client, arguments, Rc::new(|line: &str| println!("{line}")));
    let collected = simulation.run_until(poetry)?;
    simulation.stop()?;
    print!("{}", collected.poems);
    collected.missing.iter().for_each(|sentence| eprintln!("{sentence}"));
    Ok(if collected.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
