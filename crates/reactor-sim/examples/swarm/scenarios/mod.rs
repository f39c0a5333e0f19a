//! What must hold under every seed. Each file is one scenario; its first sentence says what that is.

mod clients;
mod clock_jumps;
mod crashes;
mod datagrams;
mod eyeballs;
mod forwarders;
mod half_close;
mod lawful;
mod partitions;
mod poets;
mod proxies;
mod storms;
mod torture;
mod upgrades;

use sestina_reactor_sim::Scenario;

/// All scenarios, in the order in which a seed runs them.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        poets::scenario(),
        half_close::scenario(),
        proxies::scenario(),
        partitions::scenario(),
        crashes::scenario(),
        eyeballs::scenario(),
        upgrades::scenario(),
        forwarders::scenario(),
        storms::scenario(),
        datagrams::scenario(),
        clock_jumps::scenario(),
        torture::scenario(),
    ]
}
