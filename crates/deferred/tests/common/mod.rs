//! What the tests share: a log of events, a clock that is turned by hand, sizes.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{
    CancelCall, Clock, Deferred, Failure, Res, Resolver, Unhandled, collect_unhandled, deferred, succeed,
};

/// Whether the tests run at full size: on CI.
#[expect(clippy::disallowed_methods, reason = "the size of a test is the one thing the environment decides")]
pub(crate) fn is_full() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// As many deferreds, each with its resolver.
pub(crate) fn pairs<T, const N: usize>() -> ([Resolver<T>; N], [Deferred<T>; N]) {
    let mut resolvers = Vec::new();
    let deferreds = std::array::from_fn(|_| {
        let (resolver, d) = deferred();
        resolvers.push(resolver);
        d
    });
    let Ok(resolvers) = resolvers.try_into() else { unreachable!("N were made") };
    (resolvers, deferreds)
}

/// A loop of `rounds` deferreds of which each returns the next. The resolver of the one that it waits for is in `place`.
pub(crate) fn tick(rounds: u32, place: Rc<RefCell<Option<Resolver<()>>>>) -> Deferred<u32> {
    if rounds == 0 {
        return succeed(0);
    }
    let (resolver, d) = deferred::<()>();
    *place.borrow_mut() = Some(resolver);
    d.add_callback(move |()| tick(rounds - 1, place))
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Rc<RefCell<Vec<String>>>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push(line.into());
    }

    /// A closure that notes `line`.
    pub(crate) fn noting(&self, line: &'static str) -> impl FnOnce() + use<> {
        let log = self.clone();
        move || log.note(line)
    }

    /// What was noted since the last call.
    #[track_caller]
    pub(crate) fn expect<const N: usize>(&self, lines: [&str; N]) {
        let found = self.lines.take();
        assert_eq!(found, lines);
    }
}

/// A clock that stands still until a test turns it.
#[derive(Clone, Default)]
pub(crate) struct Hand {
    inner: Rc<HandInner>,
}

/// By time, then in the order in which they were asked for.
type Calls = BTreeMap<(Duration, u64), Box<dyn FnOnce()>>;

#[derive(Default)]
struct HandInner {
    now: Cell<Duration>,
    tickets: Cell<u64>,
    calls: RefCell<Calls>,
}

impl Hand {
    /// Number of calls that are due some day.
    pub(crate) fn calls(&self) -> usize {
        self.inner.calls.borrow().len()
    }

    /// Goes on, and makes the calls that fall due.
    pub(crate) fn advance(&self, by: Duration) {
        let now = self.inner.now.get() + by;
        self.inner.now.set(now);
        loop {
            let due = {
                let mut calls = self.inner.calls.borrow_mut();
                match calls.first_key_value() {
                    Some((&(at, _), _)) if at <= now => calls.pop_first(),
                    _ => None,
                }
            };
            let Some((_, call)) = due else { return };
            call();
        }
    }
}

impl Clock for Hand {
    type Call = HandCall;

    fn call_later(&self, after: Duration, f: Box<dyn FnOnce()>) -> HandCall {
        let ticket = self.inner.tickets.get();
        self.inner.tickets.set(ticket + 1);
        let key = (self.inner.now.get() + after, ticket);
        self.inner.calls.borrow_mut().insert(key, f);
        HandCall { clock: self.clone(), key }
    }
}

pub(crate) struct HandCall {
    clock: Hand,
    key: (Duration, u64),
}

impl CancelCall for HandCall {
    fn cancel(self) {
        let call = self.clock.inner.calls.borrow_mut().remove(&self.key);
        drop(call);
    }
}

/// The answer of a deferred that has fired.
#[track_caller]
#[expect(clippy::panic_in_result_fn, reason = "the result is what is tested; its absence fails the test")]
pub(crate) fn answer<T>(d: Deferred<T>) -> Res<T> {
    match d.try_result() {
        Ok(answer) => answer,
        Err(d) => panic!("no answer yet: {d:?}"),
    }
}

/// The value of a deferred that has fired with one.
#[track_caller]
pub(crate) fn value<T>(d: Deferred<T>) -> T {
    match answer(d) {
        Ok(value) => value,
        Err(failure) => panic!("failed: {failure:?}"),
    }
}

/// The failure of a deferred that has fired with one.
#[track_caller]
pub(crate) fn failure<T>(d: Deferred<T>) -> Failure {
    match answer(d) {
        Ok(_) => panic!("did not fail"),
        Err(failure) => failure,
    }
}

/// The errors that nobody handled while `f` ran, as text.
pub(crate) fn unhandled(f: impl FnOnce()) -> Vec<String> {
    let ((), errors) = collect_unhandled(f);
    errors.iter().map(|error: &Unhandled| error.failure().to_string()).collect()
}

/// Runs `f` on a thread with a small stack, so that recursion shows.
pub(crate) fn on_small_stack(f: impl FnOnce() + Send + 'static) {
    const STACK_BYTES: usize = 256 * 1024;
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(f);
    thread.expect("a thread can be started").join().expect("the test on the small stack passes");
}
