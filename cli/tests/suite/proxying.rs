//! The program's proxy: its options, its upstreams, and poets that are killed. Tests of `--like`: `like.rs`.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};

use crate::common::{Ended, Program, Server, connect, path, poem, poem_file, read_all, sestina};
use rustix::process::Signal;

/// What a client got, and whether its end was clean.
fn read_some(mut stream: TcpStream) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let clean = stream.read_to_end(&mut bytes).is_ok();
    (bytes, clean)
}

fn refused(arguments: &[&str], words: &str) {
    let mut command = sestina();
    command.args(["-n", "poetryproxy"]).args(arguments);
    let ended: Ended = Program::run(command);
    assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
}

#[test]
fn options_that_make_no_sense_are_refused_with_a_reason() {
    refused(&[], "is missing");
    refused(&["--upstream", "10001"], "has no name: write NAME=HOST:PORT");
    refused(&["--upstream", "a=1", "--upstream", "a=2"], "two upstreams are called 'a'");
    refused(&["--upstream", "a=10001@10001"], "it would fetch from itself at");
    refused(&["--port", "10000", "10000"], "it would fetch from itself at");
    refused(&["--port", "65535", "--upstream", "a=1", "--upstream", "b=2"], "not enough ports after 65535");
    refused(&["--on-abandon", "linger=0", "1"], "--on-abandon:");
    refused(&["--on-abandon", "stay", "1"], "not one of cancel, linger=DURATION, finish, adaptive");
    refused(&["--like", "4.0", "1"], "not one of 1.0, 2.0, 3.0");
    refused(&["--ttl", "soon", "1"], "--ttl:");
    refused(&["--must-end-with", "", "1"], "give at least one byte");
    refused(&["--max-memory", "100k", "1"], "--max-memory is too small");
    refused(&["--max-waiters", "0", "1"], "--max-waiters:");
    refused(&["--confirm", "0", "1"], "--confirm:");
}

/// Where each upstream is served, out of the log.
fn address(program: &mut Program, name: &str) -> SocketAddr {
    let words = format!("proxying {name} (");
    let line = program.wait_for_line(|line| line.contains(&words));
    line.rsplit(' ').next().and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("no address: {line}"))
}

#[test]
fn two_upstreams_are_served_at_two_ports_of_one_program() {
    let (one, other) = (Server::fast("science"), Server::fast("ecstasy"));
    let mut command = sestina();
    let upstreams = [format!("science={}@0", one.port()), format!("ecstasy={}@localhost:0", other.port())];
    command.args(["-n", "poetryproxy", "--upstream", &upstreams[0], "--upstream", &upstreams[1]]);
    let mut program = Program::start(command);
    let at = [address(&mut program, "science"), address(&mut program, "ecstasy")];
    for _ in 0..2 {
        assert!(read_all(connect(at[0])) == poem("science"));
        assert!(read_all(connect(at[1])) == poem("ecstasy"));
    }
    let log = program.stop();
    assert_eq!(log.matches("fetching the poem from").count(), 2, "{log}");
    assert_eq!(log.matches("using the cached poem").count(), 2, "{log}");
    one.stop();
    other.stop();
}

/// A killed process ends its connections as cleanly as one that is done. Who knows the poem is not deceived.
// spec: P14-30
#[test]
fn a_poet_that_is_killed_half_way_gives_nobody_a_clean_end() {
    let slow = Server::slow("ecstasy", "200", "20ms");
    let mut proxy = Server::start("poetryproxy", &["--ttl", "0", "--port", "0", &slow.port()]);
    assert!(read_all(proxy.connect()) == poem("ecstasy"));
    let mut clients = [proxy.connect(), proxy.connect(), proxy.connect()];
    for client in &mut clients {
        client.read_exact(&mut [0; 200]).expect("the beginning comes at once");
    }
    slow.program.signal(Signal::KILL);
    for client in clients {
        let (bytes, clean) = read_some(client);
        assert!(!clean && bytes.len() < poem("ecstasy").len() - 200, "{} bytes, clean: {clean}", bytes.len());
    }
    proxy
        .program
        .wait_for_line(|line| line.contains("outcome=\"suspect\"") || line.contains("outcome=suspect"));
    slow.program.wait();
    let (bytes, clean) = read_some(proxy.connect());
    assert!(bytes.is_empty() && !clean, "nobody is there, and nothing was kept");
    proxy.stop();
}

#[test]
fn a_poem_that_must_end_otherwise_is_not_believed_the_first_time_either() {
    let slow = Server::slow("ecstasy", "200", "20ms");
    let proxy = Server::start("poetryproxy", &["--must-end-with", r"\n", "--port", "0", &slow.port()]);
    let mut client = proxy.connect();
    client.read_exact(&mut [0; 200]).expect("the beginning comes at once");
    slow.program.signal(Signal::KILL);
    assert!(!read_some(client).1);
    slow.program.wait();
    proxy.stop();
}

#[test]
fn how_long_a_poem_may_be_is_an_option_and_longer_ones_are_passed_on() {
    let fast = Server::start("fastpoetry", &["--poem", path(&poem_file("ecstasy")), "--port", "0"]);
    let arguments = ["--max-object", "1k", "--window", "1k", "--port", "0", &fast.port()];
    let proxy = Server::start("poetryproxy", &arguments);
    for _ in 0..2 {
        assert!(read_all(proxy.connect()) == poem("ecstasy"));
    }
    let log = proxy.stop();
    assert_eq!(log.matches("fetching the poem from").count(), 2, "{log}");
    fast.stop();
}
