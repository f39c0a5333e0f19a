//! How connections begin, or do not.

use std::fmt;

use sestina_reactor::{Address, ConnectError, Endpoint, Factory, ListenError, Protocol};

use crate::{Diary, Probe, Stage};

/// A factory that expects a failure and gives it to a closure.
pub struct Expect<F> {
    failed: F,
}

impl<F> Expect<F> {
    /// Calls `failed` with the failure.
    pub fn new(failed: F) -> Self {
        Self { failed }
    }
}

impl<F> fmt::Debug for Expect<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Expect")
    }
}

impl<F: FnMut(ConnectError) + 'static> Factory for Expect<F> {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        None
    }

    fn connection_failed(&mut self, error: ConnectError) {
        (self.failed)(error);
    }
}

/// Connects, and writes the failure into the diary.
pub(crate) fn fail(stage: &Stage, to: &Endpoint, diary: &Diary) -> sestina_reactor::Connector {
    let log = diary.clone();
    stage.reactor().connect(to, Expect::new(move |error| log.note(format!("{error:?}"))))
}

/// A port that was closed again.
pub fn nobody_listens(stage: &mut Stage) {
    let diary = Diary::default();
    let (port, at) = stage.serve(&diary, |probe| probe);
    drop(port.stop_listening());
    stage.until("the port to close", || stage.reactor().ports() == 0);
    fail(stage, &at, &diary);
    assert!(!diary.has("Refused"), "no verb calls user code");
    stage.until_noted(&diary, "Refused");
    assert_eq!((diary.take().len(), stage.reactor().connections()), (1, 0));
}

/// `localhost` is a name with more than one address; a listener on the IPv4 one is found.
pub fn a_name_is_resolved(stage: &mut Stage) {
    let diary = Diary::default();
    let (port, _) = stage.serve(&diary, |probe| probe.named("server").made(|_, conn| conn.lose_connection()));
    let at = Endpoint::tcp("localhost", port.local_addr().port().expect("an IP address"));
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
}

/// A name that cannot exist (RFC 6761).
pub fn an_unknown_name_is_told(stage: &mut Stage) {
    let diary = Diary::default();
    fail(stage, &Endpoint::tcp("poetry.invalid", 80), &diary);
    stage.until_noted(&diary, "Unresolvable");
}

/// Also when the connection would have come in the same turn.
pub fn a_stopped_attempt_is_told(stage: &mut Stage) {
    // spec: P19-25
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| probe.named("server"));
    let connector = fail(stage, &at, &diary);
    connector.stop_connecting();
    connector.stop_connecting();
    assert!(!diary.has("Cancelled"), "no verb calls user code");
    stage.until_noted(&diary, "Cancelled");
    assert_eq!(diary.count("Cancelled"), 1);
    connector.disconnect();
    stage.until_alone();
}

/// On either side: `None` is no protocol.
pub fn a_factory_may_refuse(stage: &mut Stage) {
    let diary = Diary::default();
    let (_refusing, at) = stage.listen(Expect::new(|_| ()));
    stage.reactor().connect(&at, Refused(diary.clone()));
    stage.until_noted(&diary, "client lost Reset"); // a polite end would look like an empty answer
    assert_eq!(stage.reactor().statistics().accepted, 0);
    let (_serving, at) = stage.serve(&diary, |probe| probe);
    fail(stage, &at, &diary);
    stage.until_noted(&diary, "NoProtocol");
    stage.until_alone();
}

/// The client of a factory that refuses. The reset may come before the client has noticed that it is connected.
struct Refused(Diary);

impl Factory for Refused {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Probe::new(&self.0).named("client")))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        assert!(matches!(error, ConnectError::Reset(_)), "{error:?}");
        self.0.note("client lost Reset");
    }
}

/// The error names the address.
pub fn a_taken_address_is_told(stage: &mut Stage) {
    let diary = Diary::default();
    let (port, at) = stage.serve(&diary, |probe| probe);
    let again = stage.reactor().listen(&at, |_: &Address| Probe::new(&Diary::default()));
    match again {
        Err(ListenError::AddressTaken(address)) => assert_eq!(&address, port.local_addr()),
        other => panic!("listening twice gave {other:?}"),
    }
}

/// Two of them are two ports.
pub fn port_zero_is_a_free_port(stage: &mut Stage) {
    let diary = Diary::default();
    let (one, _) = stage.serve(&diary, |probe| probe);
    let (two, _) = stage.serve(&diary, |probe| probe);
    assert!(one.local_addr().port() > Some(0) && one.local_addr() != two.local_addr());
}

/// A deferred beside the connector: after the protocol or the factory was told, and for whoever asks later.
pub fn a_connector_answers_after_the_protocol(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), std::rc::Rc::default());
    let into = std::rc::Rc::clone(&got);
    let (port, at) = stage.serve(&diary, move |probe| probe.named("server").quiet().into(&into));
    let client = Probe::new(&diary).named("client").made(|_, conn| conn.write(b"first, "));
    let connector = stage.connect(&at, client);
    let log = diary.clone();
    let told = connector.connected().map(move |conn| {
        log.note("connected");
        conn.write(b"second, ");
    });
    stage.answer(told).expect("it connects");
    assert_eq!(
        diary.take().into_iter().filter(|line| !line.starts_with("server")).collect::<Vec<_>>(),
        ["client made", "connected"]
    );
    let again = stage.answer(connector.connected()).expect("it is connected");
    again.write(b"third");
    again.lose_connection();
    stage.until_noted(&diary, "server lost");
    assert_eq!(String::from_utf8_lossy(&got.borrow()), "first, second, third");
    drop(port.stop_listening());
    stage.until("the port to close", || stage.reactor().ports() == 0);
    let refused = stage.connect(&at, Probe::new(&diary));
    let failure = stage.answer(refused.connected()).expect_err("nobody listens");
    assert!(matches!(failure.check(), Some(ConnectError::Refused(_))), "{failure:?}");
    assert!(stage.answer(refused.connected()).expect_err("it has failed").is::<ConnectError>());
    let one = fail(stage, &at, &diary);
    let (waiting, stopped) = (one.connected(), one.connected());
    stopped.cancel();
    assert!(stage.answer(stopped).expect_err("it was cancelled").is::<sestina_deferred::Cancelled>());
    let failure = stage.answer(waiting).expect_err("nobody connects any more");
    assert!(matches!(failure.check(), Some(ConnectError::Cancelled)), "{failure:?}");
    assert!(diary.has("Cancelled"), "the factory is told: {diary:?}");
    stage.until_alone();
}
