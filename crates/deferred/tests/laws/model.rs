//! The rules once more, written the naive way: nodes in a vector, recursion, nothing shared, nothing fast.

mod play;
use crate::script::{ABANDONED, Ans, CANCELLED, Canceller, Reply, Step};

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Waiting,
    Running,
    Held,
    Queued,
    Fired,
}

#[derive(Default)]
enum Next {
    #[default]
    Nobody,
    Node(usize),
    /// Nobody, so an error is reported, unless it is this one.
    Report(&'static str),
    Ignore,
}

#[derive(Default)]
struct Node {
    state: State,
    /// What it does with the answer that comes, until it does it.
    step: Option<Step>,
    is_task: bool,
    is_paused: bool,
    answer: Option<Ans>,
    next: Next,
    above: Option<usize>,
    cancellers: Vec<Canceller>,
    is_deaf: bool,
    is_asking: bool,
    /// A canceller that was asked has dropped the resolver.
    is_orphan: bool,
    /// A request that came while it ran; whether it is an abort.
    remembered: Option<bool>,
}

#[derive(Default)]
pub(crate) struct Model {
    nodes: Vec<Node>,
    depth: u32,
    /// What waits for the outermost level to end.
    queue: std::collections::VecDeque<usize>,
    case: play::Case,
}

impl Model {
    fn hang(&mut self, d: usize, node: Node) -> usize {
        let n = self.make(Node { above: Some(d), ..node });
        self.level(|model| model.give(d, Next::Node(n)));
        n
    }

    fn add(&mut self, d: usize, step: &Step) -> usize {
        let node = Node { step: Some(step.clone()), ..Node::default() };
        let Some(answer) = self.take_answer(d) else { return self.hang(d, node) };
        let mut place = self.make(Node::default());
        self.level(|model| match model.react(step, answer) {
            Ok(answer) => model.fire(place, answer),
            Err(inner) => place = inner, // it takes the place of the fired one
        });
        place
    }

    fn unpause(&mut self, gate: usize) {
        self.nodes[gate].is_paused = false;
        if self.nodes[gate].state == State::Held {
            self.level(|model| model.hand_on(gate));
        }
    }

    fn is_open(&self, n: usize) -> bool {
        matches!(self.nodes[n].state, State::Waiting | State::Running)
    }

    /// The outermost level ends with what destructors left behind.
    fn level(&mut self, f: impl FnOnce(&mut Self)) {
        self.depth += 1;
        f(self);
        while self.depth == 1
            && let Some(n) = self.queue.pop_front()
        {
            self.hand_on(n);
        }
        self.depth -= 1;
    }

    /// Somebody takes the deferred, or drops it.
    fn give(&mut self, d: usize, next: Next) {
        self.nodes[d].next = next;
        if self.nodes[d].state == State::Fired {
            self.hand_on(d);
        }
    }

    fn discard(&mut self, d: usize) {
        self.give(d, Next::Report(CANCELLED));
        self.cancel(d, false);
    }

    fn fire(&mut self, n: usize, answer: Ans) {
        self.nodes[n].answer = Some(answer);
        match self.nodes[n].is_paused {
            true => self.nodes[n].state = State::Held,
            false => self.hand_on(n),
        }
    }

    fn hand_on(&mut self, n: usize) {
        self.nodes[n].state = State::Fired;
        match (std::mem::take(&mut self.nodes[n].next), self.nodes[n].answer) {
            (Next::Node(below), Some(answer)) => self.receive(below, answer),
            (Next::Report(except), Some(Err(error))) if error != except => self.case.reports.push(error),
            _ => {}
        }
    }

    fn receive(&mut self, n: usize, answer: Ans) {
        if !self.is_open(n) {
            return;
        }
        let Some(step) = self.nodes[n].step.take() else { return self.fire(n, answer) };
        self.nodes[n].state = State::Running;
        let outcome = self.react(&step, answer);
        match (self.nodes[n].state == State::Running, outcome) {
            (true, Ok(answer)) => self.fire(n, answer),
            (true, Err(inner)) => self.wait_for(n, inner),
            (false, Ok(answer)) => self.case.reports.extend(answer.err().filter(|&error| error != CANCELLED)),
            (false, Err(inner)) => self.discard(inner),
        }
    }

    fn wait_for(&mut self, outer: usize, inner: usize) {
        (self.nodes[outer].state, self.nodes[outer].above) = (State::Waiting, Some(inner));
        self.give(inner, Next::Node(outer));
        if let Some(is_abort) = self.nodes[outer].remembered.take() {
            self.cancel(inner, is_abort);
        }
    }

    fn chain(&mut self, d: usize, root: usize) {
        self.level(|model| if model.is_open(root) { model.wait_for(root, d) } else { model.discard(d) });
    }

    /// The resolver is dropped.
    fn abandon(&mut self, root: usize) {
        if self.nodes[root].is_asking {
            self.nodes[root].is_orphan = true; // the canceller answers for it
        } else if self.depth == 0 || !matches!(self.nodes[root].next, Next::Node(_)) {
            self.level(|model| model.receive(root, Err(ABANDONED)));
        } else if self.is_open(root) {
            (self.nodes[root].state, self.nodes[root].answer) = (State::Queued, Some(Err(ABANDONED)));
            self.queue.push_back(root);
        }
    }

    fn cancel(&mut self, n: usize, is_abort: bool) {
        let is_deaf = self.nodes[n].is_deaf;
        if !self.is_open(n) || (is_deaf && !is_abort) {
            return;
        }
        while !is_deaf && let Some(canceller) = self.nodes[n].cancellers.pop() {
            (self.nodes[n].is_deaf, self.nodes[n].is_asking) = (true, true);
            self.ask(&canceller);
            self.nodes[n].is_asking = false;
            match canceller.reply {
                _ if !self.is_open(n) => return,
                Reply::Continue => self.nodes[n].is_deaf = false,
                Reply::With(answer) => return self.answer_cancel(n, answer),
                Reply::Later if is_abort => return self.answer_cancel(n, Err(CANCELLED)),
                Reply::Later if self.nodes[n].is_orphan => return self.answer_cancel(n, Err(ABANDONED)),
                Reply::Later => return,
            }
        }
        match (self.nodes[n].state, self.nodes[n].above) {
            _ if is_deaf || (is_abort && self.nodes[n].is_task) => self.answer_cancel(n, Err(CANCELLED)),
            (State::Waiting, None) => self.answer_cancel(n, Err(CANCELLED)),
            (State::Waiting, Some(up)) if self.nodes[up].state != State::Queued => self.cancel(up, is_abort),
            _ => self.nodes[n].remembered = Some(is_abort),
        }
    }

    fn answer_cancel(&mut self, n: usize, answer: Ans) {
        let node = &mut self.nodes[n];
        let awaited = node.above.filter(|_| node.is_task && node.state != State::Running);
        (node.state, node.answer) = (State::Fired, Some(answer));
        awaited.into_iter().for_each(|awaited| self.discard(awaited));
        match self.nodes[n].is_paused {
            true => self.nodes[n].state = State::Held,
            false => self.hand_on(n),
        }
    }
}
