//! A simulation on the real reactor.

use sestina::Simulation;

#[sestina::test(on = "both")]
async fn a_simulation_on_both(sim: Simulation) {
    drop(sim);
}
