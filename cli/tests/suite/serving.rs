//! The three services, and the clients of everybody.

use std::io::Read;
use std::process::Command;

use crate::common::twisted::python_with_twisted;
use crate::common::{Program, Server, poem, read_all, require, talk_and_read};
use rustix::process::Signal;

/// A client made with the original: it prints what it got when the connection ended cleanly.
const TWISTED_CLIENT: &str = r"
import sys
from twisted.internet import error, protocol, reactor

class Reader(protocol.Protocol):
    def connectionMade(self):
        self.pieces = []

    def dataReceived(self, data):
        self.pieces.append(data)

    def connectionLost(self, reason):
        if reason.check(error.ConnectionDone):
            sys.stdout.buffer.write(b''.join(self.pieces))
            sys.stdout.flush()
        reactor.stop()

factory = protocol.ClientFactory.forProtocol(Reader)
factory.clientConnectionFailed = lambda connector, reason: reactor.stop()
reactor.connectTCP('127.0.0.1', int(sys.argv[1]), factory)
reactor.run()
";

fn servers() -> [(Server, &'static str); 3] {
    let slow = Server::slow("ecstasy", "100", "2ms");
    let proxy = Server::proxy(&slow);
    [(Server::fast("fascination"), "fascination"), (slow, "ecstasy"), (proxy, "ecstasy")]
}

/// What a client of somebody else's prints, for each server.
#[track_caller]
fn all_poems_arrive(client: impl Fn(&Server) -> Command) {
    for (server, title) in &servers() {
        let ended = Program::run(client(server));
        assert!(ended.stdout == poem(title), "{title}: {ended:?}");
    }
}

// spec: P16-41
#[test]
fn nc_gets_every_poem_byte_for_byte() {
    let mut probe = Command::new("sh");
    probe.args(["-c", "command -v nc"]);
    if require("nc", probe) {
        all_poems_arrive(|server| {
            let mut nc = Command::new("nc");
            nc.args(["127.0.0.1", &server.port()]);
            nc
        });
    }
}

#[test]
fn curl_gets_every_poem_byte_for_byte() {
    let mut probe = Command::new("curl");
    probe.arg("--version");
    if require("curl", probe) {
        all_poems_arrive(|server| {
            let mut curl = Command::new("curl");
            curl.args(["-s", "--http0.9", "--noproxy", "*", &format!("http://{}/", server.at)]);
            curl
        });
    }
}

#[test]
fn a_client_made_with_twisted_gets_every_poem_byte_for_byte() {
    if python_with_twisted("", &[]).is_some() {
        all_poems_arrive(|server| {
            python_with_twisted(TWISTED_CLIENT, &[&server.port()]).expect("it was there a moment ago")
        });
    }
}

// spec: P16-14, P16-15, P16-17, REF-02
#[test]
fn the_log_says_where_it_listens_and_who_got_how_much() {
    let server = Server::fast("fascination");
    let (at, client) = (server.at, server.connect());
    let peer = client.local_addr().unwrap();
    assert_eq!(read_all(client), poem("fascination"));
    let log = server.stop();
    let lines: Vec<&str> = log.lines().collect();
    let place = |words: &str| lines.iter().position(|line| line.contains(words)).expect("it is in the log");
    assert!(
        place("[sestina#info] fastpoetry listening on") < place("loaded a poem of 615 bytes from "),
        "{log}"
    );
    assert!(log.contains(&format!("+0000 [sestina#info] fastpoetry listening on {at}\n")), "{log}");
    assert!(log.contains(&format!("sending 615 bytes of poetry to {peer}")), "{log}");
    let date = lines[0].split(' ').next().unwrap();
    assert!(date.len() == "2026-11-22T17:21:27+0000".len() && date.ends_with("+0000"), "{log}");
}

#[test]
fn a_signal_is_a_clean_end_also_for_those_who_are_connected() {
    for signal in [Signal::INT, Signal::TERM] {
        let slow = Server::slow("ecstasy", "1", "1h");
        let proxy = Server::proxy(&slow);
        let mut client = slow.connect();
        let mut first = [0];
        client.read_exact(&mut first).unwrap();
        let _waits = proxy.connect();
        for mut server in [proxy, slow] {
            server.program.signal(signal);
            server.program.wait_for_line(|line| line.contains("shutting down"));
            let ended = server.program.wait();
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            assert!(ended.stderr.ends_with(" stopped"), "{}", ended.stderr);
        }
        // An unfinished poem never ends cleanly.
        assert!(client.read_to_end(&mut Vec::new()).is_err());
    }
}

#[test]
fn two_hundred_slow_clients_at_once_get_the_same_poem() {
    let server = Server::slow("ecstasy", "60", "10ms");
    let clients: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for client in clients {
        assert!(read_all(client) == poem("ecstasy"));
    }
    assert_eq!(server.stop().matches("sending 3003 bytes of poetry").count(), 200);
}

#[test]
fn a_client_that_talks_megabytes_gets_its_poem_and_no_reset() {
    let talk = vec![b'x'; 8 * 1024 * 1024];
    let servers = servers();
    for (server, title) in &servers {
        assert!(talk_and_read(server.connect(), &talk) == poem(title), "{title}");
    }
    for (server, _) in servers {
        server.stop();
    }
}

#[test]
fn a_client_that_never_reads_does_not_slow_the_others() {
    let long = crate::common::scratch("long");
    std::fs::write(&long, vec![b'x'; 16 * 1024 * 1024]).unwrap();
    let server = Server::start("fastpoetry", &["--poem", crate::common::path(&long), "--port", "0"]);
    let _stuck = server.connect();
    for _ in 0..3 {
        assert_eq!(read_all(server.connect()).len(), 16 * 1024 * 1024);
    }
    server.stop();
    std::fs::remove_file(long).unwrap();
}

#[test]
fn a_half_closed_client_of_a_slow_poet_gets_all_of_it() {
    let server = Server::slow("science", "100", "2ms");
    let client = server.connect();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(read_all(client) == poem("science"));
    server.stop();
}

// spec: P14-27
#[test]
fn eight_clients_of_a_proxy_are_one_for_the_poet() {
    let slow = Server::slow("ecstasy", "100", "20ms");
    let proxy = Server::proxy(&slow);
    let mut clients: Vec<_> = (0..8).map(|_| proxy.connect()).collect();
    drop(clients.remove(3)); // hangs up
    for client in clients {
        assert!(read_all(client) == poem("ecstasy"));
    }
    assert!(read_all(proxy.connect()) == poem("ecstasy"));
    proxy.stop();
    assert_eq!(slow.stop().matches("sending 3003 bytes of poetry").count(), 1);
}

// spec: P19-02, P19-28
#[test]
fn when_all_clients_leave_the_poet_is_left_too() {
    let slow = Server::slow("ecstasy", "1", "20ms");
    let mut proxy = Server::proxy(&slow);
    let client = proxy.connect();
    proxy.program.wait_for_line(|line| line.contains("fetching the poem from"));
    drop(client);
    proxy.program.wait_for_line(|line| line.contains("nobody waits any more"));
    let mut slow = slow;
    slow.program.wait_for_line(|line| line.contains("left after"));
    proxy.stop();
    slow.stop();
}

/// Whoever read the log has gone; the service has not.
#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let mut server = Server::fast("science");
    server.program.close_stderr();
    for _ in 0..100 {
        assert!(read_all(server.connect()) == poem("science"));
    }
    server.program.signal(Signal::TERM);
    assert_eq!(server.program.wait().code, Some(0));
}

#[test]
fn an_interface_may_be_ipv6() {
    let poem_file = crate::common::poem_file("science");
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let arguments = ["--poem", crate::common::path(&poem_file), "--port", "0", "--iface", "::1"];
    let server = Server::start("fastpoetry", &arguments);
    assert!(server.at.is_ipv6());
    assert!(read_all(server.connect()) == poem("science"));
    server.stop();
}

#[test]
fn without_draining_quiet_clients_get_all_of_it() {
    let poem_file = crate::common::poem_file("science");
    let arguments = ["--poem", crate::common::path(&poem_file), "--port", "0", "--drain", "if-unread"];
    let server = Server::start("fastpoetry", &arguments);
    assert!(read_all(server.connect()) == poem("science"));
    server.stop();
}

#[test]
fn a_server_says_how_many_connections_its_descriptors_allow() {
    let log = Server::fast("science").stop();
    let words =
        log.lines().find_map(|line| line.split_once(" open descriptors allow ")).expect("such a line");
    let connections: u64 = words.1.trim_end_matches(" connections").parse().expect("a number");
    assert!(words.0.ends_with(&(connections + 32).to_string()), "{log}");
}
