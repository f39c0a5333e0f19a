//! A fast reader, alone and beside a slow one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sestina_poetry::{FastPoetry, Poem, PoetryProxy, ProxySettings};
use sestina_reactor::{Address, Conn, Endpoint, Protocol, Reactor, Time};

use super::{endpoint, reactor, read};

/// The poem, and what the slow one takes in each tenth of a second.
const POEM_BYTES: usize = 64 * 1024 * 1024;
const SLOW_BYTES: usize = 6_400;
const SLOW_TICK: Duration = Duration::from_millis(100);
/// How often both are measured.
const ROUNDS: usize = 7;

/// Reads a little, then nothing for a while.
struct Slow {
    taken: usize,
}

impl Protocol for Slow {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.taken += data.len();
        if self.taken >= SLOW_BYTES {
            self.taken -= SLOW_BYTES;
            conn.pause_reading();
            conn.set_timer(SLOW_TICK);
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        if self.taken >= SLOW_BYTES {
            self.taken -= SLOW_BYTES;
            return conn.set_timer(SLOW_TICK);
        }
        conn.resume_reading();
    }
}

pub(super) fn measure() {
    for (words, body_bytes_max) in
        [("kept whole", 64 * 1024 * 1024), ("through a window", sestina_poetry::cache::BODY_BYTES_MAX)]
    {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            alone.push(round(body_bytes_max, false));
            beside.push(round(body_bytes_max, true));
        }
        alone.sort();
        beside.sort();
        println!(
            "pace: 64 MiB {words}: a fast reader alone {:?} (from {:?} to {:?}), beside one of 64 KB/s {:?} (from {:?} to {:?})",
            alone[ROUNDS / 2],
            alone[0],
            alone[ROUNDS - 1],
            beside[ROUNDS / 2],
            beside[0],
            beside[ROUNDS - 1],
        );
    }
}

/// How long the fast reader takes.
fn round(body_bytes_max: u64, slow: bool) -> Duration {
    let reactor = reactor();
    let poet = FastPoetry::new(Poem::from_bytes(vec![b'p'; POEM_BYTES]));
    let poet = endpoint(&reactor.listen(&Endpoint::loopback(0), poet).expect("a free port"));
    let mut settings = ProxySettings::default();
    settings.cache.body_bytes_max = body_bytes_max;
    let proxy = PoetryProxy::with_settings(&reactor, settings).with_upstream("poem", &poet);
    let at = endpoint(&reactor.listen(&Endpoint::loopback(0), proxy.clone()).expect("a free port"));
    if slow {
        drop(reactor.connect(&at, |_: &Address| Slow { taken: 0 }));
        while proxy.counters().misses == 0 {
            turn(&reactor);
        }
    }
    let (begun, ended): (Time, Rc<Cell<Option<Time>>>) = (reactor.now(), Rc::default());
    let (notes, clock) = (Rc::clone(&ended), reactor.clone());
    read(&reactor, &at, move |bytes, why| {
        assert!(why.is_clean() && bytes == u64::try_from(POEM_BYTES).expect("a length"), "{bytes}, {why}");
        notes.set(Some(clock.now()));
    });
    let took = loop {
        turn(&reactor);
        if let Some(ended) = ended.get() {
            break ended - begun;
        }
    };
    reactor.clear();
    took
}

fn turn(reactor: &Reactor) {
    reactor.turn(Some(Duration::from_millis(100))).expect("it turns");
}
