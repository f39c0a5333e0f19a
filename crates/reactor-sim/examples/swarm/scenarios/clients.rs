//! Poems, the server that sends them, and clients that read them in all kinds of ways.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Resolver, deferred};
use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Protocol, Reactor};
use sestina_reactor_sim::{Fault, Link, Simulation};

use super::lawful::{Lawful, Seen};

/// Bytes of which none can be lost, doubled or moved without being noticed.
pub(crate) fn poem(length: usize) -> Rc<[u8]> {
    sestina_contract::streams::pattern(length).into()
}

pub(crate) const PORT: u16 = 80;

/// Sends a poem to each client and closes politely.
pub(crate) fn serve(reactor: &Reactor, seen: &Rc<Seen>, poem: &Rc<[u8]>) -> Result<(), String> {
    let (seen, poem) = (Rc::clone(seen), Rc::clone(poem));
    let factory = move |_: &Address| Lawful::new(&seen, Poet(Rc::clone(&poem)));
    let listening = reactor.listen(&Endpoint::tcp("", PORT), factory);
    listening.map(drop).map_err(|error| format!("{error}"))
}

/// As [`serve`], for a host that has so few descriptors that listening itself may fail: it tries until it works.
pub(crate) fn serve_at_last(reactor: &Reactor, seen: &Rc<Seen>, poem: &Rc<[u8]>) {
    if serve(reactor, seen, poem).is_err() {
        let (again, seen, poem) = (reactor.clone(), Rc::clone(seen), Rc::clone(poem));
        reactor.call_later(Duration::from_millis(50), move || serve_at_last(&again, &seen, &poem));
    }
}

struct Poet(Rc<[u8]>);

impl Protocol for Poet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write_shared(Rc::clone(&self.0));
        conn.lose_connection();
    }
}

/// A line on which a poem takes so long that something can happen meanwhile.
pub(crate) fn slow_line(simulation: &Simulation) -> Link {
    let latency = Duration::from_millis(1)..Duration::from_millis(2 + simulation.random(30));
    Link::default().with_latency(latency).with_bandwidth(100_000 + simulation.random(1_000_000))
}

/// How a client reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Reads to the end.
    Patient,
    /// Sends things that nobody wants meanwhile.
    Talks(usize),
    /// Stops reading for a while.
    Pauses(Duration),
    /// Closes after so many bytes.
    Leaves(usize),
    /// Resets after so many bytes.
    Cuts(usize),
}

impl Manner {
    pub(crate) fn any(simulation: &Simulation, length: usize) -> Self {
        let part = || usize::try_from(simulation.random(u64::try_from(length).unwrap_or(1) + 1)).unwrap_or(0);
        match simulation.random(6) {
            0 => Self::Talks(part()),
            1 => Self::Pauses(Duration::from_millis(simulation.random(300))),
            2 => Self::Leaves(part()),
            3 => Self::Cuts(part()),
            _ => Self::Patient,
        }
    }

    pub(crate) fn stays(self) -> bool {
        !matches!(self, Self::Leaves(_) | Self::Cuts(_))
    }
}

/// How a client fared, told once.
#[derive(Clone, Debug)]
pub(crate) enum Fared {
    Ended(Lost),
    NotConnected,
}

type Told = Box<dyn FnOnce(Fared)>;

/// Makes one connection that reads a poem.
pub(crate) struct Reader {
    pub(crate) poem: Rc<[u8]>,
    pub(crate) manner: Manner,
    pub(crate) seen: Rc<Seen>,
    pub(crate) told: Option<Told>,
}

impl Factory for Reader {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        let reading = Reading {
            poem: Rc::clone(&self.poem),
            manner: self.manner,
            seen: Rc::clone(&self.seen),
            told: self.told.take(),
            got: 0,
        };
        Some(Box::new(Lawful::new(&self.seen, reading)))
    }

    fn connection_failed(&mut self, _: ConnectError) {
        if let Some(told) = self.told.take() {
            told(Fared::NotConnected);
        }
    }
}

struct Reading {
    poem: Rc<[u8]>,
    manner: Manner,
    seen: Rc<Seen>,
    told: Option<Told>,
    got: usize,
}

impl Protocol for Reading {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_timer(IDLE_MAX);
        match self.manner {
            Manner::Talks(bytes) => conn.write(&vec![b'x'; bytes]),
            Manner::Pauses(time) => {
                conn.pause_reading();
                conn.set_timer(time);
            }
            Manner::Leaves(0) => conn.lose_connection(),
            Manner::Cuts(0) => conn.abort(),
            _ => {}
        }
    }

    /// A reset that a partition swallowed is never told: only patience ends that.
    fn timer(&mut self, conn: &mut Conn<'_>) {
        match self.manner {
            Manner::Pauses(_) => {
                self.manner = Manner::Patient;
                conn.resume_reading();
                conn.set_timer(IDLE_MAX);
            }
            _ => {
                self.seen.was_silent();
                conn.abort();
            }
        }
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        let wanted = self.poem.get(self.got..self.got + data.len());
        self.seen.holds(wanted == Some(data), || format!("byte {} of a poem is wrong", self.got));
        self.got += data.len();
        conn.set_timer(IDLE_MAX);
        match self.manner {
            Manner::Leaves(after) if self.got >= after => conn.lose_connection(),
            Manner::Cuts(after) if self.got >= after => conn.abort(),
            _ => {}
        }
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        if matches!(why, Lost::Done) {
            self.seen.holds(self.got == self.poem.len(), || {
                format!("{} of {} bytes, and the end is called clean", self.got, self.poem.len())
            });
        }
        if let Some(told) = self.told.take() {
            told(Fared::Ended(why));
        }
    }
}

/// Reads again until it has the whole poem, with a pause after each failure; then it tells.
pub(crate) fn read_until_whole(reactor: &Reactor, to: &Endpoint, reader: Reader) {
    let Reader { poem, manner, seen, told } = reader;
    let told = RefCell::new(told);
    Rc::new(Stubborn { reactor: reactor.clone(), to: to.clone(), poem, manner, seen, told }).attempt();
}

struct Stubborn {
    reactor: Reactor,
    to: Endpoint,
    poem: Rc<[u8]>,
    manner: Manner,
    seen: Rc<Seen>,
    told: RefCell<Option<Told>>,
}

impl Stubborn {
    fn attempt(self: Rc<Self>) {
        let me = Rc::clone(&self);
        let reader = Reader {
            poem: Rc::clone(&self.poem),
            manner: self.manner,
            seen: Rc::clone(&self.seen),
            told: Some(Box::new(move |fared| me.fared(fared))),
        };
        self.reactor.connect(&self.to, reader);
    }

    fn fared(self: Rc<Self>, fared: Fared) {
        if !matches!(fared, Fared::Ended(Lost::Done)) {
            let again = Rc::clone(&self);
            self.reactor.call_later(RETRY_AFTER, move || again.attempt());
            return;
        }
        let told = self.told.borrow_mut().take();
        if let Some(told) = told {
            told(fared);
        }
    }
}

/// Fires when everybody is done.
pub(crate) struct Countdown {
    left: Cell<u64>,
    done: Cell<Option<Resolver<()>>>,
}

impl Countdown {
    pub(crate) fn from(count: u64) -> (Rc<Self>, Deferred<()>) {
        let (done, all_done) = deferred();
        (Rc::new(Self { left: Cell::new(count), done: Cell::new(Some(done)) }), all_done)
    }

    pub(crate) fn one_is_done(&self) {
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0
            && let Some(done) = self.done.take()
        {
            done.callback(());
        }
    }
}

/// How long a peer may be silent.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(60);
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Whether anything struck that may end a connection, or keep one from being made.
pub(crate) fn something_ended_connections(simulation: &Simulation) -> bool {
    const HARM: &[Fault] = &[
        Fault::Resets,
        Fault::Refusals,
        Fault::BlackHoles,
        Fault::AbortedAccepts,
        Fault::Descriptors,
        Fault::ClockJumps,
        Fault::Partitions,
        Fault::FailedLookups,
    ];
    simulation.strokes().iter().any(|stroke| HARM.contains(&stroke.selector.fault))
}
