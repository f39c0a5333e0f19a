//! Poets of the test: threads that say what they are told, to one client after the other.
#![expect(clippy::disallowed_methods, reason = "a rude poet is a thread of the test")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// How a poet of the test ends what it says.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Clean,
    Reset,
    Never,
}

/// A poet that says `bytes` to one client.
pub(crate) fn poet(bytes: &'static [u8], end: End) -> SocketAddr {
    poet_in_turn(&[(bytes, end)])
}

/// A poet that says something else to each client.
pub(crate) fn poet_in_turn(says: &[(&'static [u8], End)]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let at = listener.local_addr().expect("it has an address");
    let says = says.to_vec();
    thread::spawn(move || {
        for (bytes, end) in says {
            let Ok((stream, _)) = listener.accept() else { return };
            thread::spawn(move || say(stream, bytes, end));
        }
    });
    at
}

/// A poet that says `bytes` to this many clients, and nothing before all of them are there.
pub(crate) fn poet_for_all_at_once(bytes: &'static [u8], clients: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let at = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        let all: Vec<TcpStream> = listener.incoming().take(clients).flatten().collect();
        all.into_iter().for_each(|stream| say(stream, bytes, End::Clean));
    });
    at
}

fn say(mut stream: TcpStream, bytes: &[u8], end: End) {
    if stream.write_all(bytes).is_err() {
        return; // the client has gone
    }
    match end {
        End::Clean => {}
        End::Reset => {
            wait_until_read(&mut stream);
            let linger = Some(Duration::ZERO);
            socket2::SockRef::from(&stream).set_linger(linger).expect("a reset is possible");
        }
        End::Never => {
            stream.read_exact(&mut [0]).ok(); // until the client goes
        }
    }
}

/// A reset overtakes what the client has not read. The kernel tells how much that is: the receive queue of the client's
/// socket, in the table of all sockets. Where there is no such table, time must do.
fn wait_until_read(stream: &mut TcpStream) {
    let port = |at: std::io::Result<SocketAddr>| at.expect("it is connected").port();
    let (server, client) = (port(stream.local_addr()), port(stream.peer_addr()));
    let (from, to) = (format!(":{client:04X}"), format!(":{server:04X}"));
    let deadline = std::time::SystemTime::now() + super::DEADLINE;
    while std::time::SystemTime::now() < deadline {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut line =
            line.filter(|words| words.len() > 4 && words[1].ends_with(&from) && words[2].ends_with(&to));
        match line.next() {
            Some(words) if words[4].ends_with(":00000000") => return,
            Some(_) => thread::yield_now(),
            None => {
                stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout is possible");
                stream.read_exact(&mut [0]).ok();
                return;
            }
        }
    }
}

/// A place where nobody listens, and which nobody is given until the tests of this program end: it is taken.
pub(crate) fn nobody() -> SocketAddr {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    static TAKEN: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("there is a free port");
    let at = getsockname(&socket).expect("it has an address").try_into().expect("an internet address");
    TAKEN.lock().expect("nobody panics with it").push(socket);
    at
}

/// A transform service that knows `cummingsify` alone, for one client after the other.
pub(crate) fn transform_service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let at = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || transform(stream));
        }
    });
    at
}

fn transform(mut stream: TcpStream) -> Option<()> {
    let mut digits = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).ok()? == 1 && byte != *b":" {
        digits.extend_from_slice(&byte);
    }
    let length: usize = String::from_utf8(digits).ok()?.parse().ok()?;
    let mut request = vec![0; length + 1];
    stream.read_exact(&mut request).ok()?;
    let poem = request.strip_prefix(b"cummingsify.")?.strip_suffix(b",")?.to_ascii_lowercase();
    stream.write_all(format!("{}:", poem.len()).as_bytes()).ok()?;
    stream.write_all(&poem).ok()?;
    stream.write_all(b",").ok()
}
