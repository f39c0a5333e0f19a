//! Looks names up, with the system's resolver, on the pool.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, mpsc};

use sestina_reactor::{Event, Job, Token};

use crate::wake::Waker;

/// Where threads leave their answers for the loop.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    sender: mpsc::Sender<Event>,
    waker: Arc<Waker>,
}

impl Answers {
    pub(crate) fn new(waker: Arc<Waker>) -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel();
        (Self { sender, waker }, receiver)
    }

    /// Answers a lookup. When the driver is gone nobody wants to know.
    pub(crate) fn give(&self, token: Token, addresses: io::Result<Vec<IpAddr>>) {
        if self.sender.send(Event::Resolved { token, addresses }).is_ok() {
            self.waker.wake();
        }
    }

    /// The lookup as a job.
    pub(crate) fn lookup(&self, host: &str, token: Token) -> Job {
        let (answers, host) = (self.clone(), host.to_owned());
        Box::new(move || answers.give(token, addresses_of(&host)))
    }

    /// The answer when no thread could be had.
    pub(crate) fn refuse(&self, token: Token) {
        self.give(token, Err(io::Error::new(io::ErrorKind::ResourceBusy, "too many jobs wait for a thread")));
    }
}

/// All addresses in the order that getaddrinfo prefers, which weighs what this machine can reach (RFC 6724).
fn addresses_of(host: &str) -> io::Result<Vec<IpAddr>> {
    let addresses: Vec<IpAddr> = (host, 0).to_socket_addrs()?.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}
