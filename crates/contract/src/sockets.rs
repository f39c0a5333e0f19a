//! What is said about a socket before and while it is used: where from, how, how long, and in which words.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_reactor::{
    Address, Argument, ArgumentError, Arguments, Connector, CustomEndpoint, Endpoint, Factory, ListenError,
    Port, Reactor, SocketOption,
};

use crate::connecting::Expect;
use crate::stage::Kept;
use crate::{Diary, Probe, Stage};

/// The peer sees the address that was asked for, and one that is not ours is an error.
pub fn a_client_comes_from_the_address_it_binds(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|probe, conn| probe.note(&format!("peer {}", conn.peer())))
    });
    let from: SocketAddr = "127.0.0.2:0".parse().expect("an address");
    let client = Probe::new(&diary).named("client").made(|_, conn| conn.lose_connection());
    stage.connect(&at.clone().with_bind_address(from), client);
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert!(diary.has("server peer 127.0.0.2:"), "{diary:?}");
    let (log, nowhere) = (diary.clone(), "192.0.2.1:0".parse().expect("an address"));
    stage.reactor().connect(
        &at.with_bind_address(nowhere),
        Expect::new(move |error| log.note(format!("failed {error:?}"))),
    );
    stage.until_noted(&diary, "failed");
}

/// Both ways, while it runs.
pub fn options_of_a_connection_may_be_set(stage: &mut Stage) {
    let (diary, handle) = (Diary::default(), Kept::default());
    let (_port, at) = stage.serve(&diary, |probe| probe.named("server"));
    let kept = Rc::clone(&handle);
    let client = Probe::new(&diary).named("client").made(move |_, conn| {
        for option in [
            SocketOption::NoDelay(true),
            SocketOption::NoDelay(false),
            SocketOption::KeepAlive(Some(Duration::from_secs(30))),
            SocketOption::KeepAlive(None),
        ] {
            conn.set_option(option).expect("a TCP connection has it");
        }
        let handle = conn.handle();
        handle.set_option(SocketOption::NoDelay(true)).expect("a handle may set it too");
        assert_eq!(handle.local_address(), conn.local_address());
        handle.set_timer(Duration::ZERO);
        handle.cancel_timer();
        *kept.borrow_mut() = Some(handle);
        conn.lose_connection();
    });
    let client = client.timer(|_, _| panic!("it was cancelled"));
    stage.connect(&at, client);
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    let gone = handle.borrow_mut().take().expect("it was connected");
    let late = gone.set_option(SocketOption::NoDelay(true)).expect_err("it is gone");
    assert_eq!((late.kind(), gone.local_address()), (std::io::ErrorKind::NotConnected, None));
}

/// The loopback of IPv6, its addresses in brackets, where there is one.
pub fn ipv6_serves_as_ipv4_does(stage: &mut Stage) {
    let diary = Diary::default();
    let log = diary.clone();
    let factory = move |_: &Address| {
        Probe::new(&log).named("server").made(|probe, conn| {
            probe.note(&format!("peer {}", conn.peer()));
            conn.write(b"over six");
            conn.lose_connection();
        })
    };
    let at: Endpoint = "tcp:0:interface=[::1]".parse().expect("an endpoint");
    let port = match stage.reactor().listen(&at, factory) {
        Ok(port) => port,
        Err(ListenError::NotLocal(_) | ListenError::Os { .. }) => return, // a machine without IPv6
        Err(error) => panic!("{error}"),
    };
    let number = port.local_addr().port().expect("an IP address");
    assert_eq!(port.local_addr().to_string(), format!("[::1]:{number}"));
    for text in [format!("tcp:[::1]:{number}"), format!(r"tcp:\:\:1:{number}:bindAddress=[::1]")] {
        let to: Endpoint = text.parse().expect("an endpoint");
        assert_eq!(to.peer_name(), format!("[::1]:{number}"));
        stage.connect(&to, Probe::new(&diary).named("client"));
        stage.until_noted(&diary, "client lost Done");
        stage.until_alone();
        let lines = diary.take();
        assert!(lines.iter().any(|line| line.starts_with("server peer [::1]:")), "{lines:?}");
    }
}

/// A full server says nothing to further clients; they give up after their time, and no sooner.
pub fn an_attempt_that_nobody_answers_times_out(stage: &mut Stage) {
    const LIMIT: Duration = Duration::from_millis(400);
    let diary = Diary::default();
    let log = diary.clone();
    let factory = move |_: &Address| Probe::new(&log).named("server");
    let at = Endpoint::loopback(0).with_backlog(1);
    let port = stage.reactor().listen(&at, factory).expect("a free port");
    port.set_connection_limits(sestina_reactor::ConnectionLimits {
        total: 1,
        ..sestina_reactor::ConnectionLimits::default()
    });
    let to = Endpoint::loopback(port.local_addr().port().expect("an IP address"));
    let first = stage.connect(&to, Probe::new(&diary).named("first"));
    stage.until_noted(&diary, "server made");
    let begun = stage.reactor().now();
    // A few more than any kernel's idea of a backlog of one.
    let waiting: Vec<Connector> = (0..6)
        .map(|_| {
            let log = diary.clone();
            stage.reactor().connect(
                &to.clone().with_timeout(LIMIT),
                Expect::new(move |error| log.note(format!("late: {error:?}"))),
            )
        })
        .collect();
    stage.until("an attempt to time out", || diary.has("late: TimedOut"));
    assert!(stage.reactor().now() - begun >= LIMIT);
    waiting.iter().for_each(Connector::disconnect);
    first.disconnect();
    drop(port.stop_listening());
    stage.until_alone();
}

/// An address that no interface of this machine has.
pub fn a_foreign_address_is_told(stage: &mut Stage) {
    let at = Endpoint::tcp("192.0.2.1", 0);
    let listened = stage.reactor().listen(&at, |_: &Address| Probe::new(&Diary::default()));
    assert!(matches!(listened, Err(ListenError::NotLocal(_))), "{listened:?}");
}

/// Twisted's strings, with an escape in a path.
pub fn endpoints_are_strings(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::<RefCell<Vec<u8>>>::default());
    let path = crate::unix::path();
    let unix = format!("unix:{}", sestina_reactor::quote_argument(&format!("{}:x", path.display())));
    for listen_at in ["tcp:0:interface=127.0.0.1".to_owned(), unix.clone()] {
        let log = diary.clone();
        let factory = move |_: &Address| {
            Probe::new(&log).named("server").made(|_, conn| {
                conn.write(b"hello ");
                conn.lose_connection();
            })
        };
        let at: Endpoint = listen_at.parse().expect("an endpoint");
        let port = stage.reactor().listen(&at, factory).expect("it is free");
        let to = match port.local_addr().port() {
            Some(number) => format!("tcp:host=127.0.0.1:port={number}:timeout=10"),
            None => format!("{unix}:timeout=10"),
        };
        let to = stage.reactor().endpoint(&to).expect("an endpoint");
        stage.connect(&to, Probe::new(&diary).named("client").quiet().into(&got));
        stage.until_noted(&diary, "client lost Done");
        stage.answer(port.stop_listening()).expect("it stops");
        drop(diary.take());
    }
    stage.until_alone();
    assert_eq!(*got.borrow(), b"hello hello ");
    let error = "tcp:80:interfac=x".parse::<Endpoint>().expect_err("a misspelt argument");
    assert!(error.to_string().contains("interfac"), "{error}");
}

/// `here:PORT`, a kind that a test has added.
#[derive(Debug)]
struct Here(u16);

impl Here {
    fn parse(arguments: &mut Arguments) -> Result<Arc<dyn CustomEndpoint>, ArgumentError> {
        let port = arguments.next_plain().ok_or_else(|| arguments.missing("the port"))?;
        Ok(Arc::new(Self(Argument::port(&port)?)))
    }
}

impl CustomEndpoint for Here {
    fn listen(&self, reactor: &Reactor, factory: Box<dyn Factory>) -> Result<Port, ListenError> {
        reactor.listen(&Endpoint::loopback(self.0), factory)
    }

    fn connect(&self, reactor: &Reactor, factory: Box<dyn Factory>) -> Connector {
        reactor.connect(&Endpoint::loopback(self.0), factory)
    }
}

/// Other crates bring kinds of their own; a service does not notice.
pub fn a_kind_of_endpoint_may_be_added(stage: &mut Stage) {
    let diary = Diary::default();
    assert!(stage.reactor().endpoint("here:0").is_err());
    stage.reactor().add_endpoint_kind("here", Here::parse);
    let at = stage.reactor().endpoint("here:0").expect("it was added");
    let log = diary.clone();
    let factory = move |_: &Address| Probe::new(&log).named("server").made(|_, conn| conn.lose_connection());
    let port = stage.reactor().listen(&at, factory).expect("a free port");
    let number = port.local_addr().port().expect("an IP address");
    let to = stage.reactor().endpoint(&format!("HERE:{number}")).expect("case does not matter");
    stage.connect(&to, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
}
