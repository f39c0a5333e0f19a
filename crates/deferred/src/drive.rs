//! The loop that takes an answer down a chain, and the limit of its nesting.
//!
//! Walk: everything that fires or cancels comes through here; the loop calls `AnyNode::push`, which runs one
//! callback and says whose turn it is next.
//! Invariant: a chain of any length runs in one loop, never in recursion.
//! Invariant: user code that fires from inside of callbacks nests at most [`NESTING_MAX`] loops; what comes
//! deeper is queued, and the outermost loop runs it before it returns.
//! Tests: `tests/suite/deep.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::node::AnyNode;
use crate::request::{self, Request};
use crate::status::State;

/// How deep loops nest. A level costs the stack of the user's callback and about ten frames of ours; 32
/// levels fit in 64 KiB of an optimised build and 256 KiB of a debug build.
const NESTING_MAX: u32 = 32;

/// What was too deep to be done at once.
enum Job {
    Push(Rc<dyn AnyNode>),
    Cancel(Rc<dyn AnyNode>, Request),
}

thread_local! {
    /// How many levels are entered, and [`SPILLED`]. Apart from the queue, because it has no destructor: it is
    /// cheap to ask, and there until the very end of the thread.
    static NESTING: Cell<u32> = const { Cell::new(0) };
    static SPILL: RefCell<VecDeque<Job>> = const { RefCell::new(VecDeque::new()) };
}

/// The bit of `NESTING` that says that the queue has jobs.
const SPILLED: u32 = 1 << 31;

/// One level of nesting. The outermost one runs the queue when it ends.
#[must_use]
pub(crate) struct Level(());

/// Enters a level, unless it would be too deep: then the work at hand has to be queued.
#[inline]
pub(crate) fn enter_unless_deep() -> Option<Level> {
    NESTING.with(|nesting| {
        let now = nesting.get();
        if now & !SPILLED >= NESTING_MAX {
            return None;
        }
        nesting.set(now + 1);
        Some(Level(()))
    })
}

impl Drop for Level {
    #[inline]
    fn drop(&mut self) {
        NESTING.with(|nesting| {
            if nesting.get() == SPILLED | 1 {
                run_queue();
            }
            nesting.set(nesting.get() - 1);
        });
    }
}

/// Pushes a node and all that follow from it.
pub(crate) fn run(mut node: Option<Rc<dyn AnyNode>>) {
    while let Some(current) = node {
        node = current.push();
    }
}

/// Pushes a node now, or from the outermost loop if this is too deep.
pub(crate) fn start(node: Rc<dyn AnyNode>) {
    match enter_unless_deep() {
        Some(_level) => run(Some(node)),
        None => queue(node),
    }
}

/// Pushes a node from the outermost loop; now, if there is none.
///
/// For what a destructor starts: destructors nest by themselves, so one inside of a loop never starts another.
pub(crate) fn start_from_drop(node: Rc<dyn AnyNode>) {
    if NESTING.get() == 0 {
        start(node);
    } else {
        queue(node);
    }
}

/// Leaves a node to the outermost loop.
pub(crate) fn queue(node: Rc<dyn AnyNode>) {
    if node.status().state() == State::Fired {
        node.status().set_state(State::Queued);
    }
    spill(Job::Push(node));
}

/// Leaves a request to stop to the outermost loop.
pub(crate) fn queue_cancel(node: Rc<dyn AnyNode>, request: Request) {
    spill(Job::Cancel(node, request));
}

fn spill(job: Job) {
    let mut job = Some(job);
    let kept = SPILL.try_with(|spill| {
        spill.borrow_mut().extend(job.take());
        NESTING.set(NESTING.get() | SPILLED);
    });
    if kept.is_err() {
        // The thread ends and has dropped its queue: recursion is all that is left.
        job.into_iter().for_each(run_job);
    }
}

/// Runs what was queued, at the end of the outermost level.
#[cold]
fn run_queue() {
    while let Some(job) = next_job() {
        // A destructor of the user's may panic. The others have their turn before it goes on.
        let rest = RestOnPanic;
        run_job(job);
        std::mem::forget(rest);
    }
}

/// Runs the rest of the queue while a panic passes by, and leaves the level.
struct RestOnPanic;

impl Drop for RestOnPanic {
    fn drop(&mut self) {
        run_queue();
        NESTING.set(NESTING.get() - 1);
    }
}

fn next_job() -> Option<Job> {
    SPILL
        .try_with(|spill| {
            let job = spill.borrow_mut().pop_front();
            if job.is_none() {
                NESTING.set(NESTING.get() & !SPILLED);
            }
            job
        })
        .ok()
        .flatten()
}

fn run_job(job: Job) {
    match job {
        Job::Push(node) => run(Some(node)),
        Job::Cancel(node, request) => request::climb(node, request),
    }
}
