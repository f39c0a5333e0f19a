//! The client and a slow poet in Python that is killed, or resets the connection, in the middle of its poem.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::common::{Program, get_poetry, path, poem, poem_file, require};
use rustix::process::Signal;

/// Like the introduction's blocking server: a file, some bytes at a time, to one client after the other.
const SLOW_POET: &str = r#"
import socket, struct, sys, time
name, count, delay, reset_after = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    poem, sent = open(name, "rb").read(), 0
    while sent < len(poem):
        if reset_after and sent >= reset_after:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            break
        client.sendall(poem[sent:sent + count])
        sent += count
        time.sleep(delay)
    client.close()
"#;

struct Poet {
    child: Child,
    port: String,
}

impl Poet {
    fn start(name: &str, options: [&str; 3]) -> Option<Self> {
        let mut probe = Command::new("python3");
        probe.arg("--version");
        if !require("python3", probe) {
            return None;
        }
        let file = poem_file(name);
        let mut command = Command::new("python3");
        command.args(["-c", SLOW_POET, path(&file)]).args(options);
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("python3 starts");
        let mut port = String::new();
        BufReader::new(child.stdout.as_mut().expect("it is a pipe"))
            .read_line(&mut port)
            .expect("it says its port");
        Some(Self { child, port: port.trim().to_owned() })
    }
}

impl Drop for Poet {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn client(arguments: &[&str]) -> Command {
    let mut command = get_poetry();
    command.args(arguments);
    command
}

// spec: REF-01, P20-17, P20-18, P21-08
#[test]
fn a_poem_of_a_python_server_arrives_whole() {
    let Some(poet) = Poet::start("science", ["10", "0.001", "0"]) else { return };
    let ended = Program::run(client(&["--trace", &poet.port]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout == poem("science"));
    assert!(
        ended.stderr.lines().next().unwrap().starts_with("Task 1: got 10 bytes of poetry from 127.0.0.1:")
    );
}

/// The system of a killed server closes its connections politely: on the wire that is a whole poem, and nothing else can
/// be said. What came is counted.
#[test]
fn a_server_that_is_killed_half_way_has_closed_its_connection() {
    let Some(mut poet) = Poet::start("ecstasy", ["100", "0.02", "0"]) else { return };
    let mut program = Program::start(client(&["--trace", "--times", &poet.port]));
    program.wait_for_line(|line| line.starts_with("Task 1: got"));
    program.wait_for_line(|line| line.starts_with("Task 1: got"));
    poet.child.kill().expect("it runs"); // kill -9
    let ended = program.wait();
    let whole = poem("ecstasy");
    assert!(ended.stdout.len() >= 200 && ended.stdout.len() < whole.len(), "{}", ended.stdout.len());
    assert!(whole.starts_with(&ended.stdout));
    let told = format!("Task 1: {} bytes of poetry from 127.0.0.1:{}", ended.stdout.len(), poet.port);
    assert!(ended.code == Some(0) && ended.stderr.contains(&told), "{}", ended.stderr);
}

#[test]
fn a_reset_half_way_is_told_as_one() {
    let Some(poet) = Poet::start("ecstasy", ["100", "0.02", "500"]) else { return };
    let ended = Program::run(client(&["--order", "stream", &poet.port]));
    let told = format!(
        "get-poetry: 127.0.0.1:{} reset the connection after 500 bytes: that is not a whole poem",
        poet.port
    );
    assert_eq!((ended.code, &*ended.stderr), (Some(1), &*told));
    assert!(ended.stdout == poem("ecstasy")[..500]);
    let ended = Program::run(client(&[&poet.port]));
    assert!(ended.stdout.is_empty() && ended.code == Some(1));
    // And every time again: what is printed stays a beginning of the poem.
    let retries = ["--order", "stream", "--retries", "2", "--retry-delay", "1ms"];
    let ended = Program::run(client(&[&retries[..], &[&poet.port]].concat()));
    assert!(ended.stdout == poem("ecstasy")[..500] && ended.code == Some(1), "{}", ended.stderr);
}

#[test]
fn a_silent_python_server_can_be_left_by_a_signal() {
    let Some(poet) = Poet::start("ecstasy", ["100", "1000", "0"]) else { return };
    let mut program = Program::start(client(&["--trace", &poet.port]));
    program.wait_for_line(|line| line.starts_with("Task 1: got 100"));
    program.signal(Signal::TERM);
    let ended = program.wait();
    let told = format!("get-poetry: 127.0.0.1:{}: cancelled after 100 bytes", poet.port);
    assert!(ended.code == Some(143) && ended.stderr.ends_with(&told), "{}", ended.stderr);
}
