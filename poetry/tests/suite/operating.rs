//! The control socket and the metrics in virtual time: limits of time, of lines, of clients; and slow or silent operators.

use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::Failure;
use sestina_poetry::ops::{
    CONTROL_CLIENTS_MAX, CONTROL_GREETING, CONTROL_IDLE_MAX, CONTROL_LINE_BYTES_MAX,
    CONTROL_REQUEST_TIME_MAX, ControlService, METRICS_HEAD_TIME_MAX, MetricsService, ProxyPlace,
};
use sestina_poetry::{FastPoetry, Poem, PoetryProxy, ProxySettings};
use sestina_reactor::{Endpoint, Reactor, Stream};
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, Service};

const SECOND: Duration = Duration::from_secs(1);
const SOCKET: &str = "/run/control";
/// Longer than any line that is read here.
const LINE_MAX: usize = 1 << 20;

fn control() -> Endpoint {
    Endpoint::unix(SOCKET)
}

fn metrics() -> Endpoint {
    Endpoint::loopback(9100)
}

/// Plays a story beside a proxy with a poet, a control socket and metrics; afterwards nothing may be left.
fn play<A>(story: impl FnOnce(Reactor, PoetryProxy) -> A)
where
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let reactor = Simulation::seeded(1).reactor();
    let poet = FastPoetry::new(Poem::from_bytes("a poem"));
    reactor.listen(&Endpoint::loopback(10_001), poet).expect("the port is free");
    let poet = Endpoint::loopback(10_001);
    let proxy = PoetryProxy::with_settings(&reactor, ProxySettings::default()).with_upstream("poem", &poet);
    let place = ProxyPlace::default();
    place.set(&proxy);
    let services: [Rc<dyn Service>; 2] = [
        Rc::new(ControlService::new(&place, SOCKET).expect("a path")),
        Rc::new(MetricsService::new(&place, &metrics())),
    ];
    let mut application = Application::new("proxy");
    for service in services {
        application.add(service).expect("the names differ");
    }
    let tree = application.attach(&reactor).expect("a good name");
    let (start, told) = (tree.start(), story(reactor.clone(), proxy));
    let story = async move {
        start.await?;
        told.await?;
        assert!(tree.stop().await?.is_clean());
        Ok(())
    };
    let told = reactor.run_until(reactor.spawn(story));
    told.unwrap_or_else(|failure| panic!("the story failed: {failure} at {}", failure.location()));
    assert_eq!([reactor.timers(), reactor.tasks(), reactor.ports(), reactor.connections()], [0; 4]);
}

async fn line(stream: &Stream) -> Result<String, Failure> {
    let line = stream.read_until(b'\n', LINE_MAX).await?;
    Ok(String::from_utf8(line).expect("it is text").trim_end().to_owned())
}

/// An operator who was greeted.
async fn operator(reactor: &Reactor) -> Result<Stream, Failure> {
    let stream = reactor.connect_stream(&control()).await?;
    assert_eq!(line(&stream).await?, CONTROL_GREETING);
    Ok(stream)
}

#[test]
fn an_operator_is_greeted_and_each_line_is_answered_in_order() {
    play(|reactor, proxy| async move {
        proxy.get_poem("poem").await?;
        let operator = operator(&reactor).await?;
        operator.write_all("purge poem --hard\r\nno\u{1b}nsense\n\nfli").await?;
        assert_eq!(
            (line(&operator).await?, line(&operator).await?),
            ("ok 1".into(), "purged poem (hard)".into())
        );
        assert_eq!(line(&operator).await?, "error there is no command 'no\\u{1b}nsense': try 'help'");
        assert_eq!(line(&operator).await?, "error the line has no command: try 'help'");
        operator.write_all("ghts\nhelp\n").await?;
        assert_eq!(line(&operator).await?, "ok 1");
        assert!(line(&operator).await?.starts_with("FLIGHT"));
        assert_eq!(line(&operator).await?, "ok 9");
        Ok(())
    });
}

#[test]
fn a_half_closed_operator_gets_its_answers_and_then_the_end() {
    play(|reactor, _| async move {
        let operator = operator(&reactor).await?;
        operator.write_all("stats --json\n").await?;
        drop(operator.shutdown());
        let rest = operator.read_to_end(LINE_MAX).await?;
        assert!(rest.starts_with(b"ok 1\n{\"bytes\":") && rest.ends_with(b"}\n"));
        Ok(())
    });
}

#[test]
fn an_operator_who_asks_nothing_is_told_so_and_leaves_its_place() {
    play(|reactor, _| async move {
        let operator = operator(&reactor).await?;
        let began = reactor.now();
        reactor.sleep(CONTROL_IDLE_MAX - SECOND).await?;
        operator.write_all("flights\n").await?;
        assert_eq!(line(&operator).await?, "ok 1");
        line(&operator).await?;
        assert_eq!(line(&operator).await?, "error nothing was asked within 60 seconds");
        assert!(reactor.now() - began >= CONTROL_IDLE_MAX * 2 - SECOND, "a request began the time anew");
        assert!(operator.read().await?.is_empty());
        Ok(())
    });
}

#[test]
fn a_line_that_never_ends_has_a_time_and_a_length() {
    play(|reactor, _| async move {
        let slow = operator(&reactor).await?;
        let began = reactor.now();
        let dribbles = {
            let (reactor, stream) = (reactor.clone(), Rc::new(slow));
            let writes = Rc::clone(&stream);
            let dribbling = reactor.clone().spawn(async move {
                for _ in 0..20 {
                    writes.write_all("s").await?;
                    reactor.sleep(SECOND).await?;
                }
                Ok(())
            });
            dribbling.ignore_errors();
            stream
        };
        assert_eq!(line(&dribbles).await?, "error the line did not end within 10 seconds");
        let took = reactor.now() - began;
        assert!(took >= CONTROL_REQUEST_TIME_MAX && took < CONTROL_REQUEST_TIME_MAX + SECOND, "{took:?}");

        let long = operator(&reactor).await?;
        long.write_all(vec![b'x'; CONTROL_LINE_BYTES_MAX + 1]).await?;
        assert!(line(&long).await?.starts_with("error "));
        assert!(long.read().await?.is_empty());
        Ok(())
    });
}

#[test]
fn an_operator_who_does_not_read_is_answered_no_more_and_cut() {
    play(|reactor, _| async move {
        let greedy = reactor.connect_stream(&control()).await?;
        // Ten thousand answers of two kilobytes: nobody may hold them for one who does not read.
        greedy.write_all("stats\n".repeat(10_000)).await?;
        reactor.sleep(SECOND).await?;
        let other = operator(&reactor).await?;
        other.write_all("flights\n").await?;
        assert_eq!(line(&other).await?, "ok 1", "others are served meanwhile");
        drop(other);
        reactor.sleep(CONTROL_IDLE_MAX * 2).await?;
        // A UNIX socket knows no reset: that it ends, and how much came before, is all there is to see.
        let mut got = 0;
        while let Ok(bytes) = greedy.read().await
            && !bytes.is_empty()
        {
            got += bytes.len();
        }
        assert!(got < 1 << 20, "{got} bytes were held for it");
        Ok(())
    });
}

#[test]
fn so_many_operators_are_served_at_once_and_the_next_waits_for_its_turn() {
    play(|reactor, _| async move {
        let mut operators = Vec::new();
        for _ in 0..CONTROL_CLIENTS_MAX {
            operators.push(operator(&reactor).await?);
        }
        let next = reactor.connect_stream(&control()).await?;
        let mut greeting = next.read();
        reactor.sleep(SECOND).await?;
        greeting = greeting.try_result().expect_err("there is no place yet");
        drop(operators.pop());
        assert!(greeting.await?.starts_with(CONTROL_GREETING.as_bytes()));
        Ok(())
    });
}

#[test]
fn a_scraper_who_does_not_ask_is_told_so_in_time_however_it_dawdles() {
    play(|reactor, _| async move {
        let began = reactor.now();
        let scraper = Rc::new(reactor.connect_stream(&metrics()).await?);
        let (writes, clock) = (Rc::clone(&scraper), reactor.clone());
        let dribbling = reactor.spawn(async move {
            loop {
                writes.write_all("G").await?;
                clock.sleep(SECOND).await?;
            }
        });
        let answer = scraper.read_to_end(LINE_MAX).await?;
        assert!(answer.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
        assert_eq!((reactor.now() - began).as_secs(), METRICS_HEAD_TIME_MAX.as_secs());
        dribbling.cancel();
        let dribbling: sestina_deferred::Deferred<()> = dribbling;
        dribbling.ignore_errors();
        Ok(())
    });
}

#[test]
fn an_answer_is_cut_at_nothing_and_what_follows_the_request_is_not_read() {
    play(|reactor, proxy| async move {
        proxy.get_poem("poem").await?;
        let scraper = reactor.connect_stream(&metrics()).await?;
        let twice = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
        scraper.write_all(twice).await?;
        let answer = String::from_utf8(scraper.read_to_end(LINE_MAX).await?).expect("it is text");
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "the first answer is the last");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head ends");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
        assert_eq!(length.parse(), Ok(body.len()));
        assert!(body.contains("poetry_proxy_requests_total{front=\"tcp\",result=\"miss\"} 1\n"));
        Ok(())
    });
}
