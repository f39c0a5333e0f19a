//! How a connection ends, seen from the other side.

use crate::common::{Host, of};
use sestina_reactor::{Close, Driver};
use std::io;

#[test]
fn a_polite_close_after_the_end_delivers_everything() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(far, "a whole poem");
    host.driver.finish(far).expect("finishes");
    host.driver.close(far, Close::Polite);
    assert_eq!(host.receive_all(near).expect("a clean end"), b"a whole poem");
}

#[test]
fn a_reset_is_an_error_and_not_an_end() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.driver.close(far, Close::Reset);
    assert_eq!(host.recv(near).expect_err("reset").kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_after_the_end_was_sent_is_still_a_reset() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.driver.finish(far).expect("finishes");
    assert_eq!(host.recv(near).expect("the end"), (String::new(), false));
    host.is_told(near.token);
    host.driver.close(far, Close::Reset);
    host.until(|event| of(near.token, event));
    let error =
        host.driver.send(near.sock, &crate::common::queue([&b"into the void"[..]])).expect_err("reset");
    assert!(matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{error}");
}

/// Why the reactor drains before it closes.
#[test]
fn a_polite_close_with_unread_input_resets() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(near.sock, "nobody reads this");
    host.driver.close(far, Close::Polite);
    assert_eq!(host.recv(near).expect_err("reset").kind(), io::ErrorKind::ConnectionReset);
}

/// A socket that was never watched is closed by `close(2)` alone: no call to the poller is made, because mio takes
/// nothing off the poller when a socket is dropped.
#[test]
fn a_connection_nobody_watched_serves_and_closes() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(far, "a poem");
    host.driver.finish(far).expect("finishes");
    host.driver.close(far, Close::Polite);
    assert_eq!(host.receive_all(near).expect("a clean end"), b"a poem");
}

#[test]
fn dropping_the_driver_closes_every_socket() {
    let (mut host, mut other) = (Host::new(), Host::new());
    let (listener, address) = other.listen_local();
    let near = host.connect(&address).expect("connects");
    let (unwatched, _) = other.accept(listener);
    let second = host.connect(&address).expect("connects");
    let watched = other.accept(listener).0;
    other.watch(watched);
    other.send(unwatched, "bye");
    drop(other);
    assert_eq!(host.receive_all(near).expect("a clean end"), b"bye");
    assert_eq!(host.receive_all(second).expect("a clean end"), b"");
    assert_eq!(
        host.connect(&address).map(drop).expect_err("closed").kind(),
        io::ErrorKind::ConnectionRefused
    );
}
