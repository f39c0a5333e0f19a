//! The servers of the demo: three slow poets, and a proxy before the slowest.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use sestina_poetry::{Observer, Poem, PoetryProxy, SlowPoetry, poems};
use sestina_reactor::{Address, Endpoint, Factory, ListenError, Port, Protocol, Reactor};

/// A piece of a poem comes this often: fast enough to look like a stream.
const DELAY: Duration = Duration::from_millis(25);
/// Bytes at a time. With these the poems take about 3.1, 2.2 and 1.6 seconds.
const ECSTASY_NUM_BYTES: NonZeroUsize = NonZeroUsize::new(24).expect("not zero");
const FASCINATION_NUM_BYTES: NonZeroUsize = NonZeroUsize::new(7).expect("not zero");
const SCIENCE_NUM_BYTES: NonZeroUsize = NonZeroUsize::new(10).expect("not zero");

/// What is open while the demo runs.
pub(super) struct Stage {
    pub(super) ecstasy: Poet,
    pub(super) fascination: Poet,
    pub(super) science: Poet,
    pub(super) proxy: PoetryProxy,
    pub(super) proxy_at: Endpoint,
}

/// A slow poet, with a count of those who came.
#[derive(Clone)]
pub(super) struct Poet {
    pub(super) title: &'static str,
    pub(super) poem: &'static [u8],
    pub(super) at: Endpoint,
    connections: Rc<Cell<u64>>,
}

impl Stage {
    /// Opens everything on free ports; `on_progress` hears how many bytes the proxy has.
    pub(super) fn open(
        reactor: &Reactor,
        on_progress: impl Fn(usize) + 'static,
    ) -> Result<Self, ListenError> {
        let ecstasy = Poet::open(reactor, "ecstasy", poems::ECSTASY, ECSTASY_NUM_BYTES)?;
        let proxy = PoetryProxy::new(reactor, &ecstasy.at);
        proxy.observe(Progress(on_progress));
        let port = reactor.listen(&Endpoint::loopback(0), proxy.clone())?;
        Ok(Self {
            ecstasy,
            fascination: Poet::open(reactor, "fascination", poems::FASCINATION, FASCINATION_NUM_BYTES)?,
            science: Poet::open(reactor, "science", poems::SCIENCE, SCIENCE_NUM_BYTES)?,
            proxy,
            proxy_at: endpoint(&port),
        })
    }
}

/// Hears how far the proxy is.
struct Progress<F>(F);

impl<F: Fn(usize) + 'static> Observer for Progress<F> {
    fn received(&self, _key: &str, bytes: u64) {
        (self.0)(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

impl Poet {
    fn open(
        reactor: &Reactor,
        title: &'static str,
        poem: &'static [u8],
        num_bytes: NonZeroUsize,
    ) -> Result<Self, ListenError> {
        let poetry = SlowPoetry::new(Poem::from_bytes(poem)).with_num_bytes(num_bytes).with_delay(DELAY);
        let connections = Rc::new(Cell::new(0));
        let counted = Counted { factory: poetry, connections: Rc::clone(&connections) };
        let port = reactor.listen(&Endpoint::loopback(0), counted)?;
        Ok(Self { title, poem, at: endpoint(&port), connections })
    }

    /// How many connections there were so far, counted where they arrive.
    pub(super) fn connections(&self) -> u64 {
        self.connections.get()
    }
}

fn endpoint(port: &Port) -> Endpoint {
    Endpoint::loopback(port.local_addr().port().expect("a tcp port has a number"))
}

/// A factory, and how often it was asked.
struct Counted<F> {
    factory: F,
    connections: Rc<Cell<u64>>,
}

impl<F: Factory> Factory for Counted<F> {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        self.connections.set(self.connections.get() + 1);
        self.factory.build(peer)
    }
}
