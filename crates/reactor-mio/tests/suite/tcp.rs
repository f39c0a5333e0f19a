//! Bytes and addresses over TCP.

use crate::common::{End, Host, local, queue};
use sestina_reactor::{Address, Close, Driver, Key, Listen, Sock, SocketOption};
use std::io;
use std::time::Duration;

/// Larger than any socket's buffers on loopback, so that sending must wait.
const LARGE: usize = 16 << 20;

fn talk(host: &mut Host, address: Address) {
    let (near, far) = host.pair_at(address);
    let far = host.watch(far);
    host.send(near.sock, "question");
    assert_eq!(host.recv(far).expect("receives").0, "question");
    host.send(far.sock, "answer");
    assert_eq!(host.recv(near).expect("receives").0, "answer");
    host.driver.finish(near.sock).expect("finishes");
    assert_eq!(host.recv(far).expect("receives"), (String::new(), false));
    host.send(far.sock, "last words");
    host.driver.close(far.sock, Close::Polite);
    assert_eq!(host.receive_all(near).expect("receives"), b"last words");
}

#[test]
fn both_sides_talk_over_ipv4() {
    talk(&mut Host::new(), local().into());
}

#[test]
fn both_sides_talk_over_ipv6() {
    let mut host = Host::new();
    let address = Address::Inet("[::1]:0".parse().expect("an address"));
    match host.driver.listen(&Listen::at(address.clone())) {
        Ok(_) => talk(&mut host, address),
        Err(error) => println!("skipped, this machine has no IPv6 loopback: {error}"),
    }
}

#[test]
fn addresses_are_those_of_the_two_ends() {
    let mut host = Host::new();
    let (listener, taken) = host.listen_local();
    assert!(taken.ip() == Some(local().ip()) && taken.port() != Some(0));
    assert_eq!(host.driver.local_address(listener.sock).expect("has one"), taken);
    let near = host.connect(&taken).expect("connects");
    let (far, peer) = host.accept(listener);
    assert_eq!(peer, host.driver.local_address(near.sock).expect("has one"));
    assert_eq!(host.driver.local_address(far).expect("has one"), taken);
}

/// Sends pieces one after the other while the other side receives, through buffers that are often full.
fn transfer(pieces: &[Vec<u8>]) {
    let mut host = Host::new();
    let (near, far) = host.pair();
    let far = host.watch(far);
    let whole = pieces.concat();
    let (mut sent, mut received, mut buffer) = (0, Vec::new(), vec![0; 64 * 1024]);
    let mut blocked = 0;
    while received.len() < whole.len() {
        match host.driver.send(near.sock, &rest(pieces, sent)) {
            Ok(count) => sent += count,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                blocked += 1;
            }
        }
        let got = host.retry(far.token, |driver| driver.recv(far.sock, &mut buffer)).expect("receives");
        received.extend_from_slice(&buffer[..got.count]);
    }
    assert_eq!((sent, blocked > 0), (whole.len(), whole.len() >= LARGE));
    assert!(received == whole, "the bytes differ");
}

/// A queue of what is left of the pieces after `sent` bytes.
fn rest(pieces: &[Vec<u8>], mut sent: usize) -> sestina_reactor::WriteQueue {
    queue(pieces.iter().filter_map(|piece| {
        let skip = sent.min(piece.len());
        sent -= skip;
        (skip < piece.len()).then_some(&piece[skip..])
    }))
}

#[test]
fn a_large_body_arrives_whole_through_full_buffers() {
    transfer(&[(0..LARGE).map(|at| u8::try_from(at % 251).expect("small")).collect()]);
}

#[test]
fn more_pieces_than_one_call_takes_arrive_in_order() {
    transfer(&(0..200_u8).map(|piece| vec![piece; usize::from(piece) + 1]).collect::<Vec<_>>());
}

#[test]
fn an_empty_queue_sends_nothing() {
    let mut host = Host::new();
    let (near, _far) = host.pair();
    assert_eq!(host.driver.send(near.sock, &queue([])).expect("sends"), 0);
}

#[test]
fn a_taken_address_is_refused_and_a_closed_one_is_free_again() {
    let mut host = Host::new();
    let (listener, taken) = host.listen_local();
    let again = Listen::at(taken.clone());
    assert_eq!(host.driver.listen(&again).expect_err("taken").kind(), io::ErrorKind::AddrInUse);

    // The side that closes first is left in TIME_WAIT, which must not bar a server that starts again.
    let near = host.connect(&taken).expect("connects");
    let (far, _) = host.accept(listener);
    host.driver.close(far, Close::Polite);
    assert_eq!(host.recv(near).expect("receives"), (String::new(), false));
    host.driver.close(near.sock, Close::Polite);
    host.driver.close(listener.sock, Close::Polite);
    host.driver.listen(&again).expect("the address is free");
}

#[test]
fn settings_are_for_tcp_connections() {
    let mut host = Host::new();
    let (near, _far) = host.pair();
    for option in [
        SocketOption::NoDelay(false),
        SocketOption::KeepAlive(Some(Duration::from_secs(60))),
        SocketOption::KeepAlive(None),
    ] {
        host.driver.set_option(near.sock, option).expect("sets");
    }
    let (listener, _) = host.listen_local();
    let error =
        host.driver.set_option(listener.sock, SocketOption::NoDelay(true)).expect_err("no connection");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}

#[test]
fn a_closed_socket_names_nothing_even_when_its_place_is_taken_again() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.driver.close(far, Close::Polite);
    let (_other, newer) = host.pair();
    assert_ne!(far, newer);
    for sock in [far, Sock(Key::from_u64(4711))] {
        assert_eq!(
            host.driver.recv(sock, &mut [0; 1]).expect_err("closed").kind(),
            io::ErrorKind::NotConnected
        );
        host.driver.close(sock, Close::Reset);
    }
    assert_eq!(host.recv(near).expect("the old connection ended").0, "");
    host.send(newer, "the newer one is alive");
}

#[test]
fn a_listener_does_not_talk_and_a_connection_does_not_accept() {
    let mut host = Host::new();
    let (near, _far) = host.pair();
    let (End { sock: listener, .. }, _) = host.listen_local();
    let errors = [
        host.driver.accept(near.sock).map(drop),
        host.driver.recv(listener, &mut [0; 1]).map(drop),
        host.driver.send(listener, &queue([&b"x"[..]])).map(drop),
        host.driver.connected(listener),
        host.driver.finish(listener),
        host.driver.recv_from(near.sock, &mut [0; 1]).map(drop),
    ];
    assert!(
        errors
            .into_iter()
            .all(|answer| answer.is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput))
    );
}

/// Now and then a machine is so slow that the kernel stops waiting for the end.
const TRIES: usize = 20;

/// Sends these as the last pieces, as often as it takes, and then the end. Says whether anything came before the end was sent.
fn comes_before_the_end(host: &mut Host, pieces: &[Vec<u8>], closes: bool) -> bool {
    let (near, far) = host.pair();
    let (whole, mut sent, mut came, mut buffer) = (pieces.concat(), 0, Vec::new(), [0; 100]);
    while sent < whole.len() {
        sent += host.driver.send_last(near.sock, &rest(pieces, sent)).expect("there is room");
        let early = host.driver.recv(far, &mut buffer).map_or(0, |received| received.count);
        came.extend_from_slice(&buffer[..early]);
    }
    let is_early = !came.is_empty();
    if closes {
        host.driver.close(near.sock, Close::Polite);
    } else {
        host.driver.finish(near.sock).expect("finishes");
    }
    let far = host.watch(far);
    came.extend(host.receive_all(far).expect("receives"));
    assert!(came == whole, "{} bytes came", came.len());
    is_early
}

#[test]
#[cfg(target_os = "linux")]
fn the_last_bytes_wait_for_the_end_and_what_is_too_much_for_one_call_does_not() {
    let mut host = Host::new();
    let bytes = |count: u8| (0..count).map(|byte| vec![byte]).collect::<Vec<_>>();
    for (pieces, closes) in [(vec![b"poem".to_vec()], true), (bytes(2), false), (bytes(64), true)] {
        let early = (0..TRIES).filter(|_| comes_before_the_end(&mut host, &pieces, closes)).count();
        assert!(early < TRIES / 2, "{early} of {TRIES} came early, {} pieces", pieces.len());
    }
    let too_many = bytes(65);
    assert!((0..TRIES).any(|_| comes_before_the_end(&mut host, &too_many, false)));
}
