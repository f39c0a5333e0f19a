//! Receivers on real sockets: a server with a handler, and a client that writes bytes and keeps what comes back.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_contract::{Diary, Probe, Stage};
use sestina_reactor::{Address, ConnHandle, Port, Protocol};

/// Runs a case and looks at what it left behind.
pub(crate) fn check(case: impl FnOnce(&mut Stage)) {
    sestina_contract::check(|| sestina_reactor_mio::reactor().expect("a reactor"), case);
}

/// One server and one client.
pub(crate) struct Pair<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) diary: Diary,
    received: Rc<RefCell<Vec<u8>>>,
    client: Rc<RefCell<Option<ConnHandle>>>,
    _port: Port,
}

impl<'a> Pair<'a> {
    /// Connects a client to a server whose protocol is made by `make`.
    pub(crate) fn new<P: Protocol>(stage: &'a Stage, make: impl Fn(&Diary) -> P + 'static) -> Self {
        let diary = Diary::default();
        let server = diary.clone();
        let (port, at) = stage.listen(move |_: &Address| make(&server));
        let (received, client) = (Rc::default(), Rc::new(RefCell::new(None)));
        let kept = Rc::clone(&client);
        let probe = Probe::new(&diary).named("client").quiet().into(&received);
        stage.connect(&at, probe.made(move |_, conn| *kept.borrow_mut() = Some(conn.handle())));
        let pair = Self { stage, diary, received, client, _port: port };
        pair.until("client made");
        pair
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        self.client().write(bytes);
    }

    pub(crate) fn client(&self) -> ConnHandle {
        self.client.borrow().clone().expect("the client is connected")
    }

    /// Turns the loop until a line of the diary begins like this.
    pub(crate) fn until(&self, line: &str) {
        self.stage.until_noted(&self.diary, line);
    }

    /// Turns the loop until the client has received this.
    pub(crate) fn until_received(&self, bytes: &[u8]) {
        let what = format!("{} in {:?}", bytes.escape_ascii(), self.diary);
        self.stage.until(&what, || self.received.borrow().len() >= bytes.len());
        assert_eq!(self.received.borrow().escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    /// Ends the client's side and waits for the end of both.
    pub(crate) fn end(&self) {
        self.client().lose_connection();
        self.stage.until_alone();
    }

    /// What the server noted, in order.
    pub(crate) fn server_lines(&self) -> Vec<String> {
        self.diary.take().into_iter().filter(|line| !line.starts_with("client")).collect()
    }
}

/// Bytes as a line of the diary.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
