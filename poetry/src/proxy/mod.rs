//! The caching proxy: one upstream fetch for all clients, streamed to them while it comes, kept afterwards.
//!
//! ```text
//! client -> front.rs -> shell.rs: tell the core -> cache/: subscribe, read    core -> Order -> shell.rs: carry out
//!   a hit: queued by reference, at once                                         Connect, Cut, Pause -> upstream.rs
//!   a miss: waits; Wake -> pump                                                 Wake -> front.rs, Report -> told.rs
//! ```
//!
//! Differs from the original, which caches what came before a reset, and an empty reply, as if they were poems: here a
//! failure is never a clean end, neither for the cache nor for the clients. [`ProxySettings::like`] is the original.
//!
//! # Beside four others
//!
//! What nginx 1.22.1, Varnish 7.1.1, Squid 5.7 and HAProxy 2.6.12 do in the same situations, measured with a poem of
//! 20 KiB over 2 s unless it says otherwise; seconds, and "n req" for n requests to the origin. Ours is what the tests
//! show that are named T1 to T10 (`tests/suite/proxy_matrix.rs`; gated by events, so that no number of theirs is a guess), and
//! for T9 what `cargo bench` measured. T4 and T7 need HTTP; `tests/suite/cache_states.rs` shows their states.
//!
//! | | nginx | Varnish | Squid | HAProxy | ours |
//! |---|---|---|---|---|---|
//! | T1 four clients come one after the other | late ones wait 1.5 to 2.0 for the whole body; 1 req | streams at once; 1 req | streams at once; 1 req | a fetch each; 4 req | streams what has come within one turn of the loop; 1 req |
//! | T1c the same before the first byte | 1 req | 1 req | 1 req if told to | - | 1 req |
//! | T2 a lone client leaves half-way | the fetch goes on, cached | goes on, cached | goes on or is cut, by size | origin cut | origin cut within one turn; with `finish` goes on, cached |
//! | T2h the same before the first byte | runs 2.0, then thrown away | goes on, cached | origin cut | runs to its end, wasted | origin cut within one turn; with `finish` goes on, cached |
//! | T3h the first leaves, a second waits | second served at 4.0; 2 req | 1.7; 1 req | 1.7; 1 req | - | second has the same fetch; 1 req |
//! | T5 the body's end is not known, a clean end half-way | cached as complete | cached as complete | cached as complete | cached as complete | reset, not kept, if the poem is known, or must end otherwise; the first time nobody can tell |
//! | T5r a reset half-way | not cached; 3 serial req | not cached, all cut | not cached | not cached, **clean end** | all reset, not kept; 1 req |
//! | T8 the origin dies before the first byte, four clients | fail at 1, 2, 3, 4; 4 req | all fail at 1.0; 1 req | fail at 1 and 2; 4 req | 4 req | all fail at once; 1 req, and the next waits for the back-off |
//! | T9 64 MiB, a reader of 64 KB/s and a fast one | fast one 0.16 | 0.14 | **5.8** | 0.13, own fetch | fast one as without the slow one: 0.10 beside, 0.10 alone |
//! | T10 eight clients, first byte after 7 s | 8 req, done at 12 instead of 7 | - | - | - | 1 req, all have it when it comes |
//!
//! Tests: `tests/suite/proxy_matrix.rs`, `tests/suite/proxy_faults.rs` (a poet that fails at every stage), `tests/suite/proxy_crowd.rs` (counts
//! and costs), `tests/suite/proxy_sharing.rs`, `tests/suite/proxy_failures.rs`, `tests/suite/proxy_asking.rs`, `tests/suite/proxy_limits.rs`,
//! `tests/suite/proxy_like.rs`, `tests/suite/proxy_service.rs`, `tests/suite/talking_clients.rs`; `benches/proxy` measures.

mod error;
mod front;
mod observer;
mod service;
mod settings;
mod shell;
mod sinks;
mod told;
mod upstream;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, deferred, fail, succeed};
use sestina_reactor::{Address, Endpoint, Factory, Protocol, Reactor};

use crate::cache::{Counters, EntryState, FlightState, KeptBody, Mode, NotRestored, Purge, Statistics};
use crate::poem::Poem;
use shell::Shell;
use sinks::Sink;

pub use error::ProxyError;
pub use front::Front;
pub use observer::Observer;
pub use service::{PoetryProxyService, ProxyRoute, poetry_proxy};
pub use settings::{Like, ProxySettings, SEND_RATE_MIN, SEND_RATE_WINDOW};

/// Serves poems that it fetches from other poets when somebody wants them, and keeps.
///
/// A service ([`get_poem`](Self::get_poem)), and a factory for the clients of each of its upstreams
/// ([`front`](Self::front)). All upstreams share one memory and its limits. Clones are the same proxy.
///
/// A client is given what has come so far at once, and the rest as it comes; a reset if the poem breaks off. One that
/// closes its own direction while the poem is still fetched is taken as gone, because a client that hung up looks the
/// same.
///
/// # Limits
/// See [`ProxySettings`] and [`cache::Settings`](crate::cache::Settings). Clients above
/// [`clients_max`](ProxySettings::clients_max) are reset; those above a smaller limit of a port wait there.
///
/// ```no_run
/// use sestina_poetry::PoetryProxy;
/// use sestina_reactor::Reactor;
///
/// fn serve(reactor: &Reactor) -> Result<(), Box<dyn std::error::Error>> {
///     let proxy = PoetryProxy::new(reactor, &"tcp:10001".parse()?);
///     reactor.listen(&"tcp:10000".parse()?, proxy)?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct PoetryProxy {
    shell: Rc<Shell>,
    first: Option<Rc<str>>,
}

impl PoetryProxy {
    /// A proxy for this poet, with the defaults. The upstream's name is its address. As a factory the proxy serves its
    /// first upstream.
    #[must_use]
    pub fn new(reactor: &Reactor, upstream: &Endpoint) -> Self {
        Self::with_settings(reactor, ProxySettings::default()).with_upstream(upstream.peer_name(), upstream)
    }

    /// A proxy without any upstream yet.
    #[must_use]
    pub fn with_settings(reactor: &Reactor, settings: ProxySettings) -> Self {
        Self { shell: Shell::new(reactor, settings), first: None }
    }

    /// Adds an upstream, or moves the one of this name to another endpoint: flights under way stay where they are.
    #[must_use]
    pub fn with_upstream(mut self, name: impl AsRef<str>, upstream: &Endpoint) -> Self {
        let name: Rc<str> = name.as_ref().into();
        self.first.get_or_insert_with(|| Rc::clone(&name));
        self.shell.endpoints.borrow_mut().insert(name, upstream.clone());
        self
    }

    /// What was decided about it.
    #[must_use]
    pub fn settings(&self) -> &ProxySettings {
        &self.shell.settings
    }

    /// The names and endpoints of the upstreams, by name.
    #[must_use]
    pub fn upstreams(&self) -> Vec<(Rc<str>, Endpoint)> {
        let upstreams = self.shell.endpoints.borrow();
        upstreams.iter().map(|(name, endpoint)| (Rc::clone(name), endpoint.clone())).collect()
    }

    /// A factory for the clients of one upstream.
    ///
    /// # Errors
    /// If there is no upstream of this name.
    pub fn front(&self, name: &str) -> Result<Front, ProxyError> {
        Ok(Front { shell: Rc::clone(&self.shell), key: self.key(name)? })
    }

    fn key(&self, name: &str) -> Result<Rc<str>, ProxyError> {
        let upstreams = self.shell.endpoints.borrow();
        let known = upstreams.get_key_value(name).map(|(name, _)| Rc::clone(name));
        known.ok_or_else(|| ProxyError::UnknownUpstream(name.to_owned()))
    }

    /// Has the log say, and the introduction's proxies print, that the clients of this upstream are served at `at` from
    /// now on. The service does it.
    pub fn tell_route(&self, route: &ProxyRoute, at: &Address) {
        told::proxying(&self.shell, route.name(), route.upstream(), at);
    }

    /// Has somebody hear what the proxy does from now on.
    pub fn observe(&self, observer: impl Observer) {
        self.shell.add_observer(Rc::new(observer));
    }

    /// A poem, when it is complete; fired already if it is cached.
    ///
    /// # Errors
    /// The deferred fails with a [`ProxyError`], for all who wait for the same flight.
    ///
    /// # Cancelling
    /// Only this caller leaves. When it was the last one, clients included, what happens to the flight is
    /// [`Settings::on_abandon`](crate::cache::Settings::on_abandon). Dropping the deferred only detaches it: the flight
    /// goes on, and what it brings is cached.
    pub fn get_poem(&self, name: &str) -> Deferred<Poem> {
        let shell = &self.shell;
        let reader = self.key(name).and_then(|key| {
            let seat = shell.tell(|cache, now| {
                let reader = cache.subscribe(now, &key, Mode::Whole);
                reader.map(|reader| (reader, cache.admission(reader)))
            });
            seat.map_err(ProxyError::Refused)
        });
        let (reader, admission) = match reader {
            Ok(seat) => seat,
            Err(error) => return fail(error),
        };
        told::admitted(shell, reader, admission, None);
        match shell.read_whole(reader) {
            Some(answer) => {
                shell.carry_out();
                answer.map_or_else(fail, succeed)
            }
            None => {
                let (resolver, answer) = deferred();
                let leaving = Rc::downgrade(shell);
                resolver.on_cancel(move || {
                    if let Some(shell) = leaving.upgrade() {
                        shell.leave(reader);
                    }
                });
                shell.sinks.borrow_mut().insert(reader, Sink::Caller(resolver));
                answer
            }
        }
    }

    /// What was done, and how things stand.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shell.cache.borrow().statistics()
    }

    /// What was done so far: cheaper than [`Self::statistics`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        *self.shell.cache.borrow().counters()
    }

    /// How many clients are connected.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.shell.clients.get()
    }

    /// How many clients were cut because they took too little of what was there for them.
    #[must_use]
    pub fn slow_clients(&self) -> u64 {
        self.shell.slow_clients.get()
    }

    /// How each key stands that was ever asked for, by name.
    #[must_use]
    pub fn entries(&self) -> Vec<EntryState> {
        self.shell.cache.borrow().entries(self.shell.reactor.now())
    }

    /// Every flight under way, by number.
    #[must_use]
    pub fn flights(&self) -> Vec<FlightState> {
        let mut flights = self.shell.cache.borrow().flights(self.shell.reactor.now());
        flights.sort_by_key(|flight| flight.number);
        flights
    }

    /// Purges one upstream's poem. Says whether the cache knew its key.
    ///
    /// # Errors
    /// If there is no upstream of this name.
    pub fn purge(&self, name: &str, how: Purge) -> Result<bool, ProxyError> {
        let key = self.key(name)?;
        let known = self.shell.tell(|cache, now| cache.purge(now, &key, how));
        self.shell.tell_observers(|observer| observer.purged(&key, how));
        Ok(known)
    }

    /// Purges every upstream's poem. Says how many keys the cache knew.
    pub fn purge_all(&self, how: Purge) -> usize {
        let purged = self.shell.tell(|cache, now| cache.purge_all(now, how));
        for (name, _) in self.upstreams() {
            self.shell.tell_observers(|observer| observer.purged(&name, how));
        }
        purged
    }

    /// Has a poem fetched anew, also if nobody waits for it. What is there is given out meanwhile.
    ///
    /// # Errors
    /// If there is no upstream of this name, or if no flight can begin now.
    pub fn refresh(&self, name: &str) -> Result<(), ProxyError> {
        let key = self.key(name)?;
        self.shell.tell(|cache, now| cache.refresh(now, &key)).map_err(ProxyError::Refused)
    }

    /// Ends the flight of this number ([`FlightState::number`]): those who wait for it fail. Says whether it was under
    /// way.
    #[expect(clippy::must_use_candidate, reason = "the effect is what it is called for")]
    pub fn cancel_flight(&self, number: u64) -> bool {
        self.shell.tell(|cache, now| {
            let flight = cache.flight_by_number(number);
            flight.is_some_and(|flight| cache.cancel_flight(now, flight))
        })
    }

    /// Takes in a body that somebody kept a copy of, when the proxy starts anew.
    ///
    /// # Errors
    /// If it is of no use; nothing is changed then.
    pub fn restore(&self, name: &str, copy: &KeptBody) -> Result<(), NotRestored> {
        let key = self.key(name).map_err(|_| NotRestored::UnknownKey)?;
        self.shell.tell(|cache, now| cache.restore(now, &key, copy))
    }

    /// Refuses newcomers from now on, and lets those who wait have their poems for at most `within`. Fires when nothing
    /// is under way any more.
    ///
    /// # Cancelling
    /// What is under way is cut at once.
    pub fn drain(&self, within: Duration) -> Deferred<()> {
        let (resolver, answer) = deferred();
        let cutting = Rc::downgrade(&self.shell);
        resolver.on_cancel(move || {
            if let Some(shell) = cutting.upgrade() {
                shell.tell(|cache, now| cache.drain(now, now));
            }
        });
        self.shell.add_drain(within, resolver);
        answer
    }
}

/// The clients of the first upstream.
impl Factory for PoetryProxy {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        let first = self.first.clone()?;
        Front { shell: Rc::clone(&self.shell), key: first }.build(peer)
    }
}

impl fmt::Debug for PoetryProxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PoetryProxy({:?})", self.shell.cache.borrow())
    }
}
