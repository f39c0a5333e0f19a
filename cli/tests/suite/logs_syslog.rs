//! The log to the syslog, against a real datagram socket.

use std::os::unix::net::UnixDatagram;

use crate::common::handed::{Folder, Handed};
use crate::common::{DEADLINE, Program, sestina};

fn listen(path: &str) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).expect("the path is free");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout is possible");
    socket
}

fn heard(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 4_096];
    let count = socket.recv(&mut bytes).expect("it comes in time");
    String::from_utf8(bytes[..count].to_vec()).expect("a log is text")
}

#[test]
fn each_line_is_a_datagram_with_priority_time_name_and_number() {
    let folder = Folder::new("syslog");
    let path = folder.path("log");
    let socket = listen(&path);
    let server = Handed::start(&[&format!("--syslog={path}"), "--prefix", "poet"]);
    let peer = server.fetch();
    let line = loop {
        let line = heard(&socket);
        assert!(line.starts_with("<30>") && line.len() <= 1_024 && !line.ends_with('\n'), "{line}");
        if line.ends_with(&format!("sending 615 bytes of poetry to {peer}")) {
            break line;
        }
    };
    let (head, body) = line.split_once(": ").unwrap();
    let words: Vec<&str> = head.split_whitespace().collect();
    assert!(words.len() == 4 && words[2].len() == 8 && words[3].starts_with("poet["), "{head}");
    assert_eq!(body, format!("[sestina_poetry.fast#info] sending 615 bytes of poetry to {peer}"));
    // The syslog is started anew: the log finds it, and says what is missing.
    drop(socket);
    std::fs::remove_file(&path).unwrap();
    server.fetch_many(5);
    let socket = listen(&path);
    server.fetch();
    assert!(heard(&socket).ends_with("[sestina#warn] 5 lines were lost: the log could not be written"));
    server.stop();
}

#[test]
fn a_syslog_that_takes_nothing_does_not_stop_the_service() {
    let folder = Folder::new("syslog-full");
    let path = folder.path("log");
    let socket = listen(&path);
    let server = Handed::start(&[&format!("--syslog={path}")]);
    server.fetch_many(1_000); // far more than a socket holds
    drop(socket);
    server.stop();
}

#[test]
fn a_start_without_a_syslog_fails_and_says_where_it_was_looked_for() {
    let mut command = sestina();
    command.args(["-n", "--syslog=/nowhere/log", "fastpoetry", "--poem", "x"]);
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("no syslog listens on '/nowhere/log': start it, or name its socket"),
        "{ended:?}"
    );
}
