//! UNIX sockets by path: the file, who is there, and what a crash leaves behind.

use crate::common::{MS, connect, kind, listen, pass, queue, read, unix};
use sestina_reactor::{Address, Close, Driver, Listen};
use sestina_reactor_sim::Simulation;
use std::io::ErrorKind;

#[test]
fn a_listener_makes_a_file_that_goes_with_it() {
    let simulation = Simulation::seeded(1);
    let (mut alice, mut bob) = (simulation.driver("alice"), simulation.driver("bob"));
    let at = unix("/run/poetry");
    assert_eq!(kind(connect(&mut alice, &at)), ErrorKind::NotFound);
    let (listener, _) = listen(&mut alice, &at).expect("there is no file");
    assert_eq!(kind(listen(&mut alice, &at)), ErrorKind::AddrInUse);
    listen(&mut bob, &at).expect("another host has other files");
    let client = connect(&mut alice, &at).expect("begins");
    pass(&mut alice, MS);
    alice.connected(client).expect("connected");
    let (server, peer) = alice.accept(listener).expect("it waits");
    assert_eq!(peer, Address::Unix(None));
    alice.send(server, &queue(b"poem")).expect("there is room");
    alice.close(server, Close::Polite);
    pass(&mut alice, MS);
    assert_eq!(read(&mut alice, client).expect("bytes, then the end"), b"poem");
    alice.close(listener, Close::Polite);
    assert_eq!(kind(connect(&mut alice, &at)), ErrorKind::NotFound);
}

#[test]
fn a_crash_leaves_the_file_and_only_an_operator_removes_it() {
    let simulation = Simulation::seeded(1);
    let host = simulation.host("alice");
    let at = unix("/run/poetry");
    listen(&mut simulation.driver("alice"), &at).expect("there is no file");
    host.crash();
    host.restart();
    let mut alice = simulation.driver("alice");
    assert_eq!(kind(connect(&mut alice, &at)), ErrorKind::ConnectionRefused);
    assert_eq!(kind(listen(&mut alice, &at)), ErrorKind::AddrInUse);
    assert!(host.remove_file("/run/poetry") && !host.remove_file("/run/poetry"));
    listen(&mut alice, &at).expect("the file is gone");
}

#[test]
fn a_path_that_is_too_long_and_a_full_queue_are_told() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    assert_eq!(kind(listen(&mut alice, &unix(&"x".repeat(108)))), ErrorKind::InvalidInput);
    let at = unix("/run/poetry");
    alice.listen(&Listen { backlog: 1, ..Listen::at(at.clone()) }).expect("there is no file");
    let (one, two) = (connect(&mut alice, &at).expect("begins"), connect(&mut alice, &at).expect("begins"));
    pass(&mut alice, MS);
    alice.connected(one).expect("connected");
    assert_eq!(kind(alice.connected(two)), ErrorKind::ConnectionRefused);
}
