//! The loop that takes an answer down a chain, and the limit of its nesting.
//!
//! Walk: everything that fires or cancels comes through here; the loop calls `AnyNode::push`, which runs one
//! callback and says whose turn it is next.
//! Invariant: a chain of any length runs in one loop, never in recursion.
//! Invariant: user code that fires from inside of callbacks nests at most [`NESTING_MAX`] loops; what comes
//! deeper is queued, and the outermost loop runs it before it returns.
//! Tests: `tests/deep.rs`.

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
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Whether `SPILL` has jobs. Apart, because it has no destructor and is cheap to ask.
    static SPILLED: Cell<bool> = const { Cell::new(false) };
    static SPILL: RefCell<VecDeque<Job>> = const { RefCell::new(VecDeque::new()) };
}

/// One level of nesting. The outermost one runs the queue when it ends.
#[must_use]
pub(crate) struct Level(());

/// Enters a level, however deep.
#[inline]
pub(crate) fn enter() -> Level {
    DEPTH.set(DEPTH.get() + 1);
    Level(())
}

/// Enters a level, unless it would be too deep.
#[inline]
pub(crate) fn enter_unless_deep() -> Option<Level> {
    if is_deep() { None } else { Some(enter()) }
}

/// Whether the work at hand has to be queued.
#[inline]
pub(crate) fn is_deep() -> bool {
    DEPTH.get() >= NESTING_MAX
}

impl Drop for Level {
    #[inline]
    fn drop(&mut self) {
        if SPILLED.get() && DEPTH.get() == 1 {
            run_queue_and_leave();
        } else {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
}

/// The end of the outermost level.
#[cold]
fn run_queue_and_leave() {
    /// Leaves also when a destructor of the user's panics in a queued job.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    let _leave = Leave;
    run_queue();
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
    if DEPTH.get() == 0 {
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
        SPILLED.set(true);
    });
    if kept.is_err() {
        // The thread ends and has dropped its queue: recursion is all that is left.
        job.into_iter().for_each(run_job);
    }
}

fn run_queue() {
    loop {
        let job = SPILL.try_with(|spill| {
            let job = spill.borrow_mut().pop_front();
            SPILLED.set(job.is_some());
            job
        });
        let Ok(Some(job)) = job else { return };
        run_job(job);
    }
}

fn run_job(job: Job) {
    match job {
        Job::Push(node) => run(Some(node)),
        Job::Cancel(node, request) => request::climb(node, request),
    }
}
