//! `cargo bench -p sestina-reactor-mio`: ten thousand slow readers in one process, and what a hundred others notice.
//!
//! The server sends each of the crowd [`SLOW_BYTES`] a second and echoes what the others send. The crowd lives in
//! a process of its own (this program, started again), for each process may have only so many descriptors. The others
//! live on a thread of their own, with a reactor of their own; each sends, waits for its echo, rests, and so on. The
//! delay is from the write to the echo, so it has the others' own waiting for a processor in it, and says more than
//! the server's share. Not a test: a busy machine delays everybody.
#![expect(clippy::print_stdout, reason = "a bench measures and prints")]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, ConnectionLimits, Endpoint, Protocol, Reactor, Time};

/// How many read slowly.
const CROWD: usize = 10_000;
/// How many of the crowd may be connecting at once: less than the backlog.
const CONNECTING_MAX: usize = 500;
/// What each of them is sent each second.
const SLOW_BYTES: usize = 10;
/// How many others there are, how long each rests, and how long it goes on.
const OTHERS: usize = 100;
const REST: Duration = Duration::from_millis(20);
const MEASURED: Duration = Duration::from_secs(10);
/// How long they are measured before the crowd comes: what this machine does to them anyway.
const ALONE: Duration = Duration::from_secs(5);
/// What nobody should notice.
const DELAY_MAX: Duration = Duration::from_millis(50);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|word| word == "--crowd") {
        Some(at) => crowd(arguments[at + 1].parse().expect("a port")),
        None => serve(),
    }
}

fn reactor() -> Reactor {
    sestina_reactor_mio::reactor().expect("a reactor")
}

/// Sends a little each second, for ever.
struct Slow;

impl Protocol for Slow {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.timer(conn);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        conn.write(&[b'p'; SLOW_BYTES]);
        conn.set_timer(Duration::from_secs(1));
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
    }
}

fn serve() {
    let descriptors = sestina_reactor_mio::raise_descriptor_limit().expect("the limit can be raised");
    println!("{descriptors} descriptors; {CROWD} slow readers, {OTHERS} others, measured for {MEASURED:?}");
    let reactor = reactor();
    let slow = reactor.listen(&Endpoint::loopback(0), |_: &Address| Slow).expect("a free port");
    slow.set_connection_limits(ConnectionLimits { total: CROWD + 1, ..ConnectionLimits::default() });
    let echo = reactor.listen(&Endpoint::loopback(0), |_: &Address| Echo).expect("a free port");
    let port = |port: &sestina_reactor::Port| port.local_addr().port().expect("a TCP port");
    let (slow_port, echo_port) = (port(&slow), port(&echo));

    println!("without the crowd:");
    others(&reactor, echo_port, ALONE);

    let itself = std::env::current_exe().expect("it runs from a file");
    let mut crowd = Command::new(itself)
        .args(["--crowd", &slow_port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    while reactor.connections() < CROWD {
        reactor.turn(Some(Duration::from_secs(1))).expect("it can wait");
        assert!(crowd.try_wait().expect("it is ours").is_none(), "the crowd ended before all were connected");
    }
    println!("with {} slow connections held:", reactor.connections());

    others(&reactor, echo_port, MEASURED);
    let told = crowd.stdin.take();
    drop(told); // the crowd goes
    let mut last = String::new();
    if let Some(words) = crowd.stdout.take() {
        BufReader::new(words).read_line(&mut last).expect("it speaks");
    }
    crowd.wait().expect("it ends");
    print!("{last}");
}

/// Serves while the others are measured on a thread of their own.
fn others(reactor: &Reactor, port: u16, time: Duration) {
    let (before, remote) = (reactor.statistics(), reactor.remote());
    let (tell, told) = std::sync::mpsc::channel();
    let measuring = std::thread::Builder::new().spawn(move || {
        let delays = measure(port, time);
        tell.send(()).expect("the server waits");
        remote.call_from_thread(|_| ()).expect("it still runs"); // wakes it
        delays
    });
    while told.try_recv().is_err() {
        reactor.turn(None).expect("it can wait");
    }
    let after = reactor.statistics();
    report(measuring.expect("it starts").join().expect("no panic"));
    println!(
        "  {} turns and {} upcalls of the server; so far its longest turn had {:?} of user code ({})",
        after.turns - before.turns,
        after.upcalls - before.upcalls,
        after.longest_turn,
        after.longest_turn_holder,
    );
}

fn report(mut delays: Vec<Duration>) {
    delays.sort_unstable();
    let at = |permille: usize| delays[(delays.len() * permille / 1000).min(delays.len() - 1)];
    println!(
        "  {} echoes: median {:?}, 99 % {:?}, 99.9 % {:?}, longest {:?}; over {DELAY_MAX:?}: {}",
        delays.len(),
        at(500),
        at(990),
        at(999),
        at(1000),
        delays.iter().filter(|delay| **delay > DELAY_MAX).count()
    );
}

/// One of the others.
struct Asker {
    asked: Time,
    delays: Rc<RefCell<Vec<Duration>>>,
}

impl Protocol for Asker {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.timer(conn);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.asked = conn.now();
        conn.write(&[b'?'; 64]);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, _: &[u8]) {
        self.delays.borrow_mut().push(conn.now() - self.asked);
        conn.set_timer(REST);
    }
}

fn measure(port: u16, time: Duration) -> Vec<Duration> {
    let (reactor, delays) = (reactor(), Rc::new(RefCell::new(Vec::new())));
    for _ in 0..OTHERS {
        let delays = Rc::clone(&delays);
        let asker = move |_: &Address| Asker { asked: Time::ZERO, delays: Rc::clone(&delays) };
        reactor.connect(&Endpoint::loopback(port), asker);
    }
    let stop = reactor.clone();
    reactor.call_later(time, move || stop.stop());
    reactor.run().expect("it can wait");
    delays.take()
}

/// One of the crowd: reads, and counts.
struct Reader(Rc<RefCell<usize>>);

impl Protocol for Reader {
    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        *self.0.borrow_mut() += data.len();
    }
}

/// The crowd, until its standard input ends.
fn crowd(port: u16) {
    sestina_reactor_mio::raise_descriptor_limit().expect("the limit can be raised");
    let (reactor, read) = (reactor(), Rc::new(RefCell::new(0)));
    let mut asked = 0;
    while asked < CROWD {
        let count = CONNECTING_MAX.min(CROWD - asked);
        for _ in 0..count {
            let read = Rc::clone(&read);
            reactor.connect(&Endpoint::loopback(port), move |_: &Address| Reader(Rc::clone(&read)));
        }
        asked += count;
        while reactor.connections() < asked {
            reactor.turn(Some(Duration::from_secs(1))).expect("it can wait");
        }
    }
    let remote = reactor.remote();
    let ends = std::thread::Builder::new().spawn(move || {
        std::io::stdin().lines().for_each(drop);
        remote.call_from_thread(|reactor| reactor.stop()).expect("it still runs");
    });
    drop(ends.expect("it starts"));
    while !reactor.is_stopping() {
        reactor.turn(None).expect("it can wait");
    }
    let told = writeln!(std::io::stdout(), "the crowd was sent {} bytes", read.borrow());
    told.expect("the server listens");
}
