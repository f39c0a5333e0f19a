//! The service itself: texts in, texts out. Knows no network.
//!
//! Tests: `tests/suite/transform_service.rs`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Deferred, fail, succeed};

use super::client::TRANSFORM_BYTES_MAX;
use super::list::BUILT_IN;
use super::refusal::Refusal;
use crate::poem::Poem;

/// Whatever can transform a poem, at once or later: what a [`TransformServer`](super::TransformServer) asks.
pub trait Transformer: 'static {
    /// The poem, transformed.
    ///
    /// # Errors
    /// A [`Refusal`] is a no, and the client's connection ends cleanly without an answer. Any other failure is an
    /// accident, and the connection is reset.
    ///
    /// # Cancelling
    /// Nobody waits for the answer any more.
    fn transform(&self, name: &str, poem: &str) -> Deferred<Poem>;
}

type Function = Rc<dyn Fn(&str) -> String>;

/// Transforms poems by functions that have names. A cheap clone.
///
/// ```
/// use sestina_poetry::{Refusal, TransformService};
///
/// let service = TransformService::new().with_transform("sigh", "with feeling", |poem| format!("{poem} ... ah"))?;
/// assert_eq!(service.apply("sigh", "Where?").as_deref(), Ok("Where? ... ah"));
/// assert_eq!(service.apply("cummingsify", "HERE IS MY POEM").as_deref(), Ok("here is my poem"));
/// assert_eq!(service.apply("burn", "it"), Err(Refusal::Unknown { name: "burn".to_owned() }));
/// # Ok::<(), sestina_poetry::BadTransformName>(())
/// ```
#[derive(Clone)]
pub struct TransformService {
    transforms: Rc<BTreeMap<String, (String, Function)>>,
    bytes_max: usize,
}

impl TransformService {
    /// A service with the transforms that come with it: [`BUILT_IN`].
    #[must_use]
    pub fn new() -> Self {
        let built_in = BUILT_IN.iter().map(|built_in| {
            let function: Function = Rc::new(built_in.transform);
            (built_in.name.to_owned(), (built_in.about.to_owned(), function))
        });
        Self { transforms: Rc::new(built_in.collect()), bytes_max: TRANSFORM_BYTES_MAX }
    }

    /// A service that knows nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self { transforms: Rc::default(), bytes_max: TRANSFORM_BYTES_MAX }
    }

    /// The same with one transform more, or with this one in the place of another of its name.
    ///
    /// `transform` runs on the reactor's thread: while it works, nobody is served. If it panics, the client's connection
    /// is reset, and nothing else happens.
    ///
    /// # Errors
    /// If a request cannot say that name: it is empty, or has a dot.
    pub fn with_transform(
        mut self,
        name: &str,
        about: &str,
        transform: impl Fn(&str) -> String + 'static,
    ) -> Result<Self, BadTransformName> {
        if !can_be_asked_for(name) {
            return Err(BadTransformName(name.to_owned()));
        }
        let function: Function = Rc::new(transform);
        Rc::make_mut(&mut self.transforms).insert(name.to_owned(), (about.to_owned(), function));
        Ok(self)
    }

    /// Sets how long an answer may be, in bytes; [`TRANSFORM_BYTES_MAX`], because clients do not read more.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// The names, each with what it does, in alphabetical order.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.transforms.iter().map(|(name, (about, _))| (name.as_str(), about.as_str()))
    }

    /// Transforms a text.
    ///
    /// # Errors
    /// If there is no such transform, or if its answer is too long.
    pub fn apply(&self, name: &str, poem: &str) -> Result<String, Refusal> {
        let Some((_, transform)) = self.transforms.get(name) else {
            return Err(Refusal::Unknown { name: name.to_owned() });
        };
        let answer = transform(poem);
        let (bytes, limit) = (answer.len(), self.bytes_max);
        if bytes > limit { Err(Refusal::AnswerTooLong { bytes, limit }) } else { Ok(answer) }
    }
}

/// Whether a request can say this name: it ends at the first dot.
pub(super) fn can_be_asked_for(name: &str) -> bool {
    !name.is_empty() && !name.contains('.')
}

impl Default for TransformService {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TransformService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.transforms.keys()).finish()
    }
}

impl Transformer for TransformService {
    fn transform(&self, name: &str, poem: &str) -> Deferred<Poem> {
        match self.apply(name, poem) {
            Ok(answer) => succeed(Poem::from_bytes(answer)),
            Err(refusal) => fail(refusal),
        }
    }
}

/// No request can say this name: it is empty, or has a dot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadTransformName(pub String);

impl fmt::Display for BadTransformName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "'{}' is no name of a transform: give one without a dot", self.0.escape_debug())
    }
}

impl Error for BadTransformName {}
