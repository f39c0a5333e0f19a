//! What goes wrong around a reactor has a name, a line in the log, and ends one connection: the loop goes on.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::Write;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::fake::{Fake, Incoming, turns};
use sestina_deferred::succeed;
use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Production, Protocol};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::subscriber::with_default;

/// Collects the messages of all events.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("a string takes everything");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut lines = self.0.lock().expect("nobody panics with it");
        write!(lines, "{} ", event.metadata().level()).expect("a string takes everything");
        event.record(&mut Line(&mut lines));
        lines.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Log {
    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with it"))
    }
}

/// Panics in one method, and makes the loop call all of them.
struct Clumsy {
    method: &'static str,
    lost: Rc<Cell<u32>>,
}

impl Clumsy {
    fn at(&self, method: &str) {
        assert!(method != self.method, "on purpose, in {method}");
    }
}

impl Protocol for Clumsy {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_marks(1, 2);
        conn.set_timer(Duration::from_millis(1));
        conn.then(self, succeed(()), |me, _, _| me.at("answer"));
        self.at("connection_made");
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, _: &[u8]) {
        conn.write(b"more than the mark");
        self.at("data_received");
    }

    fn read_closed(&mut self, _: &mut Conn<'_>) {
        self.at("read_closed");
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.at("pause_producing");
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.at("resume_producing");
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.at("timer");
        conn.lose_connection();
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, _: Lost) {
        self.lost.set(self.lost.get() + 1);
        self.at("connection_lost");
    }
}

const METHODS: [&str; 8] = [
    "connection_made",
    "answer",
    "data_received",
    "read_closed",
    "pause_producing",
    "resume_producing",
    "timer",
    "connection_lost",
];

#[test]
fn a_panic_in_any_method_is_logged_and_ends_its_connection_and_the_next_one_is_served() {
    let (fake, log, lost) = (Fake::default(), Log::default(), Rc::new(Cell::new(0)));
    let reactor = fake.reactor();
    let (told, methods) = (Rc::clone(&lost), Cell::new(0));
    let factory = move |_: &Address| {
        let method = METHODS[methods.replace(methods.get() + 1)];
        Clumsy { method, lost: Rc::clone(&told) }
    };
    reactor.listen(&Endpoint::loopback(7), factory).expect("the fake listens anywhere");
    with_default(log.clone(), || {
        for (count, method) in (1..).zip(METHODS) {
            let client = fake.client(1);
            turns(&reactor, 2);
            fake.comes(client, Incoming::Bytes(b"hello".to_vec()));
            turns(&reactor, 2);
            fake.takes(client, 1000);
            turns(&reactor, 2);
            fake.comes(client, Incoming::End);
            while reactor.connections() > 0 {
                reactor.turn(None).expect("the fake waits");
            }
            let lines = log.take();
            assert!(lines.contains(&format!("panic=\"on purpose, in {method}\"")), "{method}: {lines}");
            assert!(lines.contains("ERROR"), "{lines}");
            assert_eq!((lost.get(), reactor.statistics().panics), (count, count.into()), "{method}");
        }
    });
    assert_eq!((fake.sockets(), reactor.timers()), (1, 0));
}

struct Silent;
impl Protocol for Silent {}

/// Refuses, panics, serves: one after the other.
struct Moody(u32);

impl Factory for Moody {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        self.0 += 1;
        match self.0 {
            1 => None,
            2 => panic!("on purpose"),
            _ => Some(Box::new(Silent)),
        }
    }
}

#[test]
fn a_factory_that_refuses_or_panics_resets_that_client_and_serves_the_next() {
    let (fake, log) = (Fake::default(), Log::default());
    let reactor = fake.reactor();
    reactor.listen(&Endpoint::loopback(7), Moody(0)).expect("the fake listens anywhere");
    fake.calls();
    with_default(log.clone(), || {
        for line in ["the factory has no protocol for it", "a factory panicked"] {
            fake.client(100);
            turns(&reactor, 1);
            assert_eq!(fake.calls(), ["reset"]);
            let lines = log.take();
            assert!(lines.contains(line), "{lines}");
        }
        fake.client(100);
        turns(&reactor, 1);
    });
    assert_eq!((reactor.connections(), reactor.statistics().refused), (1, 2));
}

/// A port that is stopped by its own factory: who comes through the same batch is not left hanging.
#[test]
fn a_port_that_is_stopped_while_it_accepts_leaks_nobody() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let port: Rc<RefCell<Option<sestina_reactor::Port>>> = Rc::default();
    let own = Rc::clone(&port);
    let stops = move |_: &Address| {
        if let Some(port) = own.borrow_mut().take() {
            drop(port.stop_listening());
        }
        Silent
    };
    *port.borrow_mut() = Some(reactor.listen(&Endpoint::loopback(7), stops).expect("it listens"));
    fake.client(1);
    fake.client(1);
    turns(&reactor, 3);
    assert_eq!((reactor.connections(), reactor.ports(), fake.sockets()), (1, 0, 2));
    assert!(fake.calls().iter().all(|call| call != "reset"), "the second one waits in the kernel's queue");
}

#[test]
fn a_producer_and_a_layer_that_panic_end_their_connection_with_a_line() {
    struct Producer;
    impl sestina_reactor::Producer for Producer {
        fn resume_producing(&mut self, _: &mut Conn<'_>) {
            panic!("on purpose, in a producer");
        }
    }
    struct Layer;
    impl sestina_reactor::Layer for Layer {
        fn incoming(&mut self, _: &[u8], _: &mut sestina_reactor::LayerIo) {
            panic!("on purpose, in a layer");
        }
    }
    struct Both(u32);
    impl Protocol for Both {
        fn connection_made(&mut self, conn: &mut Conn<'_>) {
            match self.0 {
                0 => conn.register_producer(Production::Pull, Producer).expect("the first one"),
                _ => conn.add_layer(Layer),
            }
        }
    }
    let (fake, log, count) = (Fake::default(), Log::default(), Cell::new(0));
    let reactor = fake.reactor();
    let factory = move |_: &Address| Both(count.replace(1));
    reactor.listen(&Endpoint::loopback(7), factory).expect("the fake listens anywhere");
    with_default(log.clone(), || {
        for line in ["in a producer", "in a layer"] {
            let client = fake.client(100);
            turns(&reactor, 1);
            fake.comes(client, Incoming::Bytes(b"hello".to_vec()));
            turns(&reactor, 2);
            let lines = log.take();
            assert!(lines.contains(line) && reactor.connections() == 0, "{lines}");
        }
    });
}

#[test]
fn descriptors_that_run_out_are_one_line_in_the_log_until_it_works_again() {
    let (fake, log) = (Fake::default(), Log::default());
    let reactor = fake.reactor();
    reactor.listen(&Endpoint::loopback(7), |_: &Address| Silent).expect("the fake listens anywhere");
    with_default(log.clone(), || {
        for _ in 0..3 {
            fake.accept_fails(io::ErrorKind::Other);
            reactor.turn(None).expect("the fake waits");
            reactor.turn(None).expect("the fake waits");
        }
        assert_eq!(log.take().matches("cannot accept connections").count(), 1);
        fake.client(1);
        while reactor.connections() == 0 {
            reactor.turn(None).expect("the fake waits");
        }
        fake.accept_fails(io::ErrorKind::Other);
        reactor.turn(None).expect("the fake waits");
        assert_eq!(log.take().matches("cannot accept connections").count(), 1);
    });
}

/// Two addresses: the first refuses, the second never answers. What the first said is not lost.
#[test]
fn a_timeout_keeps_what_the_first_address_said() {
    struct Fails(Rc<RefCell<Option<ConnectError>>>);
    impl Factory for Fails {
        fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
            None
        }

        fn connection_failed(&mut self, error: ConnectError) {
            *self.0.borrow_mut() = Some(error);
        }
    }
    let (fake, failure) = (Fake::default(), Rc::default());
    let reactor = fake.reactor();
    let at = Endpoint::tcp("localhost", 80).with_timeout(Duration::from_secs(5));
    reactor.connect(&at, Fails(Rc::clone(&failure)));
    fake.comes(fake.newest(), Incoming::Reset);
    while failure.borrow().is_none() {
        reactor.turn(None).expect("the fake waits");
    }
    let failure = failure.borrow_mut().take().expect("it came");
    assert_eq!(failure.to_string(), "localhost:80 did not answer within 5s");
    let first = failure.source().map(ToString::to_string);
    assert_eq!(first.as_deref(), Some("127.0.0.1:80 refused the connection: nobody listens there"));
}
