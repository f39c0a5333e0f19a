//! The running test, as its own code sees it.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use sestina_deferred::{IntoOutcome, maybe_deferred, take_unhandled, tell_time};
use sestina_reactor::{Factory, Reactor, Time};
use sestina_reactor_sim::Simulation;

use crate::doubles::Listening;
use crate::log::{Log, LoggedError};
use crate::outcome::{Running, Skip, words_of};
use crate::runtime::Test;
use crate::world::World;

/// The running test: its reactor, its clean-ups, what it has logged. A cheap handle; a test gets it as an argument, and
/// fixtures are given it. The functions of this crate with the same names find it by themselves.
///
/// ```
/// use sestina_trial::Trial;
///
/// #[sestina_trial::test]
/// async fn a_test_knows_its_name(trial: Trial) {
///     assert!(trial.name().ends_with("a_test_knows_its_name"));
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Trial(Rc<Inner>);

struct Inner {
    test: &'static Test,
    seed: u64,
    world: World,
    log: Arc<Log>,
    cleanups: RefCell<Vec<Cleanup>>,
    /// Unhandled errors that were seen and not flushed.
    unhandled: RefCell<Vec<sestina_deferred::Unhandled>>,
}

pub(crate) type Cleanup = Box<dyn FnOnce() -> Running>;

thread_local! {
    /// The test of this thread: each has a thread of its own.
    static CURRENT: RefCell<Weak<Inner>> = const { RefCell::new(Weak::new()) };
}

impl Trial {
    pub(crate) fn begin(test: &'static Test, seed: u64, world: World, log: Arc<Log>) -> Self {
        let inner =
            Inner { test, seed, world, log, cleanups: RefCell::default(), unhandled: RefCell::default() };
        let trial = Self(Rc::new(inner));
        CURRENT.set(Rc::downgrade(&trial.0));
        trial
    }

    /// The test that runs on this thread.
    #[track_caller]
    fn current() -> Self {
        let current = CURRENT.with_borrow(Weak::upgrade);
        Self(current.expect("this is called on the thread of a running #[sestina::test]"))
    }

    pub(crate) fn world(&self) -> &World {
        &self.0.world
    }

    /// Tells the time to those who have no clock: deferreds and the log.
    pub(crate) fn tell_time(&self) {
        let now = self.0.world.now() - Time::ZERO;
        tell_time(now);
        self.0.log.set_time(now);
    }

    pub(crate) fn test(&self) -> &'static Test {
        self.0.test
    }

    /// The path of the test, as `cargo test` prints it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        crate::report::name(self.0.test)
    }

    /// The seed that decides everything on the simulation.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The test's own reactor; on the simulation, that of the host `main`.
    #[must_use]
    pub fn reactor(&self) -> Reactor {
        self.0.world.reactor()
    }

    /// The simulation, if the test runs on one.
    #[must_use]
    pub fn simulation(&self) -> Option<Simulation> {
        match &self.0.world {
            World::Simulated { simulation, .. } => Some(simulation.clone()),
            World::Real(_) => None,
        }
    }

    /// See [`add_cleanup`].
    pub fn add_cleanup<R: IntoOutcome<Out = ()>>(&self, f: impl FnOnce() -> R + 'static) {
        self.push_cleanup(Box::new(move || Running::Later(maybe_deferred(f).map(Ok))));
    }

    pub(crate) fn push_cleanup(&self, cleanup: Cleanup) {
        self.0.cleanups.borrow_mut().push(cleanup);
    }

    pub(crate) fn pop_cleanup(&self) -> Option<Cleanup> {
        self.0.cleanups.borrow_mut().pop()
    }

    /// See [`flush_logged_errors`].
    #[must_use = "they are gone from the test's report: look how many there are"]
    pub fn flush_logged_errors<E: Error + 'static>(&self) -> Vec<LoggedError> {
        self.flush(|error| error.is::<E>())
    }

    fn flush(&self, mut wanted: impl FnMut(&LoggedError) -> bool) -> Vec<LoggedError> {
        let mut flushed = self.0.log.flush(&mut wanted);
        self.gather_unhandled();
        let mut left = Vec::new();
        for unhandled in self.0.unhandled.take() {
            let error = LoggedError::unhandled(&unhandled);
            if wanted(&error) { flushed.push(error) } else { left.push(unhandled) } // user code: not borrowed
        }
        self.0.unhandled.borrow_mut().splice(0..0, left);
        flushed
    }

    /// Takes what has gone unhandled since the last time.
    pub(crate) fn gather_unhandled(&self) {
        self.0.unhandled.borrow_mut().extend(take_unhandled());
    }

    /// What went unhandled and was not flushed, in words.
    pub(crate) fn unhandled(&self) -> Vec<String> {
        self.gather_unhandled();
        let all = self.0.unhandled.borrow();
        all.iter()
            .map(|unhandled| {
                format!("{}, in the deferred made at {}", words_of(unhandled.failure()), unhandled.location())
            })
            .collect()
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Trial({}, seed {})", self.name(), self.0.seed)
    }
}

/// Calls `f` when the test is over, however it ended, and waits for the deferred that it may return.
///
/// Clean-ups and the tear-downs of fixtures are one pile: what was added last comes first, each when the one before has
/// ended. All run, also if one fails; every failure is reported. A clean-up may add clean-ups. Then it is checked that
/// nothing is left behind. (Twisted runs all clean-ups before `tearDown`; here a clean-up that a set-up added comes
/// after the tear-down of what it made, in the order in which one takes down what one has built.)
///
/// Each clean-up may take as long as the test.
///
/// ```
/// # use sestina_reactor::{Address, Endpoint, Protocol, Reactor};
/// # struct Greeter;
/// # impl Protocol for Greeter {}
/// #[sestina_trial::test]
/// async fn a_port_is_closed_at_the_end(reactor: Reactor) {
///     let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| Greeter).unwrap();
///     sestina_trial::add_cleanup(move || port.stop_listening());
/// }
/// # fn main() {}
/// ```
///
/// # Panics
/// On a thread that no test of this harness runs on.
#[track_caller]
pub fn add_cleanup<R: IntoOutcome<Out = ()>>(f: impl FnOnce() -> R + 'static) {
    Trial::current().add_cleanup(f);
}

/// Takes the errors of this type that were logged so far, or went unhandled in deferreds, so that they do not fail the
/// test. Says which they were: an expected error that was not logged is an error too.
///
/// The type is known of failures (`tracing::error!(error = &*Box::<dyn Error>::from(failure))`, as the reactor does),
/// and of the errors of `sestina-reactor` and `std::io`. A type of your own that was logged as an error
/// (`tracing::error!(error = &error as &(dyn Error + 'static))`) goes by its name, which a derived `Debug` of a struct
/// begins with. An enum's does not, and mere words have no type: for these there is [`flush_errors`].
///
/// # Panics
/// On a thread that no test of this harness runs on.
///
/// # Limits
/// Of logged errors 100 are kept. Further ones are only counted, and fail the test: a test that logs more flushes now and
/// then.
///
/// ```
/// use sestina_deferred::{Failure, fail};
/// use std::num::ParseIntError;
///
/// #[sestina_trial::test]
/// fn a_wrong_number_is_reported() {
///     drop(fail::<u32>("four".parse::<u32>().unwrap_err())); // nobody looks at it
///     assert_eq!(sestina_trial::flush_logged_errors::<ParseIntError>().len(), 1);
/// }
/// # fn main() {}
/// ```
#[track_caller]
#[must_use = "they are gone from the test's report: look how many there are"]
pub fn flush_logged_errors<E: Error + 'static>() -> Vec<LoggedError> {
    Trial::current().flush_logged_errors::<E>()
}

/// Takes the logged and unhandled errors for which `wanted` holds: see [`flush_logged_errors`].
///
/// # Panics
/// On a thread that no test of this harness runs on.
#[track_caller]
#[must_use = "they are gone from the test's report: look how many there are"]
pub fn flush_errors(wanted: impl FnMut(&LoggedError) -> bool) -> Vec<LoggedError> {
    Trial::current().flush(wanted)
}

/// Ends the test without a verdict: it is counted as passed, because `cargo test` knows nothing else, and a line on
/// stderr says that it was skipped, and why. Clean-ups run. To skip always, write `skip = "reason"` in the attribute.
///
/// # Panics
/// Always: that is how it ends the test. Do not call it in a protocol's method, where the reactor catches panics.
pub fn skip(reason: impl Into<String>) -> ! {
    std::panic::resume_unwind(Box::new(Skip(reason.into())))
}

/// Listens on a free port of the loopback for as long as the test runs: it is closed when the test is over. Connections that
/// it has accepted are not: that is up to those who hold them.
///
/// ```
/// # use sestina_reactor::{Address, Conn, Protocol, Reactor};
/// # struct Greeter;
/// # impl Protocol for Greeter {
/// #     fn connection_made(&mut self, conn: &mut Conn<'_>) {
/// #         conn.write(b"good day");
/// #         conn.lose_connection();
/// #     }
/// # }
/// #[sestina_trial::test]
/// async fn a_greeter_greets(reactor: Reactor) -> sestina_trial::TestResult {
///     let server = sestina_trial::listening(|_: &Address| Greeter);
///     let stream = reactor.connect_stream(server.endpoint()).await?;
///     assert_eq!(stream.read_to_end(100).await?, b"good day");
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// # Panics
/// On a thread that no test of this harness runs on; if there is no free port.
#[track_caller]
pub fn listening(factory: impl Factory) -> Listening {
    let trial = Trial::current();
    trial.listening_on(&trial.reactor(), factory)
}
