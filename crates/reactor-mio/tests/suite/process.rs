//! Child processes.

use crate::common::{End, Folder, Host, queue};
use sestina_reactor::{Close, Command, Driver, Event, ExitStatus, Process, Token};
use std::io;

struct Child {
    token: Token,
    stdin: End,
    stdout: End,
    stderr: End,
}

fn shell(script: &str) -> Command {
    Command {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        directory: None,
    }
}

fn start(host: &mut Host, command: &Command) -> Child {
    let token = host.token();
    let Process { stdin, stdout, stderr, .. } = host.driver.spawn_process(command, token).expect("starts");
    Child { token, stdin: host.watch(stdin), stdout: host.watch(stdout), stderr: host.watch(stderr) }
}

fn end_of(host: &mut Host, token: Token) -> ExitStatus {
    host.until(|event| match event {
        Event::Exited { token: told, status } if *told == token => Some(*status),
        _ => None,
    })
}

#[test]
fn a_child_hears_speaks_and_ends() {
    let mut host = Host::new();
    let child = start(&mut host, &shell("cat; echo trouble >&2; exit 3"));
    host.send(child.stdin.sock, "a line\n");
    assert_eq!(host.recv(child.stdout).expect("receives").0, "a line\n");
    host.send(child.stdin.sock, "and another");
    host.driver.finish(child.stdin.sock).expect("closes the child's input");
    assert_eq!(host.receive_all(child.stdout).expect("receives"), b"and another");
    assert_eq!(host.receive_all(child.stderr).expect("receives"), b"trouble\n");
    assert_eq!(end_of(&mut host, child.token), ExitStatus::Code(3));
    assert_eq!(host.recv(child.stdin).expect("nothing comes back"), (String::new(), false));
    let error = host.driver.signal_process(child.token, 15).expect_err("has ended");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_large_body_goes_through_a_child() {
    let mut host = Host::new();
    let child = start(&mut host, &shell("cat"));
    let body: Vec<u8> = (0..1_000_000_u32).map(|at| u8::try_from(at % 251).expect("small")).collect();
    let (mut sent, mut received, mut buffer) = (0, Vec::new(), [0; 4096]);
    while received.len() < body.len() {
        match host.driver.send(child.stdin.sock, &queue([&body[sent..]])) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        let got = host.retry(child.stdout.token, |driver| driver.recv(child.stdout.sock, &mut buffer));
        received.extend_from_slice(&buffer[..got.expect("receives").count]);
    }
    assert!(received == body, "the bytes differ");
}

#[test]
fn a_child_that_a_signal_killed_says_which() {
    let mut host = Host::new();
    for signal in [9, 15] {
        let child = start(&mut host, &shell("echo ready; exec cat"));
        assert_eq!(host.recv(child.stdout).expect("receives").0, "ready\n");
        host.driver.signal_process(child.token, signal).expect("sends");
        assert_eq!(end_of(&mut host, child.token), ExitStatus::Signal(signal));
    }
}

#[test]
fn a_number_that_is_no_signal_is_refused() {
    let mut host = Host::new();
    let child = start(&mut host, &shell("cat"));
    let error = host.driver.signal_process(child.token, 4711).expect_err("no signal");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    host.driver.close(child.stdin.sock, Close::Polite);
    assert_eq!(end_of(&mut host, child.token), ExitStatus::Code(0));
}

#[test]
fn a_missing_program_is_an_error_at_once() {
    let mut host = Host::new();
    let token = host.token();
    let command = Command { program: "/no/such/program".into(), ..Command::default() };
    let error = host.driver.spawn_process(&command, token).expect_err("missing");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_child_has_the_environment_and_the_folder_it_was_given_and_no_other() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let directory = std::fs::canonicalize(folder.path("")).expect("exists");
    let mut command = shell("pwd; echo $POEM; echo ${HOME-homeless}");
    command.environment.push(("POEM".into(), "Ecstasy".into()));
    command.directory = Some(directory.clone());
    let child = start(&mut host, &command);
    let said = String::from_utf8(host.receive_all(child.stdout).expect("receives")).expect("text");
    assert_eq!(said, format!("{}\nEcstasy\nhomeless\n", directory.display()));
}

#[test]
fn writing_to_a_child_that_closed_its_input_is_an_error_and_no_signal() {
    let mut host = Host::new();
    let child = start(&mut host, &shell("exec <&-; echo closed; exec cat /dev/zero"));
    assert_eq!(host.recv(child.stdout).expect("receives").0.get(..7), Some("closed\n"));
    assert_eq!(host.recv(child.stdin).expect("the only direction ended"), (String::new(), false));
    let error = host.driver.send(child.stdin.sock, &queue([&b"x"[..]])).expect_err("closed");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    host.driver.signal_process(child.token, 9).expect("kills");
    assert_eq!(end_of(&mut host, child.token), ExitStatus::Signal(9));
}

/// The kernel merges equal signals: one SIGCHLD may stand for many deaths.
#[test]
fn many_children_that_end_together_are_all_told() {
    let mut host = Host::new();
    let children: Vec<Child> =
        (0..20).map(|code| start(&mut host, &shell(&format!("cat; exit {code}")))).collect();
    for child in &children {
        host.driver.close(child.stdin.sock, Close::Polite);
    }
    for (child, code) in children.iter().zip(0..) {
        assert_eq!(end_of(&mut host, child.token), ExitStatus::Code(code));
    }
}

#[test]
fn two_drivers_are_told_about_their_own_children() {
    let (mut one, mut two) = (Host::new(), Host::new());
    two.token();
    let (first, second) = (start(&mut one, &shell("exit 1")), start(&mut two, &shell("exit 2")));
    assert_ne!(first.token, second.token);
    assert_eq!(end_of(&mut two, second.token), ExitStatus::Code(2));
    assert_eq!(end_of(&mut one, first.token), ExitStatus::Code(1));
}

#[test]
fn a_pipe_has_one_direction_and_no_address() {
    let mut host = Host::new();
    let child = start(&mut host, &shell("cat"));
    let input = host.driver.recv(child.stdin.sock, &mut [0; 1]).expect_err("nothing yet");
    let output = host.driver.recv(child.stdout.sock, &mut [0; 1]).expect_err("it says nothing");
    assert_eq!((input.kind(), output.kind()), (io::ErrorKind::WouldBlock, io::ErrorKind::WouldBlock));
    assert!(host.driver.send(child.stdout.sock, &queue([&b"x"[..]])).is_err());
    assert!(host.driver.local_address(child.stdout.sock).is_err());
    host.driver.finish(child.stdout.sock).expect("there is nothing to finish");
    // An end that was there before the watch is told.
    let token = host.token();
    let process = host.driver.spawn_process(&shell("cat"), token).expect("starts");
    host.driver.finish(process.stdin).expect("closes the child's input");
    let stdin = host.watch(process.stdin);
    host.until(|event| crate::common::of(stdin.token, event));
    assert_eq!(end_of(&mut host, token), ExitStatus::Code(0));
}
