//! Builds the chain, fires it, and notes what happens.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Failure, Res, deferred};

use crate::pair::Pair;

/// What travels down the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    Value(String),
    Failure(String),
}

impl Carried {
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::Value(_) => Lane::Callbacks,
            Self::Failure(_) => Lane::Errbacks,
        }
    }
}

impl From<&Res<String>> for Carried {
    fn from(answer: &Res<String>) -> Self {
        match answer {
            Ok(value) => Self::Value(value.clone()),
            Err(failure) => Self::Failure(failure.to_string()),
        }
    }
}

impl fmt::Display for Carried {
    /// A star stands for "is a failure".
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => out.write_str(value),
            Self::Failure(value) => write!(out, "{value}*"),
        }
    }
}

/// The side of the chain on which something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Callbacks,
    Errbacks,
}

/// What was carried into the chain, and out of each pair.
#[derive(Debug)]
pub(crate) struct Trail {
    pub(crate) start: Carried,
    pub(crate) after: Vec<Carried>,
}

/// Makes a deferred with these pairs, and fires it with `start`.
pub(crate) fn fire(pairs: &[Pair], start: Carried) -> Trail {
    let after = Rc::new(RefCell::new(Vec::new()));
    let (resolver, mut d) = deferred::<String>();
    for pair in pairs {
        let Pair { callback, errback } = pair.clone();
        let notes = Rc::clone(&after);
        d = d
            .add_callbacks(move |value| callback.apply(Ok(value)), move |failure| errback.apply(Err(failure)))
            .inspect(move |answer| notes.borrow_mut().push(Carried::from(answer)));
    }
    match &start {
        Carried::Value(value) => resolver.callback(value.clone()),
        Carried::Failure(value) => resolver.errback(Failure::msg(value.clone())),
    }
    d.ignore_errors();
    Trail { start, after: after.take() }
}
