//! A protocol that watches the laws while another one does the work, and what it has seen.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sestina_reactor::{Conn, Lost, Protocol};
use sestina_reactor_sim::{Fault, Simulation, Stroke};

/// What was seen, by all protocols of a scenario.
#[derive(Default)]
pub(crate) struct Seen {
    broken: RefCell<Vec<String>>,
    made: Cell<u64>,
    lost: Cell<u64>,
    /// Protocols that were dropped without `connection_lost`: only a crash may do that.
    crashed: Cell<u64>,
    inside: Cell<bool>,
    /// Peers that were given up because they were silent for too long.
    silent: Cell<u64>,
}

impl Seen {
    /// Something that must hold does not.
    pub(crate) fn breaks(&self, what: impl Into<String>) {
        self.broken.borrow_mut().push(what.into());
    }

    pub(crate) fn holds(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.breaks(what());
        }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.get()
    }

    /// A peer was silent for too long.
    pub(crate) fn was_silent(&self) {
        self.silent.set(self.silent.get() + 1);
    }

    /// Only a reset that a partition swallowed, or a clock that jumps, may make a peer look silent.
    pub(crate) fn nobody_was_silent(&self, simulation: &Simulation) {
        let excused =
            |stroke: &Stroke| matches!(stroke.selector.fault, Fault::Partitions | Fault::ClockJumps);
        let excuse = simulation.strokes().iter().any(excused);
        self.holds(excuse || self.silent.get() == 0, || format!("{} peers fell silent", self.silent.get()));
    }

    /// The end of a scenario: everything that was made was lost, except what crashes took.
    pub(crate) fn verdict(&self, crashes: bool) -> Result<(), String> {
        let (made, lost, crashed) = (self.made.get(), self.lost.get(), self.crashed.get());
        self.holds(made == lost + crashed, || {
            format!("{made} connections were made, {lost} lost, {crashed} dropped")
        });
        self.holds(crashes || crashed == 0, || format!("{crashed} protocols were dropped and not told why"));
        let broken = self.broken.borrow();
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    }

    /// Law 1, for one upcall of a reactor.
    pub(crate) fn upcall<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Leaves<'a>(&'a Seen);
        impl Drop for Leaves<'_> {
            fn drop(&mut self) {
                self.0.inside.set(false);
            }
        }
        if self.inside.replace(true) {
            self.breaks("law 1: an upcall inside another");
        }
        let _leaves = Leaves(self);
        f()
    }
}

/// Laws 1 and 2, around any protocol.
pub(crate) struct Lawful<P> {
    protocol: P,
    seen: Rc<Seen>,
    life: Life,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    New,
    Made,
    Lost,
}

impl<P> Lawful<P> {
    pub(crate) fn new(seen: &Rc<Seen>, protocol: P) -> Self {
        Self { protocol, seen: Rc::clone(seen), life: Life::New }
    }

    fn lives(&self, what: &str) {
        self.seen.holds(self.life == Life::Made, || format!("law 2: {what} when {:?}", self.life));
    }
}

impl<P: Protocol> Protocol for Lawful<P> {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.seen.holds(self.life == Life::New, || format!("law 2: made when {:?}", self.life));
        self.life = Life::Made;
        self.seen.made.set(self.seen.made.get() + 1);
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.connection_made(conn));
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.lives("data_received");
        self.seen.holds(!data.is_empty(), || "data_received without data".to_owned());
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.data_received(conn, data));
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        self.lives("read_closed");
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.read_closed(conn));
    }

    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        self.lives("pause_producing");
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.pause_producing(conn));
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        self.lives("resume_producing");
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.resume_producing(conn));
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.lives("timer");
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.timer(conn));
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        self.lives("connection_lost");
        self.life = Life::Lost;
        self.seen.lost.set(self.seen.lost.get() + 1);
        let protocol = &mut self.protocol;
        self.seen.upcall(|| protocol.connection_lost(conn, why));
    }

    fn part(&mut self, wanted: TypeId) -> Option<&mut dyn Any> {
        if wanted == TypeId::of::<P>() { Some(&mut self.protocol) } else { self.protocol.part(wanted) }
    }
}

impl<P> Drop for Lawful<P> {
    fn drop(&mut self) {
        if self.life == Life::Made {
            self.seen.crashed.set(self.seen.crashed.get() + 1);
        }
    }
}
