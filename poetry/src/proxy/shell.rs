//! What stands around the cache's core: it tells the core what happened, and carries out what the core orders.
//!
//! Invariant: the cache is not borrowed while a deferred fires, an observer is told, or a connection is begun. All of
//! them may call the proxy; the orders that arise then are carried out by the loop that runs already.
//! Invariant: there is one timer, not later than the cache's next deadline. It may be earlier: then it finds nothing.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::Resolver;
use sestina_reactor::{DelayedCall, Endpoint, Reactor, Time};

use super::observer::Observer;
use super::settings::ProxySettings;
use super::sinks::{Sink, Sinks};
use super::told;
use super::upstream::{Upstreams, connect};
use crate::cache::{Cache, Mode, Order, ReaderId, Reading};
use crate::poem::Poem;
use crate::proxy::ProxyError;

/// The proxy's cells.
pub(crate) struct Shell {
    pub(crate) reactor: Reactor,
    pub(crate) settings: ProxySettings,
    pub(crate) cache: RefCell<Cache>,
    pub(crate) endpoints: RefCell<BTreeMap<Rc<str>, Endpoint>>,
    pub(crate) upstreams: RefCell<Upstreams>,
    pub(crate) sinks: RefCell<Sinks>,
    /// How many clients are connected.
    pub(crate) clients: Cell<usize>,
    /// How many were cut because they took too little.
    pub(crate) slow_clients: Cell<u64>,
    observers: RefCell<Rc<[Rc<dyn Observer>]>>,
    timer: RefCell<Option<(Time, DelayedCall)>>,
    carrying_out: Cell<bool>,
    drains: RefCell<Vec<Resolver<()>>>,
}

impl Shell {
    pub(crate) fn new(reactor: &Reactor, settings: ProxySettings) -> Rc<Self> {
        Rc::new(Self {
            reactor: reactor.clone(),
            cache: RefCell::new(Cache::new(settings.cache.clone(), reactor.random())),
            settings,
            endpoints: RefCell::default(),
            upstreams: RefCell::default(),
            sinks: RefCell::default(),
            clients: Cell::new(0),
            slow_clients: Cell::new(0),
            observers: RefCell::new(Rc::from([])),
            timer: RefCell::default(),
            carrying_out: Cell::new(false),
            drains: RefCell::default(),
        })
    }

    /// Tells the cache something, and carries out what it orders.
    pub(crate) fn tell<R>(self: &Rc<Self>, something: impl FnOnce(&mut Cache, Time) -> R) -> R {
        let result = something(&mut self.cache.borrow_mut(), self.reactor.now());
        self.carry_out();
        result
    }

    /// Carries out every order. Called from inside of itself, by somebody who is told something, it leaves them to the
    /// loop that runs.
    pub(crate) fn carry_out(self: &Rc<Self>) {
        if self.carrying_out.get() {
            return;
        }
        if self.cache.borrow().has_orders() {
            let running = Running::new(&self.carrying_out);
            while let Some(order) = self.next_order() {
                self.obey(order);
            }
            drop(running);
        }
        self.arm_timer();
        self.end_drains();
    }

    fn next_order(&self) -> Option<Order> {
        self.cache.borrow_mut().next_order()
    }

    fn obey(self: &Rc<Self>, order: Order) {
        match order {
            Order::Connect { flight, key } => connect(self, flight, &key),
            Order::Cut(flight) => self.upstreams.borrow().cut(flight),
            Order::Pause(flight) => self.upstreams.borrow_mut().pause(flight, true),
            Order::Resume(flight) => self.upstreams.borrow_mut().pause(flight, false),
            Order::Wake(reader) => self.wake(reader),
            Order::Stored(body) => self.tell_observers(|observer| observer.stored(&body)),
            Order::Report(report) => {
                told::flight_ended(self, &report);
                self.tell_observers(|observer| observer.flight_ended(&report));
            }
        }
    }

    fn wake(self: &Rc<Self>, reader: ReaderId) {
        let conn = match self.sinks.borrow().get(reader) {
            Some(Sink::Client { conn, .. }) => Some(conn.clone()),
            Some(Sink::Caller(_)) => None,
            None => return,
        };
        match conn {
            Some(conn) => {
                self.pump(reader, &conn);
            }
            None => self.answer_caller(reader),
        }
    }

    /// A caller of this process has waited long enough.
    fn answer_caller(self: &Rc<Self>, reader: ReaderId) {
        let Some(answer) = self.read_whole(reader) else { return };
        let sink = self.sinks.borrow_mut().remove(reader);
        if let Some(Sink::Caller(resolver)) = sink {
            resolver.resolve(answer.map_err(Into::into));
        }
    }

    /// The whole body, or why there is none; nothing if it is not there yet.
    pub(crate) fn read_whole(&self, reader: ReaderId) -> Option<Result<Poem, ProxyError>> {
        let mut cache = self.cache.borrow_mut();
        match cache.read(self.reactor.now(), reader) {
            Reading::Whole(body) => Some(Ok(Poem::from_blocks(body.blocks()))),
            Reading::Failed(why) => Some(Err(ProxyError::Failed(why))),
            Reading::Wait | Reading::Bytes(_) => None,
            Reading::End => Some(Ok(Poem::from_blocks(&[]))),
        }
    }

    /// The reader is not wanted any more.
    pub(crate) fn leave(self: &Rc<Self>, reader: ReaderId) {
        let sink = self.sinks.borrow_mut().remove(reader);
        self.tell(|cache, now| cache.cancel(now, reader));
        drop(sink); // with nothing borrowed
    }

    /// How a client wants its bytes.
    pub(crate) fn mode(&self) -> Mode {
        if self.settings.like.is_some() { Mode::Whole } else { Mode::Stream }
    }

    pub(crate) fn add_observer(&self, observer: Rc<dyn Observer>) {
        let mut observers = self.observers.borrow().to_vec();
        observers.push(observer);
        *self.observers.borrow_mut() = observers.into();
    }

    pub(crate) fn is_observed(&self) -> bool {
        !self.observers.borrow().is_empty()
    }

    pub(crate) fn tell_observers(&self, tell: impl Fn(&dyn Observer)) {
        if self.is_observed() {
            let observers = Rc::clone(&self.observers.borrow());
            observers.iter().for_each(|observer| tell(&**observer));
        }
    }

    /// What one of the introduction's proxies prints.
    pub(crate) fn print(&self, line: &str) {
        if self.settings.like.is_some() {
            self.tell_observers(|observer| observer.prints(line));
        }
    }

    pub(crate) fn add_drain(self: &Rc<Self>, within: Duration, resolver: Resolver<()>) {
        self.drains.borrow_mut().push(resolver);
        self.tell(|cache, now| cache.drain(now, now + within));
    }

    fn end_drains(&self) {
        if self.drains.borrow().is_empty() || !self.cache.borrow().is_idle() {
            return;
        }
        let drains = self.drains.take();
        drains.into_iter().for_each(|resolver| resolver.callback(()));
    }

    /// Has the timer come in time for the cache's next deadline.
    fn arm_timer(self: &Rc<Self>) {
        let next = self.cache.borrow().next_deadline();
        let mut timer = self.timer.borrow_mut();
        let Some(at) = next else {
            if let Some((_, call)) = timer.take() {
                call.cancel();
            }
            return;
        };
        let now = self.reactor.now();
        if timer.as_ref().is_some_and(|(armed, _)| at >= *armed && *armed > now) {
            return; // it comes early enough
        }
        if let Some((armed, call)) = &mut *timer
            && call.reset(at - now)
        {
            *armed = at;
            return;
        }
        let shell = Rc::downgrade(self);
        let call = self.reactor.call_later(at - now, move || {
            if let Some(shell) = shell.upgrade() {
                shell.timer.take();
                shell.tell(Cache::tick);
            }
        });
        *timer = Some((at, call));
    }
}

/// Orders are being carried out, until this is dropped: also if somebody who is told something panics.
struct Running<'a>(&'a Cell<bool>);

impl<'a> Running<'a> {
    fn new(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
