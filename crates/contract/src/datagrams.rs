//! Datagrams.

use std::io;

use sestina_reactor::{Address, DatagramConn, DatagramPort, DatagramProtocol, Endpoint, ListenError};

use crate::{Diary, Stage};

/// Notes what comes, and answers with what a case says.
struct Party {
    diary: Diary,
    name: &'static str,
    answers: bool,
}

impl Party {
    fn note(&self, line: &str) {
        self.diary.note(format!("{} {line}", self.name));
    }
}

impl DatagramProtocol for Party {
    fn started(&mut self, _: &mut DatagramConn<'_>) {
        self.note("started");
    }

    fn datagram_received(&mut self, socket: &mut DatagramConn<'_>, data: &[u8], from: &Address) {
        self.note(&String::from_utf8_lossy(data));
        assert!(data != b"panic", "on purpose, in a datagram protocol");
        if self.answers {
            socket.send_to(data, from);
        }
    }

    fn failed(&mut self, _: &mut DatagramConn<'_>, error: &io::Error) {
        self.note(&format!("failed {:?}", error.kind()));
    }

    fn stopped(&mut self) {
        self.note("stopped");
    }
}

fn open(stage: &Stage, diary: &Diary, name: &'static str, answers: bool) -> DatagramPort {
    let party = Party { diary: diary.clone(), name, answers };
    stage.reactor().listen_datagrams(&Endpoint::loopback(0), party).expect("a free port")
}

/// Repeats what gets lost: datagrams may.
fn until_noted(stage: &Stage, diary: &Diary, line: &str, again: impl Fn()) {
    for _ in 0..50 {
        if diary.has(line) {
            return;
        }
        again();
        stage.pass(std::time::Duration::from_millis(10));
    }
    panic!("{line:?} never came: {diary:?}");
}

/// There and back, to the address it came from.
pub fn a_datagram_comes_back(stage: &mut Stage) {
    let diary = Diary::default();
    let (echo, client) = (open(stage, &diary, "echo", true), open(stage, &diary, "client", false));
    until_noted(stage, &diary, "client hello", || client.send_to(b"hello", echo.local_addr()));
    assert!(diary.has("echo started") && diary.has("echo hello"));
    let large = "x".repeat(1200);
    until_noted(stage, &diary, &format!("client {large}"), || {
        client.send_to(large.as_bytes(), echo.local_addr())
    });
}

/// One peer, no addresses.
pub fn a_connected_socket_hears_its_peer(stage: &mut Stage) {
    let diary = Diary::default();
    let (echo, stranger) = (open(stage, &diary, "echo", true), open(stage, &diary, "stranger", false));
    let party = Party { diary: diary.clone(), name: "client", answers: false };
    let client = stage.reactor().connect_datagrams(echo.local_addr(), party).expect("it is there");
    stranger.send_to(b"psst", client.local_addr());
    until_noted(stage, &diary, "client hello", || client.send(b"hello"));
    assert!(!diary.has("client psst"), "{diary:?}");
}

/// The answer comes after the protocol was told; sending is a counted no-op then.
pub fn a_stopped_socket_says_so(stage: &mut Stage) {
    let diary = Diary::default();
    let port = open(stage, &diary, "port", false);
    stage.until_noted(&diary, "port started");
    let log = diary.clone();
    drop(port.stop_listening().map(move |()| log.note("answered")));
    stage.until_noted(&diary, "answered");
    port.send_to(b"lost", port.local_addr());
    assert_eq!(diary.take(), ["port started", "port stopped", "answered"]);
    assert_eq!(stage.reactor().statistics().datagrams_lost, 1);
}

/// Law 6.
pub fn a_panicking_datagram_protocol_is_stopped(stage: &mut Stage) {
    stage.expect_panics(1);
    let diary = Diary::default();
    let (clumsy, client) = (open(stage, &diary, "clumsy", true), open(stage, &diary, "client", false));
    until_noted(stage, &diary, "clumsy stopped", || {
        if !diary.has("clumsy panic") {
            client.send_to(b"panic", clumsy.local_addr());
        }
    });
}

/// No bytes, and an address all the same; a socket may be stopped by its own upcall.
pub fn an_empty_datagram_is_one(stage: &mut Stage) {
    struct Once(Diary);
    impl DatagramProtocol for Once {
        fn datagram_received(&mut self, socket: &mut DatagramConn<'_>, data: &[u8], from: &Address) {
            self.0.note(format!("{} bytes from port {}", data.len(), from.port().unwrap_or(0)));
            socket.stop();
        }

        fn stopped(&mut self) {
            self.0.note("stopped");
        }
    }
    let diary = Diary::default();
    let once =
        stage.reactor().listen_datagrams(&Endpoint::loopback(0), Once(diary.clone())).expect("a free port");
    let client = open(stage, &diary, "client", false);
    until_noted(stage, &diary, "stopped", || client.send_to(b"", once.local_addr()));
    let line = format!("0 bytes from port {}", client.local_addr().port().expect("an IP address"));
    assert!(diary.has(&line), "{diary:?}");
}

/// The peer's host says so; a socket that is not connected never hears of it.
pub fn a_connected_socket_is_told_that_nobody_listens(stage: &mut Stage) {
    let diary = Diary::default();
    let gone = open(stage, &diary, "gone", false);
    let nobody = gone.local_addr().clone();
    drop(gone.stop_listening());
    stage.until_noted(&diary, "gone stopped");
    let anyone = open(stage, &diary, "anyone", false);
    let party = Party { diary: diary.clone(), name: "client", answers: false };
    let client = stage.reactor().connect_datagrams(&nobody, party).expect("nobody is asked");
    until_noted(stage, &diary, "client failed ConnectionRefused", || {
        client.send(b"hello?");
        anyone.send_to(b"hello?", &nobody);
    });
    assert!(!diary.has("anyone failed") && !diary.has("client stopped"), "{diary:?}");
}

/// The error names the address; datagrams and streams have ports of their own.
pub fn a_taken_datagram_address_is_told(stage: &mut Stage) {
    let diary = Diary::default();
    let first = open(stage, &diary, "first", false);
    let number = first.local_addr().port().expect("an IP address");
    let party = Party { diary: diary.clone(), name: "second", answers: false };
    match stage.reactor().listen_datagrams(&Endpoint::loopback(number), party) {
        Err(ListenError::AddressTaken(address)) => assert_eq!(&address, first.local_addr()),
        other => panic!("listening twice gave {other:?}"),
    }
    stage.until_noted(&diary, "first started");
    assert!(!diary.has("second"), "{diary:?}");
}
