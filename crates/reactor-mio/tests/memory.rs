//! What connections cost over real sockets: bytes, allocations, processor time, calls of the poller. Alone in its process,
//! because it takes many descriptors.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sestina_reactor::{Address, Conn, Endpoint, Protocol, Reactor};

/// How many connections are held, where so many descriptors may be open: two for each, for both ends are here.
const CONNECTIONS_MAX: u64 = 10_000;
/// What the test harness, the poller and the standard streams need.
const OTHER_DESCRIPTORS: u64 = 200;
/// So many wait in the kernel's queue before they are accepted.
const BATCH: u64 = 500;
/// How many events come on one connection.
const EVENTS: u64 = 1_000;
/// What one idle connection may cost in user space, driver and protocol included.
const BYTES_PER_CONNECTION_MAX: i64 = 400;
/// How long the idle reactor is watched, and what it may use meanwhile.
const IDLE: Duration = Duration::from_millis(500);
const IDLE_CPU_MAX: Duration = Duration::from_millis(20);
const IDLE_TURNS_MAX: u64 = 4;

/// Answers every piece; has a timer that every piece moves.
struct Echo;

impl Protocol for Echo {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_timer(Duration::from_secs(600));
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
        conn.set_timer(Duration::from_secs(600));
    }
}

fn listening<P: Protocol>(protocol: impl Fn() -> P + 'static) -> (Reactor, SocketAddr) {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let port = reactor.listen(&Endpoint::loopback(0), move |_: &Address| protocol()).expect("a free port");
    let &Address::Inet(address) = port.local_addr() else { panic!("a TCP port") };
    (reactor, address)
}

fn until(reactor: &Reactor, done: impl Fn() -> bool) {
    while !done() {
        reactor.turn(Some(Duration::from_secs(20))).expect("it can wait");
    }
}

fn hold(reactor: &Reactor, address: SocketAddr, clients: &mut Vec<TcpStream>, count: u64) {
    for _ in 0..count.div_ceil(BATCH) {
        let batch = (0..BATCH).map(|_| TcpStream::connect(address).expect("connects"));
        clients.extend(batch);
        until(reactor, || reactor.connections() == clients.len());
    }
}

fn cpu_time() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(spent).expect("it is not negative")
}

#[test]
fn idle_connections_cost_at_most_400_bytes_and_no_processor_time() {
    let descriptors = sestina_reactor_mio::raise_descriptor_limit().expect("the limit can be raised");
    let count = (descriptors.saturating_sub(OTHER_DESCRIPTORS) / 2).min(CONNECTIONS_MAX) / BATCH * BATCH;
    assert!(count >= BATCH, "with {descriptors} descriptors there is nothing to measure");
    let (reactor, address) = listening(|| Echo);
    let mut clients = Vec::with_capacity(usize::try_from(count + BATCH).expect("small"));
    reactor.turn(Some(Duration::ZERO)).expect("it can wait");
    let counted = allocation_counter::measure(|| hold(&reactor, address, &mut clients, count));
    let each = counted.bytes_current / i64::try_from(count).expect("small");
    println!("{count} connections: {each} bytes each");
    assert!(each <= BYTES_PER_CONNECTION_MAX, "{each} bytes");

    let (turns, cpu) = (reactor.statistics().turns, cpu_time());
    let slept = Rc::new(Cell::new(false));
    let wakes = Rc::clone(&slept);
    reactor.call_later(IDLE, move || wakes.set(true));
    until(&reactor, || slept.get());
    let (turns, cpu) = (reactor.statistics().turns - turns, cpu_time() - cpu);
    println!("idle for {IDLE:?}: {turns} turns, {cpu:?} of processor time");
    assert!(turns <= IDLE_TURNS_MAX && cpu <= IDLE_CPU_MAX, "{turns} turns, {cpu:?}");
    reactor.clear();
}

#[test]
fn an_event_on_an_established_connection_allocates_nothing() {
    let (reactor, address) = listening(|| Echo);
    let mut client = TcpStream::connect(address).expect("connects");
    let mut event = |reactor: &Reactor| {
        let before = reactor.statistics().bytes_sent;
        client.write_all(&[b'x'; 64]).expect("sends");
        until(reactor, || reactor.statistics().bytes_sent == before + 64);
        client.read_exact(&mut [0; 64]).expect("answers");
    };
    (0..100).for_each(|_| event(&reactor)); // buffers are kept from then on
    let counted = allocation_counter::measure(|| (0..EVENTS).for_each(|_| event(&reactor)));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

/// Greets and closes at once.
struct Poet;

impl Protocol for Poet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"a whole poem");
        conn.lose_connection();
    }
}

/// What the driver is asked to watch costs one `epoll_ctl`, and nothing else does (`driver.rs`).
#[test]
fn a_connection_that_is_written_and_closed_at_once_never_meets_the_poller_if_its_peer_is_quick() {
    let (reactor, address) = listening(|| Poet);
    reactor.turn(Some(Duration::ZERO)).expect("it can wait");
    let before = reactor.statistics().watched;
    for served in 1..=20 {
        let mut client = TcpStream::connect(address).expect("connects");
        until(&reactor, || reactor.statistics().accepted == served);
        let mut poem = String::new();
        client.read_to_string(&mut poem).expect("a clean end");
        assert_eq!(poem, "a whole poem");
        drop(client); // before the sweep
        until(&reactor, || reactor.connections() == 0);
    }
    assert_eq!(reactor.statistics().watched, before);
}
