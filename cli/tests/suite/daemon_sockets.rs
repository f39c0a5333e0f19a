//! Sockets of others: from systemd by name and index, by number, and moved by `--listen`.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::common::daemon::{Folder, fails};
use crate::common::{Program, poem, read_all};

const FAST: [&str; 5] = ["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];

/// A shell that starts the program with these sockets as descriptors 3, 4 ..., as systemd does.
fn activated(folder: &Folder, sockets: &[&TcpListener], names: &str, arguments: &[&str]) -> Command {
    let mut script = String::new();
    for socket in sockets {
        // The shell gets them inheritable, and far away from where they are to be.
        rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).expect("it is open");
    }
    let above = 60;
    for (index, socket) in sockets.iter().enumerate() {
        script.push_str(&format!("exec {}<&{}; ", above + index, socket.as_raw_fd()));
    }
    for index in 0..sockets.len() {
        script.push_str(&format!("exec {}<&{}; exec {}<&-; ", 3 + index, above + index, above + index));
    }
    let sestina = env!("CARGO_BIN_EXE_sestina");
    let count = sockets.len();
    script.push_str(&format!(
        "export LISTEN_PID=$$ LISTEN_FDS={count} LISTEN_FDNAMES={names}; exec '{sestina}' {}",
        arguments.join(" ")
    ));
    // bash knows descriptors of two digits.
    folder.shell("bash", &script)
}

fn listeners() -> [TcpListener; 2] {
    [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"))
}

#[test]
fn sockets_of_systemd_are_found_by_name_and_by_index_detached_or_not() {
    for (which, index) in [("systemd:web", 1), ("systemd:index=0", 0), ("systemd:name=web", 1)] {
        let folder = Folder::new();
        let sockets = listeners();
        let at = sockets[index].local_addr().expect("bound");
        let listen = format!("fastpoetry={which}");
        let arguments = [&["--listen", listen.as_str()], &FAST[..]].concat();
        let command = activated(&folder, &[&sockets[0], &sockets[1]], "admin:web", &arguments);
        let daemon = folder.start(command, "sestina");
        assert_eq!(daemon.at(), at);
        assert!(read_all(daemon.connect()) == poem("ecstasy"));
        daemon.stop();
        let foreground = [&["-n"], &arguments[..]].concat();
        let command = activated(&folder, &[&sockets[0], &sockets[1]], "admin:web", &foreground);
        let mut program = Program::start(command);
        program.wait_for_line(|line| line.ends_with(&format!("fastpoetry listening on {at}")));
        program.wait_for_line(|line| line.contains("is ready"));
        program.signal(rustix::process::Signal::TERM);
        assert_eq!(program.wait().code, Some(0));
    }
}

#[test]
fn a_socket_is_found_by_its_number_detached_or_not() {
    for place in ["-n", "-D"] {
        let folder = Folder::new();
        let sockets = listeners();
        let at = sockets[0].local_addr().expect("bound");
        let arguments = [&[place, "--listen", "fastpoetry=fd:3"], &FAST[..]].concat();
        let command = activated(&folder, &[&sockets[0]], "web", &arguments);
        if place == "-D" {
            let daemon = folder.start(command, "sestina");
            assert_eq!(daemon.at(), at);
            assert!(read_all(daemon.connect()) == poem("ecstasy"));
        } else {
            let mut program = Program::start(command);
            program.wait_for_line(|line| line.ends_with(&format!("fastpoetry listening on {at}")));
            program.wait_for_line(|line| line.contains("is ready"));
            assert!(read_all(std::net::TcpStream::connect(at).expect("it listens")) == poem("ecstasy"));
            program.signal(rustix::process::Signal::TERM);
            assert_eq!(program.wait().code, Some(0));
        }
    }
}

#[test]
fn sockets_for_another_process_are_not_taken() {
    let folder = Folder::new();
    let mut command = folder.sestina(&[&["-n", "--listen", "fastpoetry=systemd:web"], &FAST[..]].concat());
    command.env("LISTEN_PID", "1").env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "web");
    fails(command, 1, "systemd");
    let mut command = folder.sestina(&[&["-n", "--listen", "fastpoetry=fd:77"], &FAST[..]].concat());
    command.env("LISTEN_PID", "1");
    fails(command, 2, "77");
}

#[test]
fn a_service_listens_where_it_is_told_to() {
    let folder = Folder::new();
    let arguments = [&["--listen", "fastpoetry=unix:poem.sock:mode=600"], &FAST[..]].concat();
    let daemon = folder.start(folder.sestina(&arguments), "sestina");
    let mut stream = UnixStream::connect(folder.join("poem.sock")).expect("it listens");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut bytes).expect("a clean end");
    assert!(bytes == poem("ecstasy"));
    daemon.stop();
    assert!(!folder.join("poem.sock").exists());
}

#[test]
fn the_limits_on_connections_are_options() {
    let folder = Folder::new();
    let daemon =
        folder.start(folder.obstinate(&["--max-per-peer", "2", "--drain-timeout", "0", "mule"]), "obstinate");
    let mut hold = Vec::new();
    let mut served = 0;
    for _ in 0..4 {
        let mut stream = daemon.connect();
        let mut name = [0; 10];
        served += usize::from(std::io::Read::read_exact(&mut stream, &mut name).is_ok());
        hold.push(stream);
    }
    assert_eq!(served, 2);
    let log = daemon.stop();
    assert!(log.contains("too many connections from one peer"), "{log}");
}
