//! Many deferreds as one.
//!
//! Walk: the members are given away here; `gathering.rs` collects their answers.
//! Tests: `tests/suite/lists.rs`, `tests/suite/races.rs`.

use std::fmt;
use std::panic::Location;

use crate::cancelled::Cancelled;
use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::failure_group::FailureGroup;
use crate::first_error::FirstError;
use crate::gathering::{Rule, gather};
use crate::outcome::Res;

/// Waits for many deferreds at once.
///
/// Takes its members by value, so their errors are the list's to handle. [`settle`](Self::settle) waits for
/// all and never fails; [`first`](Self::first) is content with one. [`gather_results`], [`all_settled`] and
/// [`race`] are its most frequent uses in one word.
///
/// ```
/// use sestina_deferred::{DeferredList, Failure, deferred};
///
/// let (one, d1) = deferred();
/// let (two, d2) = deferred();
/// let list = DeferredList::new([d1, d2]).settle();
/// two.errback(Failure::msg("d2 failed"));
/// one.callback("d1 result");
/// let answers = list.try_result().unwrap().unwrap();
/// assert_eq!(*answers[0].as_ref().unwrap(), "d1 result"); // in the order of the list
/// assert_eq!(answers[1].as_ref().unwrap_err().to_string(), "d2 failed");
/// ```
///
/// # Cancelling
/// Cancelling the list cancels all members. It still waits for their answers: a member may need time, or
/// refuse. Each further cancel reaches the members that have not answered.
pub struct DeferredList<T: 'static> {
    members: Vec<Deferred<T>>,
    fire_on_one_errback: bool,
    consume_errors: bool,
    at: &'static Location<'static>,
}

impl<T> DeferredList<T> {
    /// A list of these.
    #[track_caller]
    #[must_use = "`settle` or `first` make a deferred of it"]
    pub fn new(members: impl IntoIterator<Item = Deferred<T>>) -> Self {
        Self {
            members: members.into_iter().collect(),
            fire_on_one_errback: false,
            consume_errors: false,
            at: Location::caller(),
        }
    }

    /// The same, made for another line of the user's.
    pub(crate) fn made_at(self, at: &'static Location<'static>) -> Self {
        Self { at, ..self }
    }

    /// Whether the list fails with [`FirstError`] as soon as one member fails. [`settle`](Self::settle) lets the others
    /// go on, [`first`](Self::first) cancels them.
    #[must_use]
    pub fn fire_on_one_errback(self, yes: bool) -> Self {
        Self { fire_on_one_errback: yes, ..self }
    }

    /// Whether errors that arrive after the list has fired are dropped in silence. Otherwise they are reported
    /// as unhandled, except for [`Cancelled`].
    #[must_use]
    pub fn consume_errors(self, yes: bool) -> Self {
        Self { consume_errors: yes, ..self }
    }

    /// Fires when all members have answered, with their answers in the order of the list. An empty list fires
    /// at once.
    ///
    /// # Errors
    /// None, unless [`fire_on_one_errback`](Self::fire_on_one_errback) says so.
    #[must_use = "the list's errors are lost with it"]
    pub fn settle(self) -> Deferred<Vec<Res<T>>> {
        let rule = Settle { fails_at_once: self.fire_on_one_errback };
        gather(self.members, rule, !self.consume_errors, self.at)
    }

    /// Fires with the first value and the index of the member that gave it, and cancels the other members.
    /// This is Twisted's `fireOnOneCallback`.
    ///
    /// # Errors
    /// [`FailureGroup`] if all fail, and at once if the list is empty. [`FirstError`] if
    /// [`fire_on_one_errback`](Self::fire_on_one_errback) says so. [`Cancelled`] if the list was cancelled, and nobody
    /// answered anything else.
    #[must_use = "the list's errors are lost with it"]
    pub fn first(self) -> Deferred<(usize, T)> {
        let rule = First { fails_at_once: self.fire_on_one_errback, at: self.at };
        gather(self.members, rule, !self.consume_errors, self.at)
    }

    /// Fires with all values in the order of the list.
    pub(crate) fn values(self) -> Deferred<Vec<T>> {
        gather(self.members, Values, !self.consume_errors, self.at)
    }
}

impl<T> fmt::Debug for DeferredList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeferredList")
            .field("members", &self.members)
            .field("fire_on_one_errback", &self.fire_on_one_errback)
            .field("consume_errors", &self.consume_errors)
            .finish_non_exhaustive()
    }
}

/// Waits for all, and gives their answers, whether values or failures, in their order.
///
/// ```
/// use sestina_deferred::{Failure, all_settled, fail, succeed};
///
/// let answers = all_settled([succeed(1), fail(Failure::msg("x"))]).try_result().unwrap().unwrap();
/// assert!(answers[0].is_ok() && answers[1].is_err());
/// ```
#[track_caller]
#[must_use = "errors of the members are lost with it"]
pub fn all_settled<T>(members: impl IntoIterator<Item = Deferred<T>>) -> Deferred<Vec<Res<T>>> {
    DeferredList::new(members).settle()
}

/// Waits for all values, in their order.
///
/// # Errors
/// [`FirstError`] as soon as one fails. The others go on; errors of theirs that come later are reported, except
/// for [`Cancelled`]. Of a list that was cancelled, a member's `Cancelled` is the list's own.
///
/// ```
/// use sestina_deferred::{gather_results, succeed};
///
/// assert_eq!(gather_results([succeed(1), succeed(2)]).try_result().unwrap().unwrap(), [1, 2]);
/// ```
#[track_caller]
#[must_use = "errors of the members are lost with it"]
pub fn gather_results<T>(members: impl IntoIterator<Item = Deferred<T>>) -> Deferred<Vec<T>> {
    DeferredList::new(members).values()
}

/// Waits for the first value, and cancels the others.
///
/// Errors of the losers do not matter: neither before somebody wins nor after.
///
/// # Cancelling
/// Cancels all. If one answers that with a value, it wins.
///
/// # Errors
/// [`FailureGroup`] if all fail, and at once if there is nobody. [`Cancelled`] if it was cancelled, and nobody answered
/// anything else.
///
/// ```
/// use sestina_deferred::{deferred, race};
///
/// let (mirror, slow) = deferred::<&str>();
/// let (origin, fast) = deferred();
/// let winner = race([slow, fast]);
/// origin.callback("poem");
/// assert_eq!(winner.try_result().unwrap().unwrap(), (1, "poem"));
/// assert!(mirror.is_cancelled());
/// ```
#[track_caller]
#[must_use = "errors of the members are lost with it"]
pub fn race<T>(members: impl IntoIterator<Item = Deferred<T>>) -> Deferred<(usize, T)> {
    DeferredList::new(members).consume_errors(true).first()
}

/// What a member's failure means to a list that does not wait for the others.
fn first_error(is_asked: bool, index: usize, failure: Failure) -> Failure {
    if is_asked && failure.is::<Cancelled>() {
        return failure; // the list was cancelled, and says so
    }
    let at = failure.location();
    Failure::located(FirstError::new(index, failure), at)
}

/// All answers.
struct Settle {
    fails_at_once: bool,
}

impl<T: 'static> Rule<T> for Settle {
    type Out = Vec<Res<T>>;

    fn decide(&self, is_asked: bool, index: usize, answer: Res<T>) -> Result<Res<Self::Out>, Res<T>> {
        match answer {
            Err(failure) if self.fails_at_once => Ok(Err(first_error(is_asked, index, failure))),
            answer => Err(answer),
        }
    }

    fn conclude(&self, _is_asked: bool, answers: Vec<Res<T>>) -> Res<Self::Out> {
        Ok(answers)
    }
}

/// All values.
struct Values;

impl<T: 'static> Rule<T> for Values {
    type Out = Vec<T>;

    fn decide(&self, is_asked: bool, index: usize, answer: Res<T>) -> Result<Res<Self::Out>, Res<T>> {
        match answer {
            Err(failure) => Ok(Err(first_error(is_asked, index, failure))),
            answer => Err(answer),
        }
    }

    fn conclude(&self, _is_asked: bool, answers: Vec<Res<T>>) -> Res<Self::Out> {
        answers.into_iter().collect()
    }
}

/// One value.
struct First {
    fails_at_once: bool,
    /// The user's line that made the list.
    at: &'static Location<'static>,
}

impl<T: 'static> Rule<T> for First {
    type Out = (usize, T);

    fn decide(&self, is_asked: bool, index: usize, answer: Res<T>) -> Result<Res<Self::Out>, Res<T>> {
        match answer {
            Ok(value) => Ok(Ok((index, value))),
            Err(failure) if self.fails_at_once => Ok(Err(first_error(is_asked, index, failure))),
            answer => Err(answer),
        }
    }

    fn conclude(&self, is_asked: bool, answers: Vec<Res<T>>) -> Res<Self::Out> {
        let mut failures: Vec<Failure> = answers.into_iter().filter_map(Result::err).collect();
        let is_cancelled = is_asked && failures.iter().all(Failure::is::<Cancelled>);
        let Some(last) = failures.pop() else {
            return Err(Failure::located(FailureGroup::new(failures), self.at));
        };
        if is_cancelled {
            return Err(last); // the list was cancelled, and says so
        }
        let at = last.location();
        failures.push(last);
        Err(Failure::located(FailureGroup::new(failures), at))
    }

    fn cancels_losers(&self) -> bool {
        true
    }
}
