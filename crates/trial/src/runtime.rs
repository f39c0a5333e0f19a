//! What the attribute writes calls of. Not for people: it changes without notice.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sestina_deferred::Failure;

pub use crate::outcome::{Begun, Fault, Outcome, Running};
pub use crate::supervisor::run;

use crate::fixture::Fixture;
use crate::trial::Trial;

/// Makes the arguments of a test, and then knows how to call it.
pub type Prepared = Pin<Box<dyn Future<Output = Result<Start, Failure>>>>;
/// Calls a test with its arguments.
pub type Start = Box<dyn FnOnce() -> Running>;

/// A test as its attribute describes it.
#[derive(Debug)]
pub struct Test {
    /// Its path, with the crate.
    pub path: &'static str,
    /// Its file.
    pub file: &'static str,
    /// Its line.
    pub line: usize,
    /// Its package, if Cargo builds it.
    pub package: Option<&'static str>,
    /// Whether it runs on the simulation.
    pub is_simulated: bool,
    /// Whether it conducts the simulation itself.
    pub is_conducted: bool,
    /// `timeout`
    pub timeout: Option<Duration>,
    /// `real_timeout`
    pub real_timeout: Option<Duration>,
    /// The first seed.
    pub seed: u64,
    /// How many seeds, counted from the first.
    pub seeds: u64,
    /// `faults`
    pub faults: Option<&'static str>,
    /// `should_fail`
    pub should_fail: Option<&'static str>,
    /// `fails_with`
    pub fails_with: Option<&'static str>,
}

/// Sets an argument up; its tear-down comes when the test is over.
///
/// # Errors
/// As the fixture says.
pub async fn set_up<F: Fixture>(trial: &Trial) -> Result<F, Failure> {
    let fixture = F::set_up(trial).await?;
    let torn = fixture.clone();
    trial.push_cleanup(Box::new(move || {
        Running::Future(Box::pin(async move {
            torn.tear_down().await.map_err(|failure| Fault::from_failure(&failure))
        }))
    }));
    Ok(fixture)
}

/// A future is a test.
pub fn run_future<O: Outcome>(future: impl Future<Output = O> + 'static) -> Running {
    Running::Future(Box::pin(async move { future.await.ended() }))
}

/// A call was a test, or has begun one.
pub fn run_now<B: Begun>(begun: B) -> Running {
    begun.running()
}

/// Does not compile for the simulation.
///
/// # Panics
/// While compiling.
pub const fn must_not_be_simulated<F: Fixture>() {
    assert!(
        !F::SIMULATED,
        "a test with `on = \"mio\"` or `on = \"both\"` has no simulation: take a `Reactor`"
    );
}
