#![allow(missing_docs, reason = "the front page of sestina-trial shows this file")]
// The introduction's client and server, and the two tests of its example. (spec: P15-03 to P15-11)
use sestina_deferred::{Deferred, Resolver, deferred};
use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Protocol, Reactor};
use sestina_trial::{TestResult, assert_failure, listening};

const TEST_POEM: &str = "This is a test.\nThis is only a test.\n\u{2026}";

/// The server: says its poem and closes.
struct PoetryServer;

impl Protocol for PoetryServer {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(TEST_POEM.as_bytes());
        conn.lose_connection();
    }
}

/// The client: the poem is there when the server has finished, and not before.
struct PoetryClient {
    heard: Vec<u8>,
    poem: Option<Resolver<String>>,
}

impl Protocol for PoetryClient {
    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.heard.extend_from_slice(data);
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        let Some(poem) = self.poem.take() else { return };
        match (why, String::from_utf8(std::mem::take(&mut self.heard))) {
            (Lost::Done, Ok(text)) => poem.callback(text),
            (Lost::Done, Err(error)) => poem.errback(error),
            (why, _) => poem.errback(why),
        }
    }
}

/// Makes the client, or tells why there is none.
struct PoetryClientFactory {
    poem: Option<Resolver<String>>,
}

impl Factory for PoetryClientFactory {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(PoetryClient { heard: Vec::new(), poem: self.poem.take() }))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        if let Some(poem) = self.poem.take() {
            poem.errback(error);
        }
    }
}

fn get_poetry(reactor: &Reactor, server: &Endpoint) -> Deferred<String> {
    let (resolver, poem) = deferred();
    reactor.connect(server, PoetryClientFactory { poem: Some(resolver) });
    poem
}

/// The correct poem is returned by `get_poetry`.
#[sestina_trial::test(on = "both")]
async fn test_client(reactor: Reactor) -> TestResult {
    // spec: P15-03, P15-04, P15-05, P15-07
    let server = listening(|_: &Address| PoetryServer); // a free port, closed when the test is over
    assert_eq!(get_poetry(&reactor, server.endpoint()).await?, TEST_POEM);
    Ok(())
}

/// The correct failure is returned by `get_poetry` when it connects to a port with no server.
#[sestina_trial::test(on = "both")]
async fn test_failure(reactor: Reactor) -> TestResult {
    // spec: P15-03, P15-11, P15-12
    let nobody = Endpoint::loopback(0);
    let is_refused = |error: &ConnectError| matches!(error, ConnectError::Refused(_));
    assert_failure(get_poetry(&reactor, &nobody), is_refused).await?;
    Ok(())
}
