//! Programs without a reactor: bare drivers, and what tests do with them again and again.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Connect, Driver, Event, Key, Listen, Sock, Token, WriteQueue};
use sestina_reactor_sim::SimDriver;

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) fn token(number: u64) -> Token {
    Token(Key::from_u64(number))
}

pub(crate) fn inet(ip: &str, port: u16) -> Address {
    let ip: IpAddr = ip.parse().expect("an address");
    SocketAddr::new(ip, port).into()
}

pub(crate) fn unix(path: &str) -> Address {
    Address::Unix(Some(std::path::Path::new(path).into()))
}

pub(crate) fn listen(driver: &mut SimDriver, at: &Address) -> io::Result<(Sock, Address)> {
    driver.listen(&Listen { backlog: 16, ..Listen::at(at.clone()) })
}

pub(crate) fn connect(driver: &mut SimDriver, to: &Address) -> io::Result<Sock> {
    driver.connect(&Connect { peer: to.clone(), bind: None })
}

/// What comes within this time.
pub(crate) fn events(driver: &mut SimDriver, time: Duration) -> Vec<Event> {
    let mut events = Vec::new();
    driver.wait(Some(time), &mut events).expect("it can wait");
    events
}

/// Lets so much time pass, whatever comes.
pub(crate) fn pass(driver: &mut SimDriver, time: Duration) -> Vec<Event> {
    let (end, mut all) = (driver.now() + time, Vec::new());
    while driver.now() < end {
        all.append(&mut events(driver, end - driver.now()));
    }
    all
}

/// What was told about this token: readable, writable.
pub(crate) fn told(events: &[Event], wanted: Token) -> (bool, bool) {
    events.iter().fold((false, false), |(readable, writable), event| match event {
        Event::Ready { token, readable: r, writable: w } if *token == wanted => {
            (readable || *r, writable || *w)
        }
        _ => (readable, writable),
    })
}

pub(crate) fn queue(bytes: &[u8]) -> WriteQueue {
    std::iter::once(Rc::<[u8]>::from(bytes)).collect()
}

pub(crate) fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.map(drop).expect_err("it fails").kind()
}

/// A connection between two drivers, which may be of one host: the client's end and the server's.
pub(crate) fn pair(client: &mut SimDriver, server: &mut SimDriver, server_at: &str) -> (Sock, Sock) {
    let (listener, at) = listen(server, &inet(server_at, 0)).expect("a free port");
    let near = connect(client, &at).expect("begins");
    pass(client, 2 * MS);
    client.connected(near).expect("connected");
    let (far, _) = server.accept(listener).expect("accepted");
    server.close(listener, sestina_reactor::Close::Polite);
    (near, far)
}

/// All bytes that are there now.
pub(crate) fn read(driver: &mut SimDriver, sock: Sock) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match driver.recv(sock, &mut buffer) {
            Ok(received) if received.count == 0 => return Ok(all),
            Ok(received) => all.extend_from_slice(&buffer[..received.count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !all.is_empty() => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}
