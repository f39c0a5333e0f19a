//! What happens when a process has no descriptors left. Alone in its process, because it uses all of them up.

mod common;

use common::{DEADLINE, End, Host, of};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sestina_reactor::Driver;
use std::io::{self, Read};
use std::net::{IpAddr, TcpStream};
use std::os::unix::net::UnixDatagram;

/// How many descriptors the process may have here; enough for the test harness, quick to use up.
const DESCRIPTORS: u64 = 64;

fn use_up_all_descriptors() -> Vec<UnixDatagram> {
    let all: Vec<_> = std::iter::from_fn(|| UnixDatagram::unbound().ok()).collect();
    assert!(!all.is_empty());
    all
}

fn client(address: (IpAddr, u16)) -> TcpStream {
    let client = TcpStream::connect(address).expect("connects");
    client.set_read_timeout(Some(DEADLINE)).expect("sets");
    client
}

fn accept(host: &mut Host, listener: End) -> io::Result<()> {
    host.driver.accept(listener.sock).map(|(sock, _)| host.driver.close(sock, sestina_reactor::Close::Polite))
}

fn lacks_descriptors(answer: io::Result<()>) -> bool {
    answer.is_err_and(|error| Errno::from_io_error(&error) == Some(Errno::MFILE))
}

#[test]
fn a_connection_that_cannot_be_taken_is_refused_and_later_ones_are_taken() {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(DESCRIPTORS), maximum: limits.maximum })
        .expect("lowers");
    let mut host = Host::new();
    let (listener, address) = host.listen_local();
    let address = address.ip().zip(address.port()).expect("an IP address");
    let mut clients: Vec<_> = (0..4).map(|_| client(address)).collect();
    host.until(|event| of(listener.token, event));

    let mut held = use_up_all_descriptors();
    for client in &mut clients[..2] {
        assert!(lacks_descriptors(accept(&mut host, listener)));
        // The client is told, instead of hanging until somebody frees a descriptor; and not that this was all.
        let told = client.read(&mut [0; 1]).expect_err("no clean end");
        assert_eq!(told.kind(), io::ErrorKind::ConnectionReset);
    }

    held.pop();
    accept(&mut host, listener).expect("there is a descriptor again");
    accept(&mut host, listener).expect("and it was given back");
    assert_eq!(accept(&mut host, listener).expect_err("nobody waits").kind(), io::ErrorKind::WouldBlock);
}
