//! Questions that end and answers after that: a question is whole when its end is told, and an answer whose end is called
//! clean is whole and right.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol};
use sestina_reactor_sim::{Faults, Scenario, Simulation};

use super::clients::{IDLE_MAX, PORT, something_ended_connections};
use super::lawful::{Lawful, Seen};

pub(crate) fn scenario() -> Scenario {
    Scenario::new("half-close", Faults::all(), run)
}

const QUESTIONS: u64 = 15;

fn run(simulation: &Simulation) -> Result<(), String> {
    let (seen, answered) = (Rc::new(Seen::default()), Rc::new(Cell::new(0)));
    let (oracle, pilgrim) = (simulation.host("oracle"), simulation.host("pilgrim"));
    let watch = Rc::clone(&seen);
    let factory = move |_: &Address| {
        Lawful::new(&watch, Oracle { question: Vec::new(), has_answered: false, seen: Rc::clone(&watch) })
    };
    if oracle.reactor().listen(&Endpoint::tcp("", PORT), factory).is_err() {
        return Ok(()); // out of descriptors: nothing to see here
    }
    for _ in 0..QUESTIONS {
        let length = u32::try_from(simulation.random(40_000)).unwrap_or(0);
        let delay = Duration::from_micros(1000 + simulation.random(50_000));
        let (reactor, seen, answered) = (pilgrim.reactor(), Rc::clone(&seen), Rc::clone(&answered));
        let abrupt = simulation.random(8) == 0;
        pilgrim.reactor().call_later(delay, move || {
            let factory = move |_: &Address| {
                let (seen, answered) = (Rc::clone(&seen), Rc::clone(&answered));
                let pilgrim = Pilgrim { length, abrupt, answer: Vec::new(), seen, answered };
                Lawful::new(&Rc::clone(&pilgrim.seen), pilgrim)
            };
            drop(reactor.connect(&Endpoint::tcp("oracle", PORT), factory));
        });
    }
    simulation.run_for(Duration::from_secs(600)).map_err(|error| error.to_string())?;
    let left = oracle.reactor().connections() + pilgrim.reactor().connections();
    seen.holds(left == 0, || format!("{left} connections are left"));
    if !something_ended_connections(simulation) {
        let (made, answered) = (seen.made(), answered.get());
        seen.holds(answered == QUESTIONS, || {
            format!("{answered} of {QUESTIONS} were answered ({made} made)")
        });
    }
    seen.nobody_was_silent(simulation);
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}

/// Its length, and then that many bytes.
fn question(length: u32) -> Vec<u8> {
    let body = (0..length).map(|at| u8::try_from(at % 251).unwrap_or(0));
    length.to_be_bytes().into_iter().chain(body).collect()
}

fn answer(question: &[u8]) -> Vec<u8> {
    question.iter().rev().chain(question).copied().collect()
}

struct Oracle {
    question: Vec<u8>,
    has_answered: bool,
    seen: Rc<Seen>,
}

impl Protocol for Oracle {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_timer(IDLE_MAX);
    }

    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.question.extend_from_slice(data);
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        let length = self.question.first_chunk().map(|length| u32::from_be_bytes(*length));
        let whole = length.is_some_and(|length| question(length) == self.question);
        self.seen.holds(whole, || format!("the end of a question after {} bytes", self.question.len()));
        conn.write(&answer(&self.question));
        self.has_answered = true;
        if self.question.len().is_multiple_of(2) {
            conn.lose_connection();
        } else {
            conn.set_timer(Duration::from_millis(20));
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        if self.has_answered {
            return conn.lose_connection();
        }
        self.seen.was_silent();
        conn.abort();
    }
}

struct Pilgrim {
    length: u32,
    abrupt: bool,
    answer: Vec<u8>,
    seen: Rc<Seen>,
    answered: Rc<Cell<u64>>,
}

impl Protocol for Pilgrim {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_timer(IDLE_MAX);
        conn.write(&question(self.length));
        conn.lose_write_connection();
        conn.write(b"too late");
        if self.abrupt {
            self.answered.set(self.answered.get() + 1); // it does not want one
            conn.abort();
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.seen.was_silent();
        conn.abort();
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.set_timer(IDLE_MAX);
        self.answer.extend_from_slice(data);
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        let right = answer(&question(self.length));
        self.seen.holds(right.starts_with(&self.answer), || "a wrong answer".to_owned());
        if matches!(why, Lost::Done) {
            let whole = right.len() == self.answer.len();
            self.seen.holds(whole, || "half an answer, and the end is called clean".to_owned());
            self.answered.set(self.answered.get() + 1);
        }
    }
}
