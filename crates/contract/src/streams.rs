//! Bytes both ways.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_reactor::{Conn, Endpoint, Port};

use crate::{Diary, Probe, Stage};

/// Bytes that show any that is lost, doubled or out of place.
#[must_use]
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at ^ (at >> 8) ^ (at >> 16)) & 0xff).unwrap_or(0)).collect()
}

fn received() -> Rc<RefCell<Vec<u8>>> {
    Rc::default()
}

/// Gives every client this body and closes.
pub(crate) fn serve_body(stage: &Stage, diary: &Diary, body: &Rc<[u8]>) -> (Port, Endpoint) {
    let served = Rc::clone(body);
    stage.serve(diary, move |probe| {
        let body = Rc::clone(&served);
        probe.named("server").made(move |_, conn| {
            conn.write_shared(Rc::clone(&body));
            conn.lose_connection();
        })
    })
}

/// Many small writes and a few large ones, echoed.
pub fn bytes_arrive_whole_and_in_order(stage: &mut Stage) {
    // spec: P20-04
    let (diary, back) = (Diary::default(), received());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").quiet().data(|_: &mut Probe, conn: &mut Conn<'_>, data: &[u8]| conn.write(data))
    });
    let all = pattern(300_000);
    let (sent, count) = (all.clone(), Rc::clone(&back));
    let client = Probe::new(&diary).named("client").quiet().into(&back).made(move |_, conn| {
        for piece in sent[..1000].chunks(7) {
            conn.write(piece);
        }
        conn.write(&sent[1000..]);
    });
    let length = all.len();
    let client = client.data(move |_, conn, _| {
        if count.borrow().len() == length {
            conn.lose_connection();
        }
    });
    stage.connect(&at, client);
    stage.until_noted(&diary, "client lost");
    assert!(*back.borrow() == all, "{} of {length} bytes came back, or some are wrong", back.borrow().len());
    stage.until_alone();
    assert!(diary.has("client lost Closed") && diary.has("server lost Done"), "{diary:?}");
}

/// The probe asserts the order; here also that each comes once.
pub fn made_is_first_and_lost_is_last(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            conn.write(b"good day");
            conn.lose_connection();
        })
    });
    let got = received();
    stage.connect(&at, Probe::new(&diary).named("client").into(&got));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    let mut lines = diary.take();
    for line in &mut lines {
        if line.starts_with("client data") {
            line.truncate("client data".len()); // in one piece or in several
        }
    }
    let of = |name: &str| {
        let mut own: Vec<_> = lines.iter().filter(|line| line.starts_with(name)).cloned().collect();
        own.dedup();
        own
    };
    assert_eq!(of("server"), ["server made", "server lost Closed"]);
    assert_eq!(of("client"), ["client made", "client data", "client read closed", "client lost Done"]);
    assert_eq!(*got.borrow(), b"good day");
}

/// Counted, not copied, and more than any socket takes at once.
pub fn a_large_shared_body_arrives(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), received());
    let body: Rc<[u8]> = pattern(20_000_000).into();
    let (_port, at) = serve_body(stage, &diary, &body);
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "client lost Done");
    assert!(*got.borrow() == *body, "{} bytes came, or some are wrong", got.borrow().len());
    stage.until_alone();
}

/// Two hundred at once, each whole.
pub fn many_connections_at_once(stage: &mut Stage) {
    // spec: P20-03
    let diary = Diary::default();
    let body: Rc<[u8]> = pattern(3000).into();
    let (_port, at) = serve_body(stage, &diary, &body);
    let all: Vec<_> = std::iter::repeat_with(received).take(200).collect();
    for got in &all {
        stage.connect(&at, Probe::new(&diary).named("client").quiet().into(got));
    }
    stage.until("200 downloads", || diary.count("client lost") == 200);
    assert_eq!(diary.count("client lost Done"), 200);
    assert!(all.iter().all(|got| *got.borrow() == *body));
    stage.until_alone();
    assert_eq!(diary.count("server lost Closed"), 200);
}

/// What one side calls its own address is what the other sees.
pub fn peers_know_each_others_addresses(stage: &mut Stage) {
    let diary = Diary::default();
    let tell = |probe: &mut Probe, conn: &mut Conn<'_>| {
        let own = conn.local_address().expect("it is connected");
        probe.note(&format!("{own} talks to {}", conn.peer()));
    };
    let (port, at) = stage.serve(&diary, move |probe| probe.named("server").made(tell));
    stage.connect(
        &at,
        Probe::new(&diary).named("client").made(move |probe, conn| {
            tell(probe, conn);
            conn.lose_connection();
        }),
    );
    stage.until_noted(&diary, "server lost");
    stage.until_alone();
    let lines = diary.take();
    let said = |name: &str| {
        let line = lines.iter().find(|line| line.starts_with(name) && line.contains("talks"));
        let words: Vec<_> = line.expect("it talked").split(' ').map(str::to_owned).collect();
        (words[1].clone(), words[4].clone())
    };
    let (server, client) = (said("server"), said("client"));
    assert_eq!((&server.0, &server.1), (&client.1, &client.0));
    assert_eq!(server.0, port.local_addr().to_string());
}

/// Full duplex: neither direction waits for the other.
pub fn both_sides_may_talk_at_once(stage: &mut Stage) {
    const LENGTH: usize = 2_000_000;
    let (diary, by_server, by_client) = (Diary::default(), received(), received());
    let into = Rc::clone(&by_server);
    let talk = |_: &mut Probe, conn: &mut Conn<'_>| conn.write(&pattern(LENGTH));
    let (_port, at) = stage.serve(&diary, move |probe| probe.named("server").quiet().into(&into).made(talk));
    let connector =
        stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&by_client).made(talk));
    let whole = || by_server.borrow().len() == LENGTH && by_client.borrow().len() == LENGTH;
    stage.until("both directions", whole);
    assert!(*by_server.borrow() == *by_client.borrow() && *by_client.borrow() == pattern(LENGTH));
    connector.disconnect();
    stage.until_alone();
}
