//! What waits, where it was made, for what, and how long.
//!
//! Walk: while debugging is on, or somebody watches this thread, each new node is noted here; [`unfired`] looks at
//! those that are left.
//! Invariant: the notes are weak: they keep no deferred alive.
//! Tests: `tests/debugging.rs`, `tests/suite/watching.rs`.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::debugging::is_watching;
use crate::executor;
use crate::node::{AnyNode, Node, Part};
use crate::status::State;
use crate::trace::Trace;

/// A deferred that has not fired.
#[derive(Clone, Debug)]
pub struct Unfired {
    made_at: &'static Location<'static>,
    trace: Trace,
    waits_on: WaitsOn,
    waited: Duration,
    chain: Vec<&'static Location<'static>>,
}

/// What a deferred waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsOn {
    /// Whoever holds its resolver.
    Resolver,
    /// Other deferreds, made there: the one above it in its chain or the one that a callback returned, what a
    /// task awaits, or the members of a list that have not answered.
    Deferreds(Vec<&'static Location<'static>>),
    /// A future that is not a deferred.
    ForeignFuture,
    /// Its own callback or task, which runs right now.
    Running,
    /// A [`PauseGuard`](crate::PauseGuard): the answer is here.
    Pause,
}

impl Unfired {
    /// Where it was made. For a chain, where the last callback was added.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.made_at
    }

    /// How the program came to make it; empty unless debugging was on.
    pub fn made(&self) -> &Backtrace {
        self.trace.made()
    }

    /// What it waits for.
    #[must_use]
    pub fn waits_on(&self) -> &WaitsOn {
        &self.waits_on
    }

    /// The way up its chain, from where the last callback was added to where the first deferred was made that
    /// has not fired.
    ///
    /// # Limits
    /// Of a longer way these are the first 64 places, from below.
    #[must_use]
    pub fn chain(&self) -> &[&'static Location<'static>] {
        &self.chain
    }

    /// How long it has waited.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

/// `{:#}` also shows the way up its chain.
impl fmt::Display for Unfired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "made at {}, waits {:?} for ", self.made_at, self.waited)?;
        match &self.waits_on {
            WaitsOn::Resolver => f.write_str("its resolver")?,
            WaitsOn::ForeignFuture => f.write_str("a foreign future")?,
            WaitsOn::Running => f.write_str("its own callback")?,
            WaitsOn::Pause => f.write_str("the end of a pause")?,
            WaitsOn::Deferreds(places) => {
                let places: Vec<String> = places.iter().map(ToString::to_string).collect();
                write!(f, "what was made at {}", places.join(", "))?;
            }
        }
        if f.alternate() {
            self.chain.iter().skip(1).try_for_each(|place| write!(f, "\n  below {place}"))?;
        }
        Ok(())
    }
}

thread_local! {
    static WATCHED: RefCell<Vec<Weak<dyn AnyNode>>> = const { RefCell::new(Vec::new()) };
}

/// All deferreds of this thread that were made while debugging was on, or inside of
/// [`watch_unfired`](crate::watch_unfired()), and have not fired, oldest first. One for each chain.
///
/// ```
/// use sestina_deferred::{WaitsOn, deferred, set_debugging, tell_time, unfired};
/// use std::time::Duration;
///
/// set_debugging(true);
/// tell_time(Duration::from_secs(10));
/// let (resolver, d) = deferred::<u32>();
/// let waiting = unfired(Duration::from_secs(12));
/// assert_eq!(*waiting[0].waits_on(), WaitsOn::Resolver);
/// assert_eq!(waiting[0].waited(), Duration::from_secs(2));
///
/// resolver.callback(1);
/// assert!(unfired(Duration::from_secs(12)).is_empty());
/// # set_debugging(false);
/// # drop(d);
/// ```
#[must_use]
pub fn unfired(now: Duration) -> Vec<Unfired> {
    let watched: Vec<Rc<dyn AnyNode>> =
        WATCHED.with_borrow(|all| all.iter().filter_map(Weak::upgrade).collect());
    watched.iter().filter(|node| is_unfired(&***node)).filter_map(|node| describe(node, now)).collect()
}

/// Notes a node that was just made.
#[cold]
#[inline(never)]
pub(crate) fn watch<T: 'static, P: Part<T>>(node: &Rc<Node<T, P>>) {
    if !is_watching() {
        return;
    }
    node.core.set_trace(Trace::made_now(executor::now()));
    let weak: Weak<Node<T, P>> = Rc::downgrade(node);
    // Out of reach means that the thread ends.
    WATCHED
        .try_with(|all| {
            let mut all = all.borrow_mut();
            if all.len() == all.capacity() {
                // Sweeping only when the vector would grow keeps the cost of a node constant.
                all.retain(|node| node.upgrade().is_some_and(|node| is_unfired(&*node)));
            }
            all.push(weak);
        })
        .ok();
}

/// Whether somebody who looks at what waits should see it: its answer is not here, or is held back.
pub(crate) fn is_unfired(node: &dyn AnyNode) -> bool {
    let state = node.status().state();
    state.is_open() || state == State::Held
}

fn describe(node: &Rc<dyn AnyNode>, now: Duration) -> Option<Unfired> {
    const CHAIN_MAX: usize = 64;
    let (trace, waits_on) = node.glimpse()?;
    let above = std::iter::successors(Some(Rc::clone(node)), |node| node.upstream());
    Some(Unfired {
        made_at: node.at(),
        waited: now.saturating_sub(trace.since()),
        trace,
        waits_on,
        chain: above.take(CHAIN_MAX).map(|node| node.at()).collect(),
    })
}
