//! A generator in the manner of Python's, made of an async block and deferreds.
//!
//! The introduction begins with generators to explain what `inlineCallbacks` does with them. Rust goes the other way
//! round: async functions are the functions that stop and go on, and here are generators made of one.
//!
//! The trick is one deferred for each value that is given away. The function gives a value and awaits a deferred;
//! whoever wants the next value fires that deferred, which is what runs the function on.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use sestina_deferred::{Deferred, Failure, Resolver, deferred, fail, spawn, succeed};

/// A function that gives values away one at a time, and stops in between. What is sent in is an `S`.
///
/// ```
/// use sestina_example_part17::Generator;
///
/// let squares = Generator::new(|squares| async move {
///     for n in 1..4 {
///         squares.give(n * n).await?;
///     }
///     Ok(())
/// });
/// assert_eq!(squares.collect::<Vec<_>>(), [1, 4, 9]);
/// ```
///
/// # Errors
/// A failure that the function returns is reported as unhandled when this is dropped: there is nobody to tell.
///
/// # Cancelling
/// Dropping it cancels the function that waits to give its next value.
pub struct Generator<Y: 'static, S: 'static = ()> {
    stage: Stage,
    exchange: Rc<RefCell<Exchange<Y, S>>>,
}

enum Stage {
    New(Pin<Box<dyn Future<Output = Result<(), Failure>>>>),
    Begun(Deferred<()>),
}

/// What the two sides hand each other.
struct Exchange<Y: 'static, S: 'static> {
    given: Option<Y>,
    go_on: Option<Resolver<S>>,
}

/// The inside of a [`Generator`]: how its function gives values away.
pub struct Values<Y: 'static, S: 'static = ()>(Rc<RefCell<Exchange<Y, S>>>);

impl<Y, S> Values<Y, S> {
    /// Gives a value away. The deferred fires when the next one is wanted, with what was sent in.
    ///
    /// # Errors
    /// What was thrown in; and if the last value has not been taken, because nobody awaited its deferred.
    pub fn give(&self, value: Y) -> Deferred<S> {
        let mut exchange = self.0.borrow_mut();
        if exchange.given.is_some() {
            return fail(Failure::msg("the value before has not been taken: await what `give` returns"));
        }
        let (resolver, sent) = deferred();
        exchange.given = Some(value);
        exchange.go_on = Some(resolver);
        sent
    }
}

impl<Y, S> Generator<Y, S> {
    /// Makes one of a function. It does not run before the first value is wanted.
    pub fn new<F>(function: impl FnOnce(Values<Y, S>) -> F) -> Self
    where
        F: Future<Output = Result<(), Failure>> + 'static,
    {
        let exchange = Rc::new(RefCell::new(Exchange { given: None, go_on: None }));
        let body = function(Values(Rc::clone(&exchange)));
        Self { stage: Stage::New(Box::pin(body)), exchange }
    }

    /// Runs it to its first value. `None` if it has none, and if it has begun before.
    pub fn start(&mut self) -> Option<Y> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Begun(succeed(()))) {
            Stage::New(body) => Stage::Begun(spawn(body)),
            begun @ Stage::Begun(_) => begun,
        };
        self.taken()
    }

    /// Sends a value in and runs on to the next one. `None` if it has ended, and if it has not begun.
    pub fn send(&mut self, value: S) -> Option<Y> {
        let resolver = self.exchange.borrow_mut().go_on.take()?;
        resolver.callback(value);
        self.taken()
    }

    /// The same with a failure, which is an error at the function's `await`.
    pub fn throw(&mut self, failure: Failure) -> Option<Y> {
        let resolver = self.exchange.borrow_mut().go_on.take()?;
        resolver.errback(failure);
        self.taken()
    }

    /// What the function gave away before it stopped.
    fn taken(&self) -> Option<Y> {
        self.exchange.borrow_mut().given.take()
    }
}

impl<Y> Iterator for Generator<Y> {
    type Item = Y;

    fn next(&mut self) -> Option<Y> {
        match self.stage {
            Stage::New(_) => self.start(),
            Stage::Begun(_) => self.send(()),
        }
    }
}

impl<Y, S> Drop for Generator<Y, S> {
    /// The function that nobody asks any more hears of it at its `await`. If it goes on, it is dropped where it stands:
    /// it holds what could fire its own deferred, and would never be freed.
    fn drop(&mut self) {
        if let Stage::Begun(task) = std::mem::replace(&mut self.stage, Stage::Begun(succeed(())))
            && !task.is_fired()
        {
            task.cancel();
            task.abort();
            task.ignore_errors();
        }
    }
}

impl<Y, S> fmt::Debug for Generator<Y, S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Generator")
            .field("has_begun", &matches!(self.stage, Stage::Begun(_)))
            .finish_non_exhaustive()
    }
}

impl<Y, S> fmt::Debug for Values<Y, S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Values")
    }
}
