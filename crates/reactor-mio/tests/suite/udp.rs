//! Datagrams.

use crate::common::{End, Folder, Host, local};
use sestina_reactor::{Address, Close, Driver};
use std::io;

fn bind(host: &mut Host, at: &Address, peer: Option<&Address>) -> (End, Address) {
    let (sock, taken) = host.driver.bind_datagram(at, peer).expect("binds");
    (host.watch(sock), taken)
}

fn next(host: &mut Host, end: End) -> (Vec<u8>, Address) {
    let mut buffer = [0; 100];
    let received = host.retry(end.token, |driver| driver.recv_from(end.sock, &mut buffer));
    let (count, from) = received.expect("receives");
    (buffer[..count].to_vec(), from)
}

fn echo(host: &mut Host, any: &Address) {
    let (server, server_at) = bind(host, any, None);
    let (client, client_at) = bind(host, any, None);
    let (connected, connected_at) = bind(host, any, Some(&server_at));
    host.driver.send_to(client.sock, b"question", Some(&server_at)).expect("sends");
    host.driver.send_to(connected.sock, b"", None).expect("sends");
    for (words, asker) in [(&b"question"[..], &client_at), (&b""[..], &connected_at)] {
        assert_eq!(next(host, server), (words.to_vec(), asker.clone()));
        host.driver.send_to(server.sock, b"answer", Some(asker)).expect("sends");
    }
    for end in [client, connected] {
        assert_eq!(next(host, end), (b"answer".to_vec(), server_at.clone()));
        let empty = host.driver.recv_from(end.sock, &mut [0; 1]).expect_err("nothing more");
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
    }
}

#[test]
fn datagrams_go_and_come_back_over_ipv4() {
    echo(&mut Host::new(), &local().into());
}

#[test]
fn datagrams_go_and_come_back_over_ipv6() {
    let mut host = Host::new();
    let any = Address::Inet("[::1]:0".parse().expect("an address"));
    match host.driver.bind_datagram(&any, None) {
        Ok(_) => echo(&mut host, &any),
        Err(error) => println!("skipped, this machine has no IPv6 loopback: {error}"),
    }
}

#[test]
fn a_connected_socket_hears_its_peer_only() {
    let mut host = Host::new();
    let (peer, peer_at) = bind(&mut host, &local().into(), None);
    let (stranger, _) = bind(&mut host, &local().into(), None);
    let (connected, at) = bind(&mut host, &local().into(), Some(&peer_at));
    host.driver.send_to(stranger.sock, b"spam", Some(&at)).expect("sends");
    host.driver.send_to(peer.sock, b"ham", Some(&at)).expect("sends");
    assert_eq!(next(&mut host, connected), (b"ham".to_vec(), peer_at));
}

#[test]
fn what_does_not_fit_is_lost_with_its_datagram() {
    let mut host = Host::new();
    let (server, at) = bind(&mut host, &local().into(), None);
    for words in [&b"long"[..], b"ok"] {
        host.driver.send_to(server.sock, words, Some(&at)).expect("sends");
    }
    let mut buffer = [0; 2];
    let first =
        host.retry(server.token, |driver| driver.recv_from(server.sock, &mut buffer)).expect("receives");
    assert_eq!((first, &buffer), ((2, at.clone()), b"lo"));
    assert_eq!(next(&mut host, server), (b"ok".to_vec(), at));
}

#[test]
fn a_peer_that_is_not_there_is_told_as_refused() {
    let mut host = Host::new();
    let (gone, gone_at) = bind(&mut host, &local().into(), None);
    let (client, _) = bind(&mut host, &local().into(), Some(&gone_at));
    host.driver.close(gone.sock, Close::Polite);
    host.driver.send_to(client.sock, b"anybody?", None).expect("sends");
    let mut buffer = [0; 8];
    let answer = host.retry(client.token, |driver| driver.recv_from(client.sock, &mut buffer));
    assert_eq!(answer.expect_err("refused").kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn datagrams_go_over_ip_only() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let error = host.driver.bind_datagram(&folder.address("socket"), None).expect_err("no UNIX datagrams");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}
