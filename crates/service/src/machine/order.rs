//! What the machine has done by others.

use crate::errors::ServiceError;
use crate::machine::node::Id;
use crate::state::{State, Step};

/// Something to be carried out, or told.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Begin this step. A privileged start makes the instance first.
    Run { id: Id, instance: u64, step: Step },
    /// This start is not wanted any more; its answer is still waited for.
    Cancel { id: Id, instance: u64, step: Step, timed_out: bool },
    /// Whatever comes of this step, nobody waits for it.
    Abort { id: Id, instance: u64, step: Step },
    /// This instance is over: let it go, and tell those who watch it. No failure: it was stopped.
    Ended { id: Id, instance: u64, why: Option<ServiceError> },
    /// A parent is at rest.
    GroupEnded { id: Id, why: Option<ServiceError> },
    /// A service has failed; nothing is to be done but to say so.
    Failed { id: Id, error: ServiceError, restart: bool },
    /// A service did not stop as it should.
    Trouble { error: ServiceError },
    /// Another state.
    Changed { id: Id, path: String, state: State },
    /// The node is taken out of the tree.
    Removed { id: Id, troubles: Vec<ServiceError> },
    /// An addition or a restart by hand is decided.
    Settled { id: Id, result: Result<(), ServiceError> },
    /// Something that was asked of the whole tree is decided.
    Answer(Answer),
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// All privileged starts have answered.
    Bound,
    /// All starts have answered.
    Up,
    /// It did not start, and all is at rest again.
    NotStarted(ServiceError, Vec<ServiceError>),
    /// It ran, gave up, and all is at rest.
    Failed(ServiceError, Vec<ServiceError>),
    /// It was stopped, and all is at rest.
    Stopped(Vec<ServiceError>),
}
