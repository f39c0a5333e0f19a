//! Whoever has more to write than a connection takes at once, apart from its protocol: a file, another server's answer.
//!
//! Walk: flush.rs tells the registered producer when the queue crosses its marks or is empty. Twisted's producers,
//! with two points decided that its documents and its code leave open: what a close means, and what comes when.
//! Invariant: a producer is called by the loop only, never from inside an upcall or a verb, and never after
//! `stop_producing`.
//! Tests: `producers.rs` of the contract.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::conn::{Conn, ConnHandle};
use crate::driver::Token;
use crate::inner::Reactor;

/// Writes to a connection as long as it takes something; registered with [`ConnHandle::register_producer`].
///
/// # Panics
/// A panic is caught and logged, and ends the connection ([`Lost::Aborted`](crate::Lost)).
///
/// ```
/// use sestina_reactor::{Conn, Producer, Production, Protocol};
///
/// /// Counts down, one line whenever there is room.
/// struct Countdown(u32);
/// impl Producer for Countdown {
///     fn resume_producing(&mut self, conn: &mut Conn<'_>) {
///         conn.write(format!("{}\n", self.0).as_bytes());
///         match self.0.checked_sub(1) {
///             Some(next) => self.0 = next,
///             None => conn.lose_connection(),
///         }
///     }
/// }
///
/// struct Server;
/// impl Protocol for Server {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.register_producer(Production::Pull, Countdown(10)).expect("it is the first one");
///     }
/// }
/// ```
pub trait Producer: 'static {
    /// Push: the queue has fallen to the low mark, write on. Pull: the queue is empty, write some more; also the first
    /// thing that a pull producer hears.
    fn resume_producing(&mut self, conn: &mut Conn<'_>);

    /// Push only: more is queued than the high mark, stop writing until `resume_producing`.
    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        let _ = conn;
    }

    /// Nobody takes anything any more: the connection is lost, or somebody closes it. The last call.
    fn stop_producing(&mut self) {}
}

/// How a producer wants to be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Production {
    /// It goes on by itself until it is paused (Twisted: streaming).
    Push,
    /// It writes something each time it is asked; asked when it is registered, and whenever all that was written since has
    /// been handed to the system. One that writes nothing then is asked again when somebody else's bytes have gone.
    Pull,
}

/// A connection has one producer at most: unregister the other one first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerRegistered;

impl fmt::Display for ProducerRegistered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the connection has a producer already: unregister it first")
    }
}

impl Error for ProducerRegistered {}

/// What a registered producer has to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum News {
    None,
    Pause,
    /// It is to be asked as soon as the queue is empty.
    Resume,
}

pub(crate) struct Registered {
    /// Taken out while it is called.
    producer: Option<Box<dyn Producer>>,
    production: Production,
    news: News,
}

impl Registered {
    /// Bytes have gone: a pull producer is asked again when all have.
    pub(crate) fn sent(&mut self) {
        if self.production == Production::Pull {
            self.news = News::Resume;
        }
    }
}

impl Conn<'_> {
    /// See [`ConnHandle::register_producer`].
    ///
    /// # Errors
    /// If the connection has one already.
    pub fn register_producer(
        &mut self,
        production: Production,
        producer: impl Producer,
    ) -> Result<(), ProducerRegistered> {
        self.reactor().register_producer(self.token(), production, Box::new(producer))
    }

    /// See [`ConnHandle::unregister_producer`].
    pub fn unregister_producer(&mut self) {
        self.reactor().unregister_producer(self.token());
    }
}

impl ConnHandle {
    /// Has the loop tell this producer when to write. The protocol's own `pause_producing` and `resume_producing` are
    /// called as before, first.
    ///
    /// If the queue is above its high mark, the first thing a push producer hears is a pause. If the connection
    /// closes or is gone, the first and only thing is [`Producer::stop_producing`], in a later turn; if the
    /// reactor itself is gone, the producer is dropped.
    ///
    /// # Order
    /// `lose_connection` takes effect in the order of the calls here too: what the producer has written before is sent,
    /// and it is stopped. (Twisted waits for some producers and not for others.) A producer that wants to finish
    /// first calls `lose_connection` itself when it is done. When the connection is lost, `stop_producing` comes before
    /// the protocol's `connection_lost`.
    ///
    /// # Errors
    /// If the connection has one already.
    pub fn register_producer(
        &self,
        production: Production,
        producer: impl Producer,
    ) -> Result<(), ProducerRegistered> {
        let producer = Box::new(producer);
        self.with(|reactor| reactor.register_producer(self.token(), production, producer)).unwrap_or(Ok(()))
    }

    /// The producer hears nothing more, and is dropped. Allowed from inside of it, and without one.
    pub fn unregister_producer(&self) {
        self.with(|reactor| reactor.unregister_producer(self.token()));
    }
}

impl Reactor {
    fn register_producer(
        &self,
        token: Token,
        production: Production,
        producer: Box<dyn Producer>,
    ) -> Result<(), ProducerRegistered> {
        let mut producer = Some(producer);
        let registered = self.with_connection(token, |connection| {
            if !connection.state.takes_bytes() {
                return Ok(());
            }
            let news = match production {
                Production::Pull => News::Resume,
                Production::Push if connection.state.is_paused() => News::Pause,
                Production::Push => News::None,
            };
            let extra = connection.state.extra.get_or_insert_default();
            if extra.producer.is_some() {
                return Err(ProducerRegistered);
            }
            extra.producer = Some(Box::new(Registered { producer: producer.take(), production, news }));
            Ok(())
        });
        self.mark_dirty(token);
        if let (Some(mut producer), None | Some(Ok(()))) = (producer, &registered) {
            drop(self.call_later(Duration::ZERO, move || producer.stop_producing()));
        }
        registered.unwrap_or(Ok(()))
    }

    fn unregister_producer(&self, token: Token) {
        let producer =
            self.with_connection(token, |connection| connection.state.extra.as_mut()?.producer.take());
        drop(producer); // user code: with nothing borrowed
    }

    /// Has a pull producer asked, a new one paused and the producer of a closing connection stopped. Says whether one
    /// was called.
    #[inline(never)]
    pub(crate) fn tell_producer(&self, token: Token) -> bool {
        let ended = self.with_connection(token, |connection| {
            let over = !connection.state.takes_bytes();
            if over { connection.state.extra.as_mut()?.producer.take() } else { None }
        });
        if let Some(producer) = ended.flatten() {
            self.stop_producer(*producer);
            return true;
        }
        let news = self.with_connection(token, |connection| {
            let is_empty = connection.state.is_drained();
            let registered = connection.state.extra.as_mut()?.producer.as_mut()?;
            let due = registered.news == News::Pause || (registered.news == News::Resume && is_empty);
            due.then(|| std::mem::replace(&mut registered.news, News::None))
        });
        match news.flatten() {
            Some(News::Pause) => self.call_producer(token, |producer, conn| producer.pause_producing(conn)),
            Some(News::Resume) => self.call_producer(token, |producer, conn| producer.resume_producing(conn)),
            Some(News::None) | None => return false,
        }
        true
    }

    /// The queue has crossed a mark, and the protocol knows: so does a push producer now.
    #[inline(never)]
    pub(crate) fn tell_push_producer(&self, token: Token, pause: bool) {
        let pushes = self.with_connection(token, |connection| {
            let registered = connection.state.extra.as_mut()?.producer.as_mut()?;
            registered.news =
                if registered.production == Production::Push { News::None } else { registered.news };
            Some(registered.production == Production::Push)
        });
        if pushes.flatten() == Some(true) {
            self.call_producer(token, |producer, conn| {
                if pause { producer.pause_producing(conn) } else { producer.resume_producing(conn) }
            });
        }
    }

    fn call_producer(&self, token: Token, f: impl FnOnce(&mut dyn Producer, &mut Conn<'_>)) {
        let producer = self.with_registered(token, |registered| registered.producer.take()).flatten();
        let Some(mut producer) = producer else { return };
        self.count(|statistics| statistics.upcalls += 1);
        let unharmed = self.guard("a producer", || f(&mut *producer, &mut Conn::new(self, token)));
        let mut producer = Some(producer);
        self.with_registered(token, |registered| {
            if registered.producer.is_none() {
                registered.producer = producer.take();
            }
        });
        self.guard("the drop of a producer", move || drop(producer)); // it has unregistered itself
        if unharmed.is_none() {
            self.abort(token);
        }
    }

    pub(crate) fn stop_producer(&self, registered: Registered) {
        if let Some(mut producer) = registered.producer {
            self.count(|statistics| statistics.upcalls += 1);
            self.guard("a producer", || producer.stop_producing());
            self.guard("the drop of a producer", move || drop(producer));
        }
    }

    fn with_registered<R>(&self, token: Token, f: impl FnOnce(&mut Registered) -> R) -> Option<R> {
        self.with_connection(token, |connection| {
            connection.state.extra.as_mut().and_then(|extra| extra.producer.as_deref_mut()).map(f)
        })
        .flatten()
    }
}
