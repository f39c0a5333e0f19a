//! Datagrams: whole or not at all, in any order, once or twice.

use crate::common::{MS, inet, kind, pass, token, told};
use sestina_reactor::{Address, Close, Driver, Sock};
use sestina_reactor_sim::{Fault, Faults, Odds, SimDriver, Simulation};
use std::io::ErrorKind;

fn bound(simulation: &Simulation, host: &str, ip: &str) -> (SimDriver, Sock, Address) {
    let mut driver = simulation.driver(host);
    let (sock, at) = driver.bind_datagram(&inet(ip, 0), None).expect("a free port");
    (driver, sock, at)
}

fn all(driver: &mut SimDriver, sock: Sock) -> Vec<u8> {
    let mut buffer = [0; 100];
    std::iter::from_fn(|| driver.recv_from(sock, &mut buffer).ok().map(|_| buffer[0])).collect()
}

/// Sends a hundred numbers from alice to bob.
fn hundred(faults: Faults) -> Vec<u8> {
    let simulation = Simulation::seeded(3).faults(faults);
    let (mut alice, from, _) = bound(&simulation, "alice", "10.0.0.1");
    let (mut bob, sock, to) = bound(&simulation, "bob", "10.0.0.2");
    for number in 0..100 {
        alice.send_to(from, &[number], Some(&to)).expect("there is room");
        pass(&mut alice, MS / 10);
    }
    pass(&mut bob, 100 * MS);
    all(&mut bob, sock)
}

#[test]
fn on_a_plain_line_every_datagram_comes_once_and_in_order() {
    assert_eq!(hundred(Faults::none()), (0..100).collect::<Vec<u8>>());
}

#[test]
fn faults_lose_double_and_delay_them() {
    let with = |fault| hundred(Faults::none().with(fault, Odds::one_in(4)));
    let lost = with(Fault::LostDatagrams);
    assert!(lost.len() < 100 && lost.is_sorted(), "{lost:?}");
    let mut doubled = with(Fault::DoubledDatagrams);
    assert!(doubled.len() > 100);
    doubled.dedup();
    assert_eq!(doubled.len(), 100);
    let mut late = with(Fault::LateDatagrams);
    assert!(!late.is_sorted(), "{late:?}");
    late.sort_unstable();
    assert_eq!(late, (0..100).collect::<Vec<u8>>());
}

#[test]
fn a_socket_answers_whom_it_heard_and_is_told_of_arrivals() {
    let simulation = Simulation::seeded(1);
    let (mut alice, from, _) = bound(&simulation, "alice", "0.0.0.0");
    let (mut bob, sock, to) = bound(&simulation, "bob", "10.0.0.2");
    bob.watch(sock, token(5)).expect("watches");
    pass(&mut bob, MS);
    alice.send_to(from, b"?", Some(&to)).expect("there is room");
    assert_eq!(told(&pass(&mut bob, MS), token(5)), (true, false));
    let (_, peer) = bob.recv_from(sock, &mut [0; 9]).expect("one came");
    assert_eq!(peer.ip().map(|ip| ip.to_string()).as_deref(), Some("10.0.0.1"));
    bob.send_to(sock, b"!", Some(&peer)).expect("there is room");
    pass(&mut alice, MS);
    assert_eq!(all(&mut alice, from), b"!");
    alice.close(from, Close::Polite);
    bob.close(sock, Close::Polite);
    assert_eq!(simulation.sockets(), 0);
}

#[test]
fn a_connected_socket_hears_its_peer_only_and_is_told_when_nobody_is_there() {
    let simulation = Simulation::seeded(1);
    let (mut bob, sock, to) = bound(&simulation, "bob", "127.0.0.1");
    let (stranger, _) = bob.bind_datagram(&inet("127.0.0.1", 0), None).expect("a port");
    let (client, own) = bob.bind_datagram(&inet("127.0.0.1", 0), Some(&to)).expect("a port");
    bob.send_to(stranger, b"x", Some(&own)).expect("there is room");
    bob.send_to(sock, b"y", Some(&own)).expect("there is room");
    pass(&mut bob, MS);
    assert_eq!(all(&mut bob, client), b"y");
    bob.close(sock, Close::Polite);
    bob.send_to(client, b"?", None).expect("there is room");
    pass(&mut bob, MS);
    assert_eq!(kind(bob.recv_from(client, &mut [0; 9])), ErrorKind::ConnectionRefused);
    assert_eq!(kind(bob.send_to(stranger, b"x", None)), ErrorKind::NotConnected);
}

#[test]
fn what_is_too_large_is_refused_what_does_not_fit_is_cut_and_what_nobody_reads_is_lost() {
    let simulation = Simulation::seeded(1);
    let (mut bob, sock, to) = bound(&simulation, "bob", "127.0.0.1");
    assert_eq!(kind(bob.send_to(sock, &[0; 65_508], Some(&to))), ErrorKind::InvalidInput);
    for _ in 0..10 {
        bob.send_to(sock, &[7; 50_000], Some(&to)).expect("there is room");
    }
    pass(&mut bob, MS);
    let mut small = [0; 10];
    assert_eq!(bob.recv_from(sock, &mut small).expect("the first").0, 10);
    assert_eq!(all(&mut bob, sock).len(), 3, "200,000 bytes were kept, one datagram was read");
}
