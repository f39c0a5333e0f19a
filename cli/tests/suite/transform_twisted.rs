//! Transforms between us and programs made with the original, in both directions.

use std::time::Duration;

use crate::common::twisted::python_with_twisted;
use crate::common::{DEADLINE, Program, Server, poem};
use sestina_deferred::{Deferred, Failure};
use sestina_poetry::{Poem, TransformError, transform};
use sestina_reactor::{Endpoint, Reactor};
use sestina_reactor_mio::MioDriver;

/// Sends the poems of the arguments, each as one request; prints the answers that end cleanly, a line each.
const TWISTED_CLIENT: &str = r"
import sys
from twisted.internet import defer, endpoints, error, protocol, reactor, task
from twisted.protocols.basic import NetstringReceiver

class Asker(NetstringReceiver):
    def __init__(self, name, poem):
        self.request = name + b'.' + poem
        self.answer = None
        self.done = defer.Deferred()

    def connectionMade(self):
        self.sendString(self.request)

    def stringReceived(self, answer):
        self.answer = answer

    def connectionLost(self, reason):
        if reason.check(error.ConnectionDone) and not self.brokenPeer:
            self.done.callback(self.answer)
        else:
            self.done.errback(reason)

@defer.inlineCallbacks
def main(reactor, port, *requests):
    for request in requests:
        name, poem = request.encode('utf-8').split(b'=', 1)
        point = endpoints.TCP4ClientEndpoint(reactor, '127.0.0.1', int(port))
        asker = yield endpoints.connectProtocol(point, Asker(name, poem))
        answer = yield asker.done
        sys.stdout.buffer.write(b'no\n' if answer is None else b'yes ' + answer + b'\n')

task.react(main, sys.argv[1:])
";

/// A transform service as the introduction has it; says its port on the standard error.
const TWISTED_SERVER: &str = r"
import sys
from twisted.internet import protocol, reactor
from twisted.protocols.basic import NetstringReceiver

class Service(NetstringReceiver):
    def stringReceived(self, request):
        name, dot, poem = request.partition(b'.')
        if dot and name == b'cummingsify':
            self.sendString(poem.decode('utf-8').lower().encode('utf-8'))
        if name != b'wait':
            self.transport.loseConnection()

    def connectionLost(self, reason):
        sys.stderr.write('lost %s\n' % reason.type.__name__)
        sys.stderr.flush()

factory = protocol.ServerFactory.forProtocol(Service)
port = reactor.listenTCP(0, factory, interface='127.0.0.1')
sys.stderr.write('listening on %d\n' % port.getHost().port)
sys.stderr.flush()
reactor.run()
";

fn twisted_server() -> Option<(Program, u16)> {
    let mut program = Program::start(python_with_twisted(TWISTED_SERVER, &[])?);
    let line = program.wait_for_line(|line| line.starts_with("listening on "));
    let port = line.rsplit(' ').next().and_then(|port| port.parse().ok());
    Some((program, port.expect("a port")))
}

/// What the client of the original gets.
#[track_caller]
fn twisted_client_gets(port: &str, requests: &[(&str, &str)]) -> Option<String> {
    let requests: Vec<String> = requests.iter().map(|(name, poem)| format!("{name}={poem}")).collect();
    let mut arguments = vec![port];
    arguments.extend(requests.iter().map(String::as_str));
    let ended = Program::run(python_with_twisted(TWISTED_CLIENT, &arguments)?);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    Some(String::from_utf8(ended.stdout).expect("text"))
}

/// Requests and what a client made with the original prints, for a service that knows `cummingsify` and not `burn`.
#[track_caller]
fn serves_the_original(port: &str) {
    let science = String::from_utf8(poem("science")).expect("text");
    let longest = "A".repeat(99_987);
    let requests = [
        ("cummingsify", "HERE IS MY POEM"),
        ("cummingsify", ""),
        ("burn", "IT"),
        ("cummingsify", science.as_str()),
        ("cummingsify", longest.as_str()),
        ("cummingsify", "ÀÉΣİß"),
    ];
    let expected = format!(
        "yes here is my poem\nyes \nno\nyes {}\nyes {}\nyes {}\n",
        science.to_lowercase(),
        longest.to_lowercase(),
        "ÀÉΣİß".to_lowercase(),
    );
    if let Some(printed) = twisted_client_gets(port, &requests) {
        assert!(printed == expected, "{printed:.2000}");
    }
}

#[test]
fn a_client_made_with_twisted_is_served_by_ours() {
    let server = Server::start("transform", &["--port", "0"]);
    serves_the_original(&server.port());
    server.stop();
}

// spec: P14-28
#[test]
fn our_proxy_stands_between_a_client_and_a_service_made_with_twisted() {
    let Some((_service, port)) = twisted_server() else { return };
    let proxy = Server::start("transformproxy", &["--port", "0", &port.to_string()]);
    serves_the_original(&proxy.port());
    proxy.stop();
}

/// Turns the loop until `is_so`.
#[track_caller]
fn until(reactor: &Reactor, mut is_so: impl FnMut() -> bool) {
    let end = reactor.now() + DEADLINE;
    while !is_so() {
        assert!(reactor.now() < end, "it did not happen in time");
        reactor.turn(Some(Duration::from_millis(20))).expect("the driver waits");
    }
}

/// Turns the loop until the answer is there; the connections stay.
#[track_caller]
fn wait<T: 'static>(reactor: &Reactor, deferred: Deferred<T>) -> Result<T, Failure> {
    let (mut deferred, mut result) = (Some(deferred), None);
    until(reactor, || {
        match deferred.take().map(Deferred::try_result) {
            Some(Ok(answer)) => result = Some(answer),
            waits => deferred = waits.and_then(Result::err),
        }
        result.is_some()
    });
    result.expect("`until` ends with an answer")
}

#[test]
fn our_client_is_served_by_a_service_made_with_twisted() {
    let Some((mut service, port)) = twisted_server() else { return };
    let reactor = Reactor::new(Box::new(MioDriver::new().expect("a driver")));
    let at = Endpoint::loopback(port);
    let asked = |name: &str, poem: Poem| match wait(&reactor, transform(&reactor, &at, name, &poem)) {
        Ok(poem) => poem.as_bytes().to_vec(),
        Err(failure) => match failure.check() {
            Some(TransformError::Refused { .. }) => b"no".to_vec(),
            _ => panic!("{failure:?}"),
        },
    };
    assert_eq!(asked("cummingsify", Poem::from_bytes("HERE IS MY POEM")), b"here is my poem");
    assert_eq!(asked("cummingsify", Poem::from_bytes("")), b"");
    assert_eq!(asked("cummingsify", Poem::from_bytes(vec![b'A'; 99_987])), vec![b'a'; 99_987]);
    assert_eq!(asked("burn", Poem::from_bytes("IT")), b"no");
    for _ in 0..4 {
        let line = service.wait_for_line(|line| line.starts_with("lost "));
        assert_eq!(line, "lost ConnectionDone");
    }

    let waits = transform(&reactor, &at, "wait", &Poem::from_bytes("FOR EVER"));
    let connected = reactor.statistics().connected;
    until(&reactor, || reactor.statistics().connected > connected);
    waits.cancel();
    waits.ignore_errors();
    reactor.turn(Some(Duration::ZERO)).expect("the driver works");
    let line = service.wait_for_line(|line| line.starts_with("lost "));
    assert!(["lost ConnectionLost", "lost ConnectionDone"].contains(&&*line), "{line}");
    reactor.clear();
}
