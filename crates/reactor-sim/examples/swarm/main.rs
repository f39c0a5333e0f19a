//! The swarm: every scenario under many seeds. `cargo xtask sim` runs it.
#![forbid(unsafe_code)]

mod scenarios;

use std::process::ExitCode;

use sestina_reactor_sim::Swarm;

fn main() -> ExitCode {
    // Panics are what is looked for; each is reported with its seed.
    std::panic::set_hook(Box::new(|_| ()));
    let swarm = Swarm::new(scenarios::all());
    swarm.main(std::env::args().skip(1), &mut std::io::stdout(), &mut std::io::stderr()).into()
}
