//! Wrong endpoints, on the real driver: each has a name and a message that says what to do, and the loop goes on.

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use crate::common::Folder;
use sestina_reactor::{Address, ConnectError, Endpoint, Factory, ListenError, Protocol, Reactor};
use sestina_reactor_mio::reactor;

struct Silent;
impl Protocol for Silent {}

fn listen(reactor: &Reactor, at: &Endpoint) -> Result<sestina_reactor::Port, ListenError> {
    reactor.listen(at, |_: &Address| Silent)
}

fn refused(reactor: &Reactor, at: &Endpoint) -> String {
    listen(reactor, at).expect_err("nobody can listen there").to_string()
}

struct Fails(Rc<RefCell<Option<ConnectError>>>);

impl Factory for Fails {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        None
    }

    fn connection_failed(&mut self, error: ConnectError) {
        *self.0.borrow_mut() = Some(error);
    }
}

fn failure(reactor: &Reactor, to: &Endpoint) -> ConnectError {
    let slot = Rc::default();
    reactor.connect(to, Fails(Rc::clone(&slot)));
    loop {
        reactor.turn(Some(Duration::from_secs(20))).expect("it can wait");
        if let Some(error) = slot.borrow_mut().take() {
            return error;
        }
    }
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn listening_where_it_cannot_be_says_why_and_what_to_do() {
    let (reactor, folder) = (reactor().expect("a poller"), Folder::new());
    let port = listen(&reactor, &Endpoint::loopback(0)).expect("a free port");
    let number = port.local_addr().port().expect("a TCP port");
    assert_eq!(
        refused(&reactor, &Endpoint::loopback(number)),
        format!("127.0.0.1:{number} is already in use: take another port, or 0 for a free one")
    );
    assert_eq!(
        refused(&reactor, &endpoint("tcp:0:interface=192.0.2.1")),
        "192.0.2.1:0 is not an address of this machine: listen on one that is, or on localhost"
    );
    assert_eq!(
        refused(&reactor, &endpoint("tcp:0:interface=everywhere")),
        "cannot listen on 'everywhere': give an IP address of this machine, or localhost"
    );
    assert_eq!(
        refused(&reactor, &endpoint("udp:0")),
        "'udp:0' is for datagrams: nobody can open a stream there"
    );
    let long = Endpoint::unix(format!("/tmp/{}", "x".repeat(200)));
    assert!(refused(&reactor, &long).ends_with("it is longer than about 100 bytes, or has a zero byte"));
    let astray = Endpoint::unix(folder.path("missing/socket"));
    assert!(refused(&reactor, &astray).ends_with("missing/socket does not exist: make it first"));
    assert_eq!(reactor.ports(), 1);
}

#[test]
fn a_socket_file_that_was_left_behind_is_told_from_one_that_is_used() {
    let (reactor, folder) = (reactor().expect("a poller"), Folder::new());
    let path = folder.path("socket");
    let at = Endpoint::unix(&path);
    drop(std::os::unix::net::UnixListener::bind(&path).expect("the path is free"));
    let stale = listen(&reactor, &at).expect_err("it is in the way");
    assert!(matches!(stale, ListenError::StaleSocket(_)), "{stale:?}");
    assert!(stale.to_string().contains("was left behind by a server that is gone"), "{stale}");
    assert!(matches!(failure(&reactor, &at), ConnectError::Refused(_)));
    let locked = endpoint(&format!("unix:{}:lockfile=1", path.display()));
    let port = listen(&reactor, &locked).expect("the lock is free");
    let used = listen(&reactor, &at).expect_err("it is used");
    assert!(matches!(used, ListenError::FileInTheWay(_)), "{used:?}");
    let held = listen(&reactor, &locked).expect_err("it is used");
    assert!(held.to_string().starts_with("another server runs on unix:"), "{held}");
    drop(port.stop_listening());
    reactor.turn(Some(Duration::ZERO)).expect("it can wait");
    listen(&reactor, &locked).expect("both are free again");
}

/// As root, and where the kernel lets everybody take them, there is nothing to refuse.
#[test]
fn a_privileged_port_without_rights_says_how_to_get_one() {
    let reactor = reactor().expect("a poller");
    match listen(&reactor, &Endpoint::loopback(1)) {
        Err(error @ ListenError::NotPermitted(_)) => {
            let says =
                "need a privilege; take a higher port, start as root, or have systemd hand the socket over";
            assert!(error.to_string().ends_with(says), "{error}");
        }
        Ok(_) => println!("skipped: this process may take privileged ports"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn connecting_where_nobody_is_says_why() {
    let (reactor, folder) = (reactor().expect("a poller"), Folder::new());
    let gone = {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        port.local_addr().expect("it has one")
    };
    assert_eq!(
        failure(&reactor, &Endpoint::tcp("127.0.0.1", gone.port())).to_string(),
        format!("{gone} refused the connection: nobody listens there")
    );
    let unresolvable = failure(&reactor, &Endpoint::tcp("no-such-host.invalid", 80));
    assert_eq!(unresolvable.to_string(), "the host name 'no-such-host.invalid' has no address");
    assert!(unresolvable.source().is_some(), "the resolver's own words");
    let missing = failure(&reactor, &Endpoint::unix(folder.path("socket"))).to_string();
    assert!(missing.ends_with("socket: is the server running?"), "{missing}");
    let long = Endpoint::unix(format!("/tmp/{}", "x".repeat(200)));
    assert!(failure(&reactor, &long).to_string().ends_with("it is too long or has a zero byte"));
    let elsewhere = endpoint(&format!("tcp:127.0.0.1:{}:bindAddress=192.0.2.1", gone.port()));
    let no_address = failure(&reactor, &elsewhere);
    assert!(matches!(no_address, ConnectError::NoLocalAddress(_)), "{no_address:?}");
    assert!(matches!(failure(&reactor, &endpoint("udp:1")), ConnectError::NotForConnecting(_)));
    assert!(matches!(failure(&reactor, &endpoint("fd:3")), ConnectError::NotForConnecting(_)));
    // And somebody who is there is reached all the same.
    let port = listen(&reactor, &Endpoint::loopback(0)).expect("a free port");
    let there = Endpoint::loopback(port.local_addr().port().expect("a TCP port"));
    assert!(matches!(failure(&reactor, &there), ConnectError::NoProtocol(_)));
    reactor.clear();
}
