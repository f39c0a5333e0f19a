//! `cargo bench -p sestina-poetry --bench proxy -- [hits] [pace] [soak[=SECONDS]]`: what the proxy costs, whom a slow
//! reader holds up, and whether a storm of faults leaves anything behind. Without words: all three.
//!
//! - **hits**: the CPU of one client of a cached poem, beside one of the fast server. Both serve in processes of their own
//!   (this program, started again), whose time the system tells to the nanosecond; rounds alternate, and the lower quartile counts.
//! - **pace**: how long a fast reader takes for 64 MiB, alone and beside a reader of 64 KB/s that came first.
//! - **soak**: clients that come, go, dawdle and vanish; poets that end well, reset, stall, and say nothing. Every byte is
//!   checked, and at the end nothing may be left.
#![expect(clippy::print_stdout, reason = "a bench measures and prints")]

mod hits;
mod pace;
mod soak;

use std::time::Duration;

use sestina_reactor::{Address, Conn, Connector, Endpoint, Lost, Protocol, Reactor};

/// How long the soak goes on, unless it is told otherwise.
const SOAK: Duration = Duration::from_secs(5);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some(kind) = words.first().and_then(|word| word.strip_prefix("--serve=")) {
        return hits::serve(kind);
    }
    let soak = words.iter().find_map(|word| word.strip_prefix("soak=")).map(|seconds| {
        let seconds = seconds.parse().expect("soak=SECONDS");
        Duration::from_secs(seconds)
    });
    let all = words.is_empty();
    if all || words.iter().any(|word| word == "hits") {
        hits::measure();
    }
    if all || words.iter().any(|word| word == "pace") {
        pace::measure();
    }
    if all || soak.is_some() || words.iter().any(|word| word == "soak") {
        soak::play(soak.unwrap_or(SOAK));
    }
}

fn reactor() -> Reactor {
    sestina_reactor_mio::reactor().expect("a reactor")
}

/// Somebody who reads to the end, and says how much that was and how it ended.
struct Reader<F> {
    bytes: u64,
    done: Option<F>,
}

impl<F: FnOnce(u64, Lost) + 'static> Protocol for Reader<F> {
    fn data_received(&mut self, _conn: &mut Conn<'_>, data: &[u8]) {
        self.bytes += u64::try_from(data.len()).expect("a length");
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        if let Some(done) = self.done.take() {
            done(self.bytes, why);
        }
    }
}

fn read(reactor: &Reactor, from: &Endpoint, done: impl FnOnce(u64, Lost) + 'static) -> Connector {
    let mut reader = Some(Reader { bytes: 0, done: Some(done) });
    reactor.connect(from, move |_: &Address| reader.take().expect("it connects once"))
}

fn endpoint(port: &sestina_reactor::Port) -> Endpoint {
    Endpoint::loopback(port.local_addr().port().expect("a tcp port"))
}
