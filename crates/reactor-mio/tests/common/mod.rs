//! What the reactor does with a driver, in a few lines: try, and wait for an event after `WouldBlock`.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sestina_reactor::{Address, Connect, Driver, Event, Key, Listen, Sock, Token, WriteQueue};
use sestina_reactor_mio::{MioDriver, Options};

/// How long a test waits for what must happen; only a failing test takes it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Host {
    pub(crate) driver: MioDriver,
    /// Events that came while another one was waited for.
    kept: Vec<Event>,
    next_token: u64,
}

/// One side of a connection, watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) sock: Sock,
    pub(crate) token: Token,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let driver = MioDriver::with_options(options).expect("a driver");
        Self { driver, kept: Vec::new(), next_token: 0 }
    }

    pub(crate) fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(Key::from_u64(self.next_token << 32 | self.next_token))
    }

    pub(crate) fn watch(&mut self, sock: Sock) -> End {
        let token = self.token();
        self.driver.watch(sock, token).expect("watches");
        End { sock, token }
    }

    /// The first event that `wanted` takes. Waits as the reactor does; events not taken are kept.
    pub(crate) fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            for at in 0..self.kept.len() {
                if let Some(found) = wanted(&self.kept[at]) {
                    self.kept.remove(at);
                    return found;
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "what was waited for did not happen; other events: {:?}", self.kept);
            self.driver.wait(Some(left), &mut self.kept).expect("waits");
        }
    }

    /// Tries; after `WouldBlock` waits for an event of this token and tries again.
    pub(crate) fn retry<T>(
        &mut self,
        token: Token,
        mut call: impl FnMut(&mut MioDriver) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match call(&mut self.driver) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.until(|event| of(token, event))
                }
                answer => return answer,
            }
        }
    }

    pub(crate) fn listen(&mut self, address: Address) -> (End, Address) {
        let (sock, taken) = self.driver.listen(&Listen::at(address)).expect("listens");
        (self.watch(sock), taken)
    }

    pub(crate) fn listen_local(&mut self) -> (End, Address) {
        self.listen(local().into())
    }

    pub(crate) fn connect(&mut self, peer: &Address) -> io::Result<End> {
        let sock = self.driver.connect(&Connect { peer: peer.clone(), bind: None })?;
        let end = self.watch(sock);
        self.retry(end.token, |driver| driver.connected(sock))?;
        Ok(end)
    }

    /// Takes a connection; nobody watches it yet.
    pub(crate) fn accept(&mut self, listener: End) -> (Sock, Address) {
        self.retry(listener.token, |driver| driver.accept(listener.sock)).expect("accepts")
    }

    /// Both ends of a new connection to a listener on this address; only the client's end is watched.
    pub(crate) fn pair_at(&mut self, address: Address) -> (End, Sock) {
        let (listener, taken) = self.listen(address);
        let near = self.connect(&taken).expect("connects");
        let (far, _) = self.accept(listener);
        self.driver.close(listener.sock, sestina_reactor::Close::Polite);
        (near, far)
    }

    pub(crate) fn pair(&mut self) -> (End, Sock) {
        self.pair_at(local().into())
    }

    /// One `recv`, as text.
    pub(crate) fn recv(&mut self, end: End) -> io::Result<(String, bool)> {
        let mut buffer = [0; 100];
        let got = self.retry(end.token, |driver| driver.recv(end.sock, &mut buffer))?;
        Ok((String::from_utf8_lossy(&buffer[..got.count]).into_owned(), got.more))
    }

    /// Everything until the end of the stream, waiting for an event only when the driver asks for it.
    pub(crate) fn receive_all(&mut self, end: End) -> io::Result<Vec<u8>> {
        let (mut all, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            let got = self.retry(end.token, |driver| driver.recv(end.sock, &mut buffer))?;
            all.extend_from_slice(&buffer[..got.count]);
            if got.count == 0 {
                return Ok(all);
            }
            if !got.more {
                self.until(|event| of(end.token, event));
            }
        }
    }

    /// Sends text that fits into the socket's buffer.
    pub(crate) fn send(&mut self, sock: Sock, text: &str) {
        let sent = self.driver.send(sock, &queue([text.as_bytes()])).expect("sends");
        assert_eq!(sent, text.len());
    }

    /// Whether the next wait tells anything about this token. Does not wait.
    pub(crate) fn is_told(&mut self, token: Token) -> bool {
        self.driver.wait(Some(Duration::ZERO), &mut self.kept).expect("waits");
        let before = self.kept.len();
        self.kept.retain(|event| of(token, event).is_none());
        self.kept.len() < before
    }
}

/// An answer if the event is readiness of this token.
pub(crate) fn of(token: Token, event: &Event) -> Option<()> {
    matches!(event, Event::Ready { token: told, .. } if *told == token).then_some(())
}

pub(crate) fn local() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub(crate) fn queue<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> WriteQueue {
    pieces.into_iter().map(Rc::from).collect()
}

/// A folder of its own for a test's UNIX sockets; removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sestina-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn address(&self, name: &str) -> Address {
        unix(&self.path(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("the folder was ours");
    }
}

pub(crate) fn unix(path: &Path) -> Address {
    Address::Unix(Some(path.into()))
}
