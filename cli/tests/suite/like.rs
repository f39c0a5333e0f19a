//! `poetryproxy --like`: the introduction's three proxies, by what they print and by what their clients get.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use crate::common::poet::{End, nobody, poet, poet_in_turn};
use crate::common::{Program, Server, poem, read_all, sestina};
use rustix::io::ioctl_fionbio;
use rustix::process::Signal;

const VERSIONS: [&str; 3] = ["1.0", "2.0", "3.0"];

fn like(version: &str, poet: SocketAddr) -> Server {
    Server::start("poetryproxy", &["--like", version, "--port", "0", &poet.port().to_string()])
}

/// Ends it, and gives what it printed, without the first line, which must say for whom it is a proxy and where.
#[track_caller]
fn printed(proxy: Server, poet: SocketAddr) -> Vec<String> {
    let first = format!(
        "Proxying ('127.0.0.1', {}) on IPv4Address(type='TCP', host='127.0.0.1', port={}).",
        poet.port(),
        proxy.at.port()
    );
    proxy.program.signal(Signal::TERM);
    let ended = proxy.program.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains(" of the introduction: torn and empty poems are kept"), "{}", ended.stderr);
    let text = String::from_utf8(ended.stdout).expect("its lines are text");
    let mut lines = text.lines().map(str::to_owned);
    assert_eq!(lines.next(), Some(first));
    lines.collect()
}

const FETCHING: &str = "Fetching poem from server.";
const CACHED: &str = "Using cached poem.";
const CANCELING: &str = "Canceling poem download.";

// spec: P14-10, P14-17, P14-18, P14-19, P14-21
#[test]
fn each_says_what_the_original_says_and_both_clients_get_the_poem() {
    for version in VERSIONS {
        let fast = Server::fast("fascination");
        let proxy = like(version, fast.at);
        for _ in 0..2 {
            assert!(read_all(proxy.connect()) == poem("fascination"));
        }
        assert_eq!(printed(proxy, fast.at), [FETCHING, CACHED], "{version}");
    }
}

// spec: P14-31, P19-39
#[test]
fn the_first_two_fetch_for_each_client_and_to_the_end() {
    for version in ["1.0", "2.0"] {
        let slow = Server::slow("science", "100", "20ms");
        let mut proxy = like(version, slow.at);
        let clients = [proxy.connect(), proxy.connect()];
        for _ in &clients {
            proxy.program.wait_for_line(|line| line.contains("fetching the poem"));
        }
        drop(clients);
        proxy.program.wait_for_line(|line| line.contains("fetch ended"));
        proxy.program.wait_for_line(|line| line.contains("fetch ended"));
        assert!(read_all(proxy.connect()) == poem("science"));
        assert_eq!(printed(proxy, slow.at), [FETCHING, FETCHING, CACHED], "{version}");
    }
}

// spec: P14-10, P19-22, P19-24, P19-28, P19-39
#[test]
fn the_third_says_that_it_cancels_and_the_poet_stops_and_later_clients_are_served() {
    let mut slow = Server::slow("science", "100", "20ms");
    let mut proxy = like("3.0", slow.at);
    let (leaves, stays) = (proxy.connect(), proxy.connect());
    for _ in 0..2 {
        proxy.program.wait_for_line(|line| line.contains("fetching the poem"));
    }
    drop(leaves);
    slow.program.wait_for_line(|line| line.contains("left after"));
    assert!(read_all(stays) == poem("science"), "its own connection upstream goes on");
    assert!(read_all(proxy.connect()) == poem("science"));
    assert_eq!(printed(proxy, slow.at), [FETCHING, FETCHING, CANCELING, CACHED]);
}

// spec: P14-30
#[test]
fn torn_and_empty_poems_are_kept_and_end_cleanly() {
    for version in VERSIONS {
        for (bytes, end) in [(&b"half of a"[..], End::Reset), (b"", End::Clean)] {
            let poet = poet(bytes, end);
            let proxy = like(version, poet);
            for _ in 0..2 {
                assert_eq!(read_all(proxy.connect()), bytes, "{version}");
            }
            assert_eq!(printed(proxy, poet), [FETCHING, CACHED], "{version}");
        }
    }
}

// spec: P14-11, P14-22
#[test]
fn while_the_poet_is_down_clients_get_an_empty_reply_each() {
    for version in VERSIONS {
        let nobody = nobody();
        let proxy = like(version, nobody);
        for _ in 0..2 {
            assert_eq!(read_all(proxy.connect()), b"", "{version}");
        }
        assert_eq!(printed(proxy, nobody), [FETCHING, FETCHING], "{version}");
    }
}

/// Without `--like` nothing is printed, and a torn poem is no poem.
// spec: P14-30
#[test]
fn without_it_a_torn_poem_is_neither_kept_nor_believed() {
    let poet = poet_in_turn(&[(b"half of a", End::Reset), (b"a whole one", End::Clean)]);
    let port = poet.port().to_string();
    let proxy = Server::start("poetryproxy", &["--port", "0", "--back-off", "none", &port]);
    let mut torn = Vec::new();
    proxy.connect().read_to_end(&mut torn).expect_err("a reset");
    assert_eq!(read_all(proxy.connect()), b"a whole one");
    proxy.stop();
}

/// How long the reader sleeps: less than the second for which it is waited.
const READER_BEHIND: Duration = Duration::from_millis(200);

/// A pipe that takes no more, and how many bytes are in it.
fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, mut writer) = pipe().expect("there are descriptors");
    ioctl_fionbio(&writer, true).expect("a pipe can do without waiting");
    let mut filling = 0;
    while let Ok(count) = writer.write(&[b'-'; 4096]) {
        filling += count;
    }
    (reader, writer, filling)
}

/// A proxy that has served two clients and was told to end, while its standard output takes nothing.
fn ended_behind_a_full_pipe(poet: SocketAddr, output: PipeWriter) -> Program {
    let mut command = sestina();
    command.args(["-n", "poetryproxy", "--like", "3.0", "--port", "0", &poet.port().to_string()]);
    let mut proxy = Server::with_output("poetryproxy", command, Stdio::from(output));
    for _ in 0..2 {
        assert!(read_all(proxy.connect()) == poem("fascination"));
    }
    proxy.program.signal(Signal::TERM);
    proxy.program.wait_for_line(|line| line.ends_with(" stopping poetryproxy"));
    proxy.program
}

#[test]
fn the_last_lines_wait_for_a_reader_that_is_behind() {
    let (mut reader, writer, filling) = full_pipe();
    let fast = Server::fast("fascination");
    let proxy = ended_behind_a_full_pipe(fast.at, writer);
    assert!(proxy.runs_for(READER_BEHIND), "it ended, and nobody has read");
    let mut output = Vec::new();
    reader.read_to_end(&mut output).expect("it can be read");
    let lines = String::from_utf8_lossy(&output[filling..]);
    assert!(lines.starts_with("Proxying ("), "{lines:?}");
    assert!(lines.ends_with(&format!("\n{FETCHING}\n{CACHED}\n")), "{lines:?}");
    assert_eq!(proxy.wait().code, Some(0));
}

#[test]
fn the_end_does_not_wait_for_a_reader_that_sleeps() {
    let (reader, writer, _) = full_pipe();
    let fast = Server::fast("fascination");
    let ended = ended_behind_a_full_pipe(fast.at, writer).wait();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stderr.contains("did not answer"), "no service is left behind: {}", ended.stderr);
    drop(reader);
}
