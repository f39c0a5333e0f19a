//! Listening sockets that were made by somebody else.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;

use sestina_reactor::{Address, Driver, Inherited, Listen, Sock};
use sestina_reactor_mio::MioDriver;

fn adopt(driver: &mut MioDriver, which: Inherited) -> std::io::Result<(Sock, Address)> {
    driver.listen(&Listen::at(Address::Inherited(which)))
}

#[test]
fn a_listener_is_found_by_its_number_and_stays_open() {
    let theirs = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = theirs.local_addr().expect("bound");
    let mut driver = MioDriver::new().expect("a driver");
    for _ in 0..2 {
        let (sock, taken) =
            adopt(&mut driver, Inherited::Descriptor(theirs.as_raw_fd())).expect("it listens");
        assert_eq!(taken, Address::Inet(address));
        driver.close(sock, sestina_reactor::Close::Polite);
    }
    std::net::TcpStream::connect(address).expect("still listening");
}

#[test]
fn a_listener_is_found_by_the_number_that_it_had() {
    let theirs = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = theirs.local_addr().expect("bound");
    let mut driver = MioDriver::new().expect("a driver");
    let had = 1_000_000; // nothing is open there
    driver.inherit_sockets(Vec::new(), [(had, theirs.into())].into());
    for _ in 0..2 {
        let (sock, taken) = adopt(&mut driver, Inherited::Descriptor(had)).expect("it listens");
        assert_eq!(taken, Address::Inet(address));
        driver.close(sock, sestina_reactor::Close::Polite);
    }
}

#[test]
fn a_unix_listener_keeps_its_file_when_it_is_closed() {
    let folder = crate::common::Folder::new();
    let path = folder.path("socket");
    let theirs = UnixListener::bind(&path).expect("a socket file");
    let mut driver = MioDriver::new().expect("a driver");
    let (sock, _) = adopt(&mut driver, Inherited::Descriptor(theirs.as_raw_fd())).expect("it listens");
    driver.close(sock, sestina_reactor::Close::Polite);
    assert!(path.exists(), "the file belongs to whoever made it");
}

#[test]
fn what_does_not_listen_is_an_error_that_says_so() {
    let mut driver = MioDriver::new().expect("a driver");
    let stream = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let file = std::fs::File::open("Cargo.toml").expect("this crate's manifest");
    for (number, words) in [(stream.as_raw_fd(), "listening"), (file.as_raw_fd(), "socket")] {
        let error = adopt(&mut driver, Inherited::Descriptor(number)).expect_err("it does not listen");
        assert!(error.to_string().contains(words), "{error}");
    }
    for which in [Inherited::Descriptor(1_000_000), Inherited::Index(0), Inherited::Name("web".into())] {
        assert!(adopt(&mut driver, which).is_err());
    }
}
