//! What one writes on mio by hand: `bench-mio poem FILE BYTES | echo`. Prints `listening PORT`.
//!
//! A connection is registered only if it would block, which is the best that mio can do; see `direct` of `epoll.c`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
const EVENTS_MAX: usize = 1024;
const BACKLOG: i32 = 4096;
const SCRATCH_BYTES: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["poem", file, bytes] => {
            let text = std::fs::read(file)?;
            let bytes: usize = bytes.parse()?;
            let mut poem = text.repeat(bytes / text.len().max(1) + 1);
            poem.truncate(if bytes == 0 { text.len() } else { bytes });
            serve(&poem)
        }
        ["echo"] => serve(&[]),
        _ => Err("poem FILE BYTES | echo".into()),
    }
}

struct Connection {
    stream: TcpStream,
    at: usize,
}

/// Serves the poem; an empty one means that it echoes.
fn serve(poem: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut poll = Poll::new()?;
    let mut listener = listen()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening {}", listener.local_addr()?.port());
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut scratch = vec![0; SCRATCH_BYTES];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, poll.registry(), poem, (&mut connections, &mut free))?;
                continue;
            }
            let Some(place) = connections.get_mut(event.token().0) else { continue };
            let Some(connection) = place else { continue };
            let hung_up = event.is_read_closed() || event.is_error();
            let ends = if poem.is_empty() {
                echo(connection, &mut scratch, hung_up)
            } else {
                !matches!(write(connection, poem), Ok(false))
            };
            if ends {
                *place = None;
                free.push(event.token().0);
            }
        }
    }
}

/// As all peers: small writes at once, inherited by what is accepted; a long backlog.
fn listen() -> io::Result<TcpListener> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    bind(&socket, &std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0))?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

type Connections<'a> = (&'a mut Vec<Option<Connection>>, &'a mut Vec<usize>);

fn accept(
    listener: &TcpListener,
    registry: &mio::Registry,
    poem: &[u8],
    (connections, free): Connections<'_>,
) -> io::Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut connection = Connection { stream, at: 0 };
        if !poem.is_empty() && !matches!(write(&mut connection, poem), Ok(false)) {
            continue; // all is written, or the client is gone: dropping it closes it
        }
        let place = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        registry.register(&mut connection.stream, Token(place), Interest::READABLE | Interest::WRITABLE)?;
        connections[place] = Some(connection);
    }
}

/// Whether all is written; an error is the end too.
fn write(connection: &mut Connection, poem: &[u8]) -> io::Result<bool> {
    while connection.at < poem.len() {
        match connection.stream.write(&poem[connection.at..]) {
            Ok(count) => connection.at += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Whether it ends. The generator never has more under way than a socket's buffer takes, so a blocked write is an end.
fn echo(connection: &mut Connection, scratch: &mut [u8], hung_up: bool) -> bool {
    loop {
        match connection.stream.read(scratch) {
            Ok(0) => return true,
            Ok(count) => {
                if !matches!(connection.stream.write(&scratch[..count]), Ok(sent) if sent == count) {
                    return true;
                }
                if count < scratch.len() && !hung_up {
                    return false; // a short read: nothing more is there
                }
            }
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
