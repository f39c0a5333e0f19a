//! The reactor's contract over the simulated network: plain, and under every fault that a good network has.
//!
//! Under faults each case is run with several seeds; with more if CI=true.

#[path = "common/programs.rs"]
mod programs;

use std::time::Duration;

use sestina_contract::World;
use sestina_reactor_sim::{Fault, Faults, Odds, Simulation};

/// Seeds for each case and profile; several times as many if CI=true.
const SEEDS: u64 = 2;
const SEEDS_FACTOR_IN_CI: u64 = 3;

#[expect(clippy::disallowed_methods, reason = "a test may be larger on the machine that has time")]
fn seeds() -> u64 {
    if std::env::var("CI").is_ok_and(|ci| ci == "true") { SEEDS * SEEDS_FACTOR_IN_CI } else { SEEDS }
}

fn world(seed: u64, faults: Faults) -> World {
    let simulation = Simulation::seeded(seed).without_trace().faults(faults);
    programs::install(&simulation);
    let main = simulation.host("main");
    World::from(main.reactor()).with_signals(move |signal| main.signal(signal))
}

fn worlds(faults: &Faults) -> Vec<(String, World)> {
    (1..=seeds()).map(|seed| (format!("seed {seed}"), world(seed, faults.clone()))).collect()
}

/// Nothing goes wrong.
mod plain {
    use super::*;
    sestina_contract::contract!(|| world(7, Faults::none()));
}

/// Everything gentle at once.
mod gentle {
    use super::*;
    sestina_contract::contract_under_faults!(worlds(&Faults::gentle()));
}

/// Every call may answer that it would block, every event may be spurious.
mod spurious {
    use super::*;
    sestina_contract::contract_under_faults!(worlds(
        &Faults::none()
            .with(Fault::WouldBlock, Odds::one_in(2))
            .with(Fault::SpuriousEvents, Odds::one_in(2))
            .with(Fault::EventOrder, Odds::ALWAYS)
    ));
}

/// Buffers of a few hundred bytes, and bytes that are cut everywhere.
mod narrow {
    use super::*;
    sestina_contract::contract_under_faults!(worlds(
        &Faults::none()
            .with(Fault::SmallWindows, Odds::ALWAYS)
            .sized(Fault::SmallWindows, 3000..9000)
            .with(Fault::ShortReads, Odds::one_in(2))
            .with(Fault::ShortWrites, Odds::one_in(2))
    ));
}

/// Packets overtake those of other connections, and accepted connections come late.
mod slow {
    use super::*;
    sestina_contract::contract_under_faults!(worlds(
        &Faults::none()
            .with(Fault::Latency, Odds::ALWAYS)
            .lasting(Fault::Latency, Duration::from_micros(1)..Duration::from_millis(5))
            .with(Fault::SlowAccepts, Odds::one_in(2))
    ));
}
