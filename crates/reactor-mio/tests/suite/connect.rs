//! Attempts to connect over TCP, and why they fail.

use crate::common::{Host, local};
use sestina_reactor::{Address, Connect, Driver};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// A port that is taken, but nobody listens on it.
fn deaf_port() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&local().into()).expect("binds");
    let address = socket.local_addr().expect("bound").as_socket().expect("an IP address");
    (socket, address)
}

#[test]
fn nobody_listens() {
    let mut host = Host::new();
    let (_taken, address) = deaf_port();
    let error = host.connect(&address.into()).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn the_attempt_goes_on_until_the_kernel_says_how_it_ended() {
    let mut host = Host::new();
    let (listener, peer) = host.listen_local();
    let sock = host.driver.connect(&Connect { peer, bind: None }).expect("begins");
    let end = host.watch(sock);
    host.retry(end.token, |driver| driver.connected(sock)).expect("connects");
    host.driver.connected(sock).expect("is connected, whoever asks again");
    host.accept(listener);
}

#[test]
fn a_client_comes_from_the_address_it_asked_for() {
    let mut host = Host::new();
    let (listener, peer) = host.listen_local();
    let bind: SocketAddr = "127.0.0.2:0".parse().expect("an address");
    // Linux has all of 127.0.0.0/8; others have to be told, and then say that the address is not available.
    match host.driver.connect(&Connect { peer, bind: Some(bind) }) {
        Ok(_) => assert_eq!(host.accept(listener).1.ip(), Some(bind.ip())),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable),
    }
}

#[test]
fn a_socket_that_reaches_only_itself_is_refused() {
    let mut host = Host::new();
    let (held, address) = deaf_port();
    drop(held);
    let to = Connect { peer: address.into(), bind: Some(address) };
    let sock = host.driver.connect(&to).expect("begins");
    let end = host.watch(sock);
    let error = host.retry(end.token, |driver| driver.connected(sock)).expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_peer_without_a_name_cannot_be_called() {
    let mut host = Host::new();
    let error = host.driver.connect(&Connect { peer: Address::Unix(None), bind: None }).expect_err("no name");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
