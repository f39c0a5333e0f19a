//! The CPU of one client: of a cached poem, and of the fast server.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use sestina_poetry::{FastPoetry, Poem, PoetryProxy};
use sestina_reactor::{Endpoint, Reactor};

use super::{endpoint, reactor, read};

/// How many clients come in one round, and how many at a time.
const CLIENTS: u64 = 4_000;
const AT_ONCE: u64 = 32;
/// How often each server has a round.
const ROUNDS: usize = 16;
/// The poems: one of the introduction's length, and a long one, with fewer clients.
const POEMS: [(usize, u64); 2] = [(3_003, CLIENTS), (1024 * 1024, CLIENTS / 20)];
/// What a hit may cost, compared with the fast server.
const RATIO_MAX: f64 = 1.05;

/// One of the two servers, in a process of its own. Ends with its parent.
pub(super) fn serve(kind: &str) {
    let (kind, length) = kind.split_once('/').expect("KIND/LENGTH");
    let poem = Poem::from_bytes(vec![b'p'; length.parse().expect("a length")]);
    let reactor = reactor();
    let fast = FastPoetry::new(poem);
    let port = reactor.listen(&Endpoint::loopback(0), fast).expect("a free port");
    let port = match kind {
        "fast" => port,
        _ => {
            let proxy = PoetryProxy::new(&reactor, &endpoint(&port));
            reactor.listen(&Endpoint::loopback(0), proxy).expect("a free port")
        }
    };
    println!("{}", port.local_addr().port().expect("a tcp port"));
    std::io::stdout().flush().expect("the parent reads");
    let remote = reactor.remote();
    drop(std::thread::Builder::new().spawn(move || {
        let mut line = String::new();
        drop(std::io::stdin().read_line(&mut line)); // ends with the parent
        remote.call_from_thread(Reactor::stop).ok();
    }));
    reactor.run().expect("it runs");
}

struct Server {
    child: Child,
    at: Endpoint,
}

impl Server {
    fn start(kind: &str, length: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(format!("--serve={kind}/{length}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it says its port");
        let at = Endpoint::loopback(line.trim().parse().expect("a port"));
        Self { child, at }
    }

    /// Nanoseconds that its thread has had a processor.
    fn cpu(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).ok()?;
        text.split_whitespace().next()?.parse().ok()
    }

    /// A round: nanoseconds for each client.
    fn round(&self, reactor: &Reactor, length: usize, clients: u64) -> Option<f64> {
        let before = self.cpu()?;
        crowd(reactor, &self.at, length, clients);
        let spent = u32::try_from(self.cpu()? - before).ok()?;
        Some(f64::from(spent) / f64::from(u32::try_from(clients).ok()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// Begins with the next client.
type Next = Rc<dyn Fn()>;

/// Has this many clients read the poem, some at a time.
fn crowd(reactor: &Reactor, at: &Endpoint, length: usize, clients: u64) {
    let (begun, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let next: Rc<RefCell<Option<Next>>> = Rc::default();
    let again = Rc::clone(&next);
    let (of, to) = (reactor.clone(), at.clone());
    let (begins, ends) = (Rc::clone(&begun), Rc::clone(&ended));
    let one = Rc::new(move || {
        if begins.get() == clients {
            return;
        }
        begins.set(begins.get() + 1);
        let (ends, again) = (Rc::clone(&ends), Rc::clone(&again));
        read(&of, &to, move |bytes, why| {
            assert!(why.is_clean() && bytes == u64::try_from(length).expect("a length"), "{why}");
            ends.set(ends.get() + 1);
            let next = again.borrow().clone();
            next.expect("it is there while there are clients")();
        });
    });
    *next.borrow_mut() = Some(one.clone());
    (0..AT_ONCE).for_each(|_| one());
    while ended.get() < clients {
        reactor.turn(Some(Duration::from_millis(100))).expect("it turns");
    }
    next.borrow_mut().take();
}

/// The lower quartile: what disturbs a round only adds to it.
fn quartile(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 4]
}

pub(super) fn measure() {
    let reactor = reactor();
    for (length, clients) in POEMS {
        let (fast, proxy) = (Server::start("fast", length), Server::start("proxy", length));
        for server in [&fast, &proxy] {
            crowd(&reactor, &server.at, length, clients); // warm; and the proxy has its poem
        }
        let (mut of_fast, mut of_proxy) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let one = |server: &Server| server.round(&reactor, length, clients);
            // Each is first as often as the other.
            let (fast, proxy) = if round % 2 == 0 {
                let fast = one(&fast);
                (fast, one(&proxy))
            } else {
                let proxy = one(&proxy);
                (one(&fast), proxy)
            };
            let (Some(fast), Some(proxy)) = (fast, proxy) else {
                println!("hits: not measured, this system does not tell the time of a thread");
                return;
            };
            of_fast.push(fast);
            of_proxy.push(proxy);
        }
        let (fast, proxy) = (quartile(of_fast), quartile(of_proxy));
        let ratio = proxy / fast;
        let word = if ratio <= RATIO_MAX { "within" } else { "ABOVE" };
        println!(
            "hits: {length} bytes: fast server {:.2} us, cached poem {:.2} us a client, ratio {ratio:.3}, {word} {RATIO_MAX}",
            fast / 1000.0,
            proxy / 1000.0,
        );
    }
    reactor.clear();
}
