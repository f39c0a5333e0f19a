//! What a test is given, made before it begins and ended after it.

use std::future::Future;

use sestina_deferred::Failure;
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

use crate::trial::Trial;

/// An argument of a test, with asynchronous set-up and tear-down.
///
/// Arguments are set up in their order and torn down in the opposite one. A handle is what fits best: the test gets a
/// clone of what is torn down.
///
/// ```
/// use sestina_trial::{Fixture, Trial, TestResult};
/// # use sestina_deferred::Failure;
/// # use sestina_reactor::{Address, Conn, Endpoint, Port, Protocol};
/// # struct Greeter;
/// # impl Protocol for Greeter {}
///
/// #[derive(Clone)]
/// struct Server { port: Port }
///
/// impl Fixture for Server {
///     async fn set_up(trial: &Trial) -> Result<Self, Failure> {
///         let port = trial.reactor().listen(&Endpoint::loopback(0), |_: &Address| Greeter)?;
///         Ok(Self { port })
///     }
///
///     async fn tear_down(self) -> Result<(), Failure> {
///         self.port.stop_listening().await
///     }
/// }
///
/// #[sestina_trial::test]
/// async fn a_server_has_a_free_port(server: Server) {
///     assert_ne!(server.port.local_addr().port(), Some(0));
/// }
/// # fn main() {}
/// ```
///
/// # Errors
/// A set-up that fails fails the test, and the test itself is not called; what was set up before is torn down.
///
/// # Order
/// A clean-up that a set-up adds ([`Trial::add_cleanup`]) runs also if the rest of that set-up fails; it comes after
/// the tear-down, because it was there first.
#[diagnostic::on_unimplemented(
    message = "a test is given a `Reactor`, a `Simulation`, a `Trial` or a `Fixture` of yours, not `{Self}`",
    label = "nobody knows how to make this"
)]
pub trait Fixture: Clone + 'static {
    /// Whether this is the simulation itself, so that the test runs outside of all its hosts.
    #[doc(hidden)]
    const SIMULATED: bool = false;

    /// Makes it.
    fn set_up(trial: &Trial) -> impl Future<Output = Result<Self, Failure>>;

    /// Ends it. Does nothing unless it is written.
    fn tear_down(self) -> impl Future<Output = Result<(), Failure>> {
        async { Ok(()) }
    }
}

/// The test's own reactor; on the simulation, the one of the host `main`.
impl Fixture for Reactor {
    async fn set_up(trial: &Trial) -> Result<Self, Failure> {
        Ok(trial.reactor())
    }
}

/// The simulation of this test: see [`Simulation`] for several hosts, lines and faults.
impl Fixture for Simulation {
    const SIMULATED: bool = true;

    async fn set_up(trial: &Trial) -> Result<Self, Failure> {
        trial.simulation().ok_or_else(|| Failure::msg("this test has no simulation"))
    }
}

impl Fixture for Trial {
    async fn set_up(trial: &Trial) -> Result<Self, Failure> {
        Ok(trial.clone())
    }
}
