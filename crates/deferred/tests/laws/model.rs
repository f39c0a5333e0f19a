//! The rules once more, written the naive way: nodes in a vector, recursion, nothing shared, nothing fast.

use crate::script::{ABANDONED, Ans, CANCELLED, Canceller, Reply, Step};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum State {
    Waiting,
    Running,
    Held,
    Queued,
    Fired,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Root,
    Callback(Step),
    Task(Step),
    OpenGate,
    ClosedGate,
}

#[derive(Default)]
pub(crate) enum Next {
    #[default]
    Nobody,
    Node(usize),
    Forward(usize),
    Discard,
    Ignore,
}

pub(crate) struct Node {
    pub(crate) state: State,
    pub(crate) kind: Kind,
    pub(crate) answer: Option<Ans>,
    pub(crate) next: Next,
    pub(crate) above: Option<usize>,
    pub(crate) cancellers: Vec<Canceller>,
    pub(crate) is_deaf: bool,
    /// A canceller is being asked.
    pub(crate) is_asking: bool,
    /// A canceller that was asked has dropped the resolver.
    pub(crate) is_orphan: bool,
    /// A request that came while it ran; whether it is an abort.
    pub(crate) remembered: Option<bool>,
    /// Whether there is a deferred.
    pub(crate) is_owned: bool,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) nodes: Vec<Node>,
    pub(crate) reports: Vec<String>,
}

/// What the callbacks of a case do: the model calls back into whoever plays the case.
pub(crate) trait Player {
    fn model(&mut self) -> &mut Model;
    /// Gives an answer, or the deferred that has it later.
    fn react(&mut self, step: &Step, answer: Ans) -> Result<Ans, usize>;
    fn ask(&mut self, canceller: &Canceller);

    fn node(&mut self, n: usize) -> &mut Node {
        &mut self.model().nodes[n]
    }

    fn is_open(&mut self, n: usize) -> bool {
        matches!(self.node(n).state, State::Waiting | State::Running)
    }

    fn take_answer(&mut self, n: usize) -> Option<Ans> {
        if self.node(n).state == State::Fired { self.node(n).answer.take() } else { None }
    }

    fn settle(&mut self, n: usize, answer: Ans) {
        let node = self.node(n);
        (node.state, node.answer) = (State::Fired, Some(answer));
        node.cancellers.clear();
    }

    fn fire(&mut self, root: usize, answer: Ans) {
        if self.node(root).state == State::Waiting {
            self.settle(root, answer);
            self.hand_on(root);
        }
    }

    fn hand_on(&mut self, n: usize) {
        self.node(n).state = State::Fired;
        let next = std::mem::take(&mut self.node(n).next);
        if matches!(next, Next::Nobody) {
            return self.report_if_lost(n);
        }
        let Some(answer) = self.take_answer(n) else { return };
        match next {
            Next::Node(below) => self.receive(below, answer),
            Next::Forward(below) if self.is_open(below) => {
                self.settle(below, answer);
                self.hand_on(below);
            }
            Next::Discard => self.report_unless_cancelled(answer),
            Next::Forward(_) | Next::Ignore | Next::Nobody => {}
        }
    }

    fn receive(&mut self, n: usize, answer: Ans) {
        if !self.is_open(n) {
            return;
        }
        let step = match self.node(n).kind.clone() {
            Kind::Callback(step) | Kind::Task(step) => step,
            Kind::Root | Kind::OpenGate => return self.fire(n, answer),
            Kind::ClosedGate => {
                self.settle(n, answer);
                return self.node(n).state = State::Held;
            }
        };
        self.node(n).state = State::Running;
        let outcome = self.react(&step, answer);
        match (self.node(n).state == State::Running, outcome) {
            (true, Ok(answer)) => {
                self.settle(n, answer);
                self.hand_on(n);
            }
            (true, Err(inner)) => self.wait_for(n, inner),
            (false, Ok(answer)) => self.report_unless_cancelled(answer),
            (false, Err(inner)) => self.discard(inner),
        }
    }

    fn wait_for(&mut self, outer: usize, inner: usize) {
        self.node(inner).is_owned = false;
        if let Some(answer) = self.take_answer(inner) {
            self.settle(outer, answer);
            return self.hand_on(outer);
        }
        (self.node(outer).state, self.node(outer).above) = (State::Waiting, Some(inner));
        self.node(inner).next = Next::Forward(outer);
        if let Some(is_abort) = self.node(outer).remembered.take() {
            self.cancel(inner, is_abort);
        }
    }

    fn cancel(&mut self, n: usize, is_abort: bool) {
        let is_deaf = self.node(n).is_deaf;
        if !self.is_open(n) || (is_deaf && !is_abort) {
            return;
        }
        while !is_deaf && let Some(canceller) = self.node(n).cancellers.pop() {
            (self.node(n).is_deaf, self.node(n).is_asking) = (true, true);
            self.ask(&canceller);
            self.node(n).is_asking = false;
            match canceller.reply {
                _ if !self.is_open(n) => return,
                Reply::Continue => self.node(n).is_deaf = false,
                Reply::With(answer) => return self.settle_by_cancel(n, answer),
                Reply::Later if is_abort => return self.settle_by_cancel(n, Err(CANCELLED)),
                Reply::Later if self.node(n).is_orphan => return self.settle_by_cancel(n, Err(ABANDONED)),
                Reply::Later => return,
            }
        }
        let is_aborted_task = is_abort && matches!(self.node(n).kind, Kind::Task(_));
        match (self.node(n).state, self.node(n).above) {
            _ if is_deaf || is_aborted_task => self.settle_by_cancel(n, Err(CANCELLED)),
            (State::Waiting, None) => self.settle_by_cancel(n, Err(CANCELLED)),
            (State::Waiting, Some(above)) if self.node(above).state != State::Queued => {
                self.cancel(above, is_abort)
            }
            _ => self.node(n).remembered = Some(is_abort),
        }
    }

    fn settle_by_cancel(&mut self, n: usize, answer: Ans) {
        let awaited = self.node(n).above.filter(|_| self.node(n).state != State::Running);
        self.settle(n, answer);
        if let (Kind::Task(_), Some(awaited)) = (&self.node(n).kind, awaited) {
            self.discard(awaited);
        }
        self.hand_on(n);
    }

    fn discard(&mut self, d: usize) {
        self.node(d).is_owned = false;
        match self.take_answer(d) {
            Some(answer) => self.report_unless_cancelled(answer),
            None => {
                self.node(d).next = Next::Discard;
                self.cancel(d, false);
            }
        }
    }

    fn report_if_lost(&mut self, n: usize) {
        if !self.node(n).is_owned && self.node(n).state == State::Fired {
            let answer = self.node(n).answer.take();
            self.model().reports.extend(answer.and_then(Result::err).map(str::to_owned));
        }
    }

    fn report_unless_cancelled(&mut self, answer: Ans) {
        self.model().reports.extend(answer.err().filter(|error| *error != CANCELLED).map(str::to_owned));
    }
}
