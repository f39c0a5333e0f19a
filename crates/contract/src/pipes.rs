//! Two connections that become one: bytes, ends, failures and back-pressure go through in both directions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Cancelled, Deferred, Failure};
use sestina_reactor::{
    Address, Conn, Endpoint, HIGH_MARK_BYTES, Lost, PipeBroken, PipeEnd, PipeOptions, PipeRate, Piped, Port,
    Protocol, Reactor, Side, pipe,
};

use crate::stage::Kept;
use crate::streams::pattern;
use crate::{Diary, Probe, Stage};

/// The pipes that a forwarder has made, for the case to look at.
type Pipes = Rc<RefCell<Vec<Deferred<Piped>>>>;

/// A port forwarder: what a client says goes to `origin`, and back.
fn forward(stage: &Stage, origin: &Endpoint, options: PipeOptions) -> (Port, Endpoint, Pipes) {
    let (reactor, origin, pipes) = (stage.reactor().clone(), origin.clone(), Pipes::default());
    let made = Rc::clone(&pipes);
    let (port, at) = stage.listen(move |_: &Address| {
        let (client, server, done) = pipe(options);
        let mut server = Some(server);
        reactor.connect(&origin, move |_: &Address| server.take().expect("one connection, one protocol"));
        made.borrow_mut().push(done);
        client
    });
    (port, at, pipes)
}

impl Stage {
    fn piped(&self, pipes: &Pipes) -> Result<Piped, Failure> {
        let done = pipes.borrow_mut().pop().expect("a client has come");
        self.answer(done)
    }
}

/// A client half-closes, the origin answers after that, and both ends are clean.
pub fn a_forwarder_passes_bytes_and_half_closes(stage: &mut Stage) {
    let (diary, heard, answer) = (Diary::default(), Rc::default(), Rc::default());
    let into = Rc::clone(&heard);
    let (_origin_port, origin) = stage.serve(&diary, move |probe| {
        probe.named("origin").quiet().into(&into).read_closed(|_, conn| {
            conn.write(&pattern(300_000));
            conn.lose_connection();
        })
    });
    let (_port, at, pipes) = forward(stage, &origin, PipeOptions::default());
    stage.connect(
        &at,
        Probe::new(&diary).named("client").quiet().into(&answer).made(|_, conn| {
            conn.write(&pattern(200_000));
            conn.lose_write_connection();
        }),
    );
    stage.until_noted(&diary, "client lost Done");
    assert!(*heard.borrow() == pattern(200_000) && *answer.borrow() == pattern(300_000));
    let piped = stage.piped(&pipes).expect("a clean end");
    assert_eq!(piped, Piped { to_right: 200_000, to_left: 300_000 });
    stage.until_alone();
    assert!(diary.has("origin lost Done"), "{diary:?}");
}

/// A client that does not read stops the origin; the pipe holds no more than a mark and one read.
pub fn a_slow_reader_stops_the_far_end(stage: &mut Stage) {
    const TOTAL: usize = 24_000_000;
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let left = Rc::new(Cell::new(TOTAL));
    let to_write = Rc::clone(&left);
    let (_origin_port, origin) = stage.serve(&diary, move |probe| {
        let to_write = Rc::clone(&to_write);
        let produce = move |_: &mut Probe, conn: &mut Conn<'_>| {
            while to_write.get() > 0 && conn.queued() <= HIGH_MARK_BYTES {
                conn.write(&[b'x'; 10_000]);
                to_write.set(to_write.get() - 10_000);
            }
            if to_write.get() == 0 {
                conn.lose_connection();
            }
        };
        probe.named("origin").made(produce.clone()).resume(produce)
    });
    let (_port, at, pipes) = forward(stage, &origin, PipeOptions::default());
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got).paused(&kept));
    stage.until_still("the origin to be stopped", || left.get() < TOTAL, || left.get());
    // All that has left the origin lies in kernels, in one read and in one queue: the origin was stopped.
    assert!(left.get() > 0 && got.borrow().is_empty(), "{} bytes are left", left.get());
    kept.borrow().as_ref().expect("kept").resume_reading();
    stage.until_noted(&diary, "client lost Done");
    assert_eq!(got.borrow().len(), TOTAL);
    // The client finished when the origin had, so both directions have ended.
    assert_eq!(stage.piped(&pipes).expect("a clean end").to_left, u64::try_from(TOTAL).expect("a length"));
    stage.until_alone();
}

/// A reset on one side is an abort on the other, in either direction.
pub fn a_reset_goes_through(stage: &mut Stage) {
    let (diary, kept) = (Diary::default(), Kept::default());
    let keep = Rc::clone(&kept);
    let (_origin_port, origin) = stage.serve(&diary, move |probe| {
        let keep = Rc::clone(&keep);
        probe.named("origin").made(move |_, conn| {
            conn.write(b"good day"); // who hears it knows that both connections are made
            *keep.borrow_mut() = Some(conn.handle());
        })
    });
    let (_port, at, pipes) = forward(stage, &origin, PipeOptions::default());
    let broken = |stage: &Stage| {
        let failure = stage.piped(&pipes).expect_err("it broke");
        let PipeBroken { side, why, .. } = failure.check::<PipeBroken>().expect("a broken pipe").clone();
        (side, matches!(why, Lost::Reset))
    };
    stage.connect(&at, Probe::new(&diary).named("first"));
    stage.until_noted(&diary, "first data");
    kept.borrow().as_ref().expect("kept").abort();
    stage.until_noted(&diary, "first lost Reset");
    stage.until_alone();
    assert_eq!(broken(stage), (Side::Right, true));
    let second = stage.connect(&at, Probe::new(&diary).named("second"));
    stage.until_noted(&diary, "second data");
    second.abort();
    stage.until_noted(&diary, "origin lost Reset");
    stage.until_alone();
    assert_eq!(broken(stage), (Side::Left, true));
}

/// An origin that cannot be reached, and a pipe that is cancelled.
pub fn a_pipe_that_cannot_go_on_cuts_both(stage: &mut Stage) {
    let diary = Diary::default();
    let (origin_port, origin) = stage.serve(&diary, |probe| probe.named("origin"));
    let (_port, at, pipes) = forward(stage, &origin, PipeOptions::default());
    stage.connect(&at, Probe::new(&diary).named("first"));
    stage.until_noted(&diary, "origin made");
    pipes.borrow().last().expect("a client has come").cancel();
    assert!(stage.piped(&pipes).expect_err("it was cancelled").is::<Cancelled>());
    stage.until_noted(&diary, "first lost Reset");
    stage.until_noted(&diary, "origin lost Reset");
    stage.answer(origin_port.stop_listening()).expect("it stops");
    stage.connect_in_vain(&at, &diary, "second", Probe::new(&diary).made(|_, conn| conn.write(b"hello?")));
    stage.until_noted(&diary, "second lost");
    assert!(diary.has("second lost Reset") || diary.has("second lost before"), "{diary:?}");
    assert!(stage.piped(&pipes).expect_err("nobody listens").is::<PipeBroken>());
    stage.until_alone();
}

/// So many bytes a second, and no more at once than the burst.
pub fn a_rate_limit_bounds_each_direction(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_origin_port, origin) = stage.serve(&diary, |probe| {
        probe.named("origin").made(|_, conn| {
            conn.write(&pattern(20_000));
            conn.lose_connection();
        })
    });
    let limit = PipeRate::new(100_000).with_burst(2_000);
    let (_port, at, pipes) = forward(stage, &origin, PipeOptions::default().with_rate(limit));
    let begun = stage.reactor().now();
    let pieces = Rc::new(Cell::new(0));
    let count = Rc::clone(&pieces);
    let client =
        Probe::new(&diary).named("client").into(&got).data(move |_, _, _| count.set(count.get() + 1));
    stage.connect(&at, client);
    stage.until_noted(&diary, "client lost Done");
    let took = stage.reactor().now() - begun;
    assert!(took >= Duration::from_millis(180), "20,000 bytes, 2,000 of them at once, took {took:?}");
    assert!(*got.borrow() == pattern(20_000));
    assert!(pieces.get() >= 3, "it came in {} pieces", pieces.get());
    assert_eq!(stage.piped(&pipes).expect("a clean end").to_left, 20_000);
    stage.until_alone();
}

/// A protocol that is told whom to connect to, and then is an end of a pipe: what a SOCKS server does.
struct Dialer {
    reactor: Reactor,
    state: Dialing,
}

enum Dialing {
    /// The port of the origin, in decimal, up to the end of the line.
    Asked(Vec<u8>),
    Piping(PipeEnd),
}

impl Protocol for Dialer {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        match &mut self.state {
            Dialing::Piping(end) => end.data_received(conn, data),
            Dialing::Asked(line) => {
                line.extend_from_slice(data);
                let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return };
                let rest = line.split_off(end + 1);
                let port = String::from_utf8_lossy(&line[..end]).parse().expect("a port");
                let (mut client, origin, done) = pipe(PipeOptions::default());
                let mut origin = Some(origin);
                self.reactor
                    .connect(&Endpoint::loopback(port), move |_: &Address| origin.take().expect("once"));
                done.ignore_errors();
                client.connection_made(conn);
                client.data_received(conn, &rest); // held until the origin is there
                self.state = Dialing::Piping(client);
            }
        }
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        match &mut self.state {
            Dialing::Piping(end) => end.read_closed(conn),
            Dialing::Asked(_) => conn.lose_connection(),
        }
    }

    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        if let Dialing::Piping(end) = &mut self.state {
            end.pause_producing(conn);
        }
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        if let Dialing::Piping(end) = &mut self.state {
            end.resume_producing(conn);
        }
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        if let Dialing::Piping(end) = &mut self.state {
            end.connection_lost(conn, why);
        }
    }
}

/// The rest of what came with the request goes to the origin first.
pub fn a_protocol_becomes_an_end_of_a_pipe(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_origin_port, origin) = echo(stage, &diary);
    let reactor = stage.reactor().clone();
    let (_port, at) = stage
        .listen(move |_: &Address| Dialer { reactor: reactor.clone(), state: Dialing::Asked(Vec::new()) });
    asks_for(stage, &diary, &at, &origin, &got);
}

/// The same with streams: a task reads the request and pipes the rest.
pub fn two_streams_become_one(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_origin_port, origin) = echo(stage, &diary);
    let (reactor, log) = (stage.reactor().clone(), diary.clone());
    let (_port, at) = stage.serve_streams(move |client| {
        let (reactor, log) = (reactor.clone(), log.clone());
        async move {
            client.set_half_close(true); // its end is no hang-up: the pipe passes it on
            let line = client.read_until(b'\n', 10).await?;
            let port = String::from_utf8_lossy(&line).trim().parse()?;
            let origin = reactor.connect_stream(&Endpoint::loopback(port)).await?;
            let piped = client.pipe(origin, PipeOptions::default()).await?;
            log.note(format!("{} there, {} back", piped.to_right, piped.to_left));
            Ok(())
        }
    });
    asks_for(stage, &diary, &at, &origin, &got);
    assert!(diary.has("5 there, 5 back"), "{diary:?}");
}

fn echo(stage: &Stage, diary: &Diary) -> (Port, Endpoint) {
    stage.serve(diary, |probe| probe.named("origin").data(|_, conn, data| conn.write(data)))
}

/// A client that says which port it wants and, with that, the beginning of what it has to say there.
fn asks_for(stage: &Stage, diary: &Diary, at: &Endpoint, origin: &Endpoint, got: &Rc<RefCell<Vec<u8>>>) {
    let name = origin.peer_name();
    let port = name.rsplit(':').next().expect("a port").to_owned();
    let client = Probe::new(diary).named("client").into(got).made(move |_, conn| {
        conn.write(format!("{port}\nhel").as_bytes());
        conn.set_timer(Duration::from_millis(5));
    });
    stage.connect(
        at,
        client.timer(|_, conn| {
            conn.write(b"lo");
            conn.lose_write_connection();
        }),
    );
    stage.until_noted(diary, "client lost Done");
    assert_eq!(*got.borrow(), b"hello");
    stage.until_alone();
}
