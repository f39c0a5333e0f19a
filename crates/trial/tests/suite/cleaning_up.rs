//! In which order things are made and taken down, and that a clean-up may wait.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Failure, succeed};
use sestina_reactor::{Endpoint, Reactor};
use sestina_trial::{Fixture, TestResult, Trial, add_cleanup, assert_failure, skip};

/// Long enough to be noticed, on both drivers.
const A_WHILE: Duration = Duration::from_millis(2);

thread_local! {
    /// Each run of a test has a thread of its own.
    static DONE: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn note(what: &'static str) {
    DONE.with_borrow_mut(|done| done.push(what));
}

#[derive(Clone)]
struct First(Reactor);

impl Fixture for First {
    async fn set_up(trial: &Trial) -> Result<Self, Failure> {
        // The very last of all: here the whole order can be looked at.
        trial.add_cleanup(|| {
            let expected = [
                "first is made",
                "second is made",
                "the test",
                "the last clean-up waits",
                "it has waited",
                "the first clean-up",
                "added by a clean-up",
                "second is taken down",
                "of the second's set-up",
                "first is taken down",
            ];
            DONE.with_borrow(|done| assert_eq!(*done, expected));
            succeed(())
        });
        trial.reactor().sleep(A_WHILE).await?;
        note("first is made");
        Ok(Self(trial.reactor()))
    }

    async fn tear_down(self) -> Result<(), Failure> {
        self.0.sleep(A_WHILE).await?;
        note("first is taken down");
        Ok(())
    }
}

#[derive(Clone)]
struct Second;

impl Fixture for Second {
    async fn set_up(trial: &Trial) -> Result<Self, Failure> {
        trial.add_cleanup(|| note("of the second's set-up"));
        note("second is made");
        Ok(Self)
    }

    async fn tear_down(self) -> Result<(), Failure> {
        note("second is taken down");
        Ok(())
    }
}

#[sestina_trial::test(on = "both", timeout = "20s")]
async fn what_was_made_last_is_taken_down_first(first: First, _second: Second) -> TestResult {
    // spec: P15-02, P15-14, P15-25
    note("the test");
    let reactor = first.0;
    add_cleanup(|| {
        note("the first clean-up");
        add_cleanup(|| note("added by a clean-up"));
    });
    add_cleanup(move || {
        note("the last clean-up waits");
        reactor.defer_later(A_WHILE, || note("it has waited"))
    });
    Ok(())
}

#[sestina_trial::test(should_fail = "it panics", fails_with = "a clean-up failed: it ran all the same")]
async fn clean_ups_run_after_a_panic() {
    add_cleanup(|| Err(Failure::msg("it ran all the same")));
    std::panic::resume_unwind(Box::new("on purpose"));
}

#[sestina_trial::test]
async fn clean_ups_run_after_a_skip(reactor: Reactor) {
    let port = reactor.listen(&Endpoint::loopback(0), |_: &sestina_reactor::Address| Silent).expect("a port");
    add_cleanup(move || port.stop_listening());
    skip("to see that a port is closed");
}

struct Silent;
impl sestina_reactor::Protocol for Silent {}

#[sestina_trial::test]
async fn the_error_of_an_expected_failure_is_given(reactor: Reactor) -> TestResult {
    let shared = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&shared);
    let refused = reactor.connect(&Endpoint::loopback(1), |_: &sestina_reactor::Address| Silent).connected();
    let error = assert_failure(refused, move |error: &sestina_reactor::ConnectError| {
        *seen.borrow_mut() = Some(error.to_string());
    })
    .await?;
    assert_eq!(Some(error.to_string()), *shared.borrow());
    Ok(())
}
