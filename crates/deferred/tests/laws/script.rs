//! What a case does: operations on a few slots, each with a deferred and its resolver.

use proptest::collection::vec;
use proptest::prelude::*;

/// Slots of a case. Deferreds wait only for deferreds of later slots, so none waits for itself.
pub(crate) const SLOTS: usize = 4;

/// An answer in a form that can be compared.
pub(crate) type Ans = Result<i32, &'static str>;

pub(crate) const OOPS: &str = "oops";
pub(crate) const CANCELLED: &str = "cancelled";
pub(crate) const ABANDONED: &str = "abandoned: nobody is left to give the answer";

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Make(usize),
    Fire(usize, Ans),
    DropResolver(usize),
    Add(usize, Step),
    /// A task that awaits the deferred, and takes its place.
    Task(usize, Step),
    OnCancel(usize, At, Canceller),
    Pause(usize),
    Unpause(usize),
    Cancel(usize),
    Abort(usize),
    Drop(usize),
    Discard(usize),
    Ignore(usize),
    ChainTo(usize, usize),
    Take(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Resolver,
    Deferred,
}

/// A callback, or the rest of a task after its first await.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) id: u32,
    pub(crate) trigger: Trigger,
    pub(crate) ops: Vec<Op>,
    pub(crate) reaction: Reaction,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Trigger {
    Value,
    Failure,
    Both,
}

impl Trigger {
    pub(crate) fn matches(self, answer: &Ans) -> bool {
        match self {
            Self::Value => answer.is_ok(),
            Self::Failure => answer.is_err(),
            Self::Both => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Reaction {
    Value,
    Fail,
    /// Wait for the deferred of that slot.
    Return(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Canceller {
    pub(crate) id: u32,
    pub(crate) ops: Vec<Op>,
    pub(crate) reply: Reply,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Continue,
    With(Ans),
    Later,
}

fn answer() -> impl Strategy<Value = Ans> {
    prop_oneof![2 => (0..9).prop_map(Ok), 1 => Just(Err(OOPS))]
}

fn step(slot: usize, ops: BoxedStrategy<Vec<Op>>) -> impl Strategy<Value = Step> {
    let trigger = prop_oneof![Just(Trigger::Value), Just(Trigger::Failure), Just(Trigger::Both)];
    let reaction = prop_oneof![
        2 => Just(Reaction::Value),
        1 => Just(Reaction::Fail),
        3 => (slot + 1..=SLOTS).prop_map(|later| {
            if later < SLOTS { Reaction::Return(later) } else { Reaction::Value }
        }),
    ];
    (any::<u32>(), trigger, ops, reaction).prop_map(|(id, trigger, ops, reaction)| Step {
        id,
        trigger,
        ops,
        reaction,
    })
}

fn canceller(ops: BoxedStrategy<Vec<Op>>) -> impl Strategy<Value = Canceller> {
    let reply =
        prop_oneof![2 => Just(Reply::Continue), 1 => answer().prop_map(Reply::With), 1 => Just(Reply::Later)];
    (any::<u32>(), ops, reply).prop_map(|(id, ops, reply)| Canceller { id, ops, reply })
}

/// Operations, of which callbacks and cancellers do more inside.
fn op(depth: u32) -> BoxedStrategy<Op> {
    let inside = move || match depth {
        0 => Just(Vec::new()).boxed(),
        _ => vec(op(depth - 1), 0..3).boxed(),
    };
    let slot = 0..SLOTS;
    let at = prop_oneof![Just(At::Resolver), Just(At::Deferred)];
    prop_oneof![
        3 => slot.clone().prop_map(Op::Make),
        4 => (slot.clone(), answer()).prop_map(|(slot, answer)| Op::Fire(slot, answer)),
        2 => slot.clone().prop_map(Op::DropResolver),
        6 => slot.clone().prop_flat_map(move |slot| step(slot, inside()).prop_map(move |step| Op::Add(slot, step))),
        3 => slot.clone().prop_flat_map(move |slot| step(slot, inside()).prop_map(move |step| Op::Task(slot, step))),
        4 => (slot.clone(), at, canceller(inside())).prop_map(|(slot, at, canceller)| Op::OnCancel(slot, at, canceller)),
        2 => slot.clone().prop_map(Op::Pause),
        2 => slot.clone().prop_map(Op::Unpause),
        4 => slot.clone().prop_map(Op::Cancel),
        2 => slot.clone().prop_map(Op::Abort),
        1 => slot.clone().prop_map(Op::Drop),
        1 => slot.clone().prop_map(Op::Discard),
        1 => slot.clone().prop_map(Op::Ignore),
        2 => (1..SLOTS, slot.clone()).prop_map(|(from, to)| Op::ChainTo(from, to % from)),
        1 => slot.prop_map(Op::Take),
    ]
    .boxed()
}

/// A whole case. It starts with deferreds in all slots.
pub(crate) fn case() -> impl Strategy<Value = Vec<Op>> {
    vec(op(2), 1..30).prop_map(|ops| (0..SLOTS).map(Op::Make).chain(ops).collect())
}

/// How a case ends: everything is let go, also what callbacks make meanwhile.
pub(crate) fn end() -> Vec<Op> {
    let slot = |slot| [Op::DropResolver(slot), Op::Unpause(slot), Op::Drop(slot)];
    (0..2 * SLOTS).flat_map(|_| (0..SLOTS).flat_map(slot)).collect()
}
