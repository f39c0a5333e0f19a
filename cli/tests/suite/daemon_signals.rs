//! What each signal does in each state.

use std::io::{Read, Write};
use std::process::Command;

use crate::common::daemon::{Folder, until};
use crate::common::{Ended, Program};
use rustix::process::Signal;

const READY: &str = "is ready";
const FAST: [&str; 6] = ["-n", "fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];
/// A poet that says one byte and is silent then.
const SLOW: [&str; 9] =
    ["slowpoetry", "--poem", "ecstasy.txt", "--port", "0", "--delay", "1h", "--num-bytes", "1"];

/// Starts a program in the foreground and waits for the words.
fn started(command: Command, words: &str) -> Program {
    let mut program = Program::start(command);
    program.wait_for_line(|line| line.contains(words));
    program
}

#[track_caller]
fn ends(program: Program, code: i32) -> Ended {
    let ended = program.wait();
    assert_eq!((ended.code, ended.signal), (Some(code), None), "{ended:?}");
    ended
}

// spec: P16-43, P16-46, P16-47, P16-48
#[test]
fn term_and_int_end_it_cleanly_with_status_0() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let folder = Folder::new();
        let program = started(folder.sestina(&FAST), READY);
        program.signal(signal);
        let ended = ends(program, 0);
        assert!(ended.stderr.contains(&format!("received {name}, shutting down")), "{}", ended.stderr);
        assert!(ended.stderr.ends_with("[sestina#info] fastpoetry stopped"), "{}", ended.stderr);
    }
}

#[test]
fn term_during_the_start_ends_it() {
    for step in ["--privileged", "--start"] {
        let folder = Folder::new();
        let words = if step == "--start" { "starting mule" } else { "reactor: mio" };
        let program = started(folder.obstinate(&["-n", "mule", step, "hang"]), words);
        program.signal(Signal::TERM);
        let ended = ends(program, 0);
        assert!(!ended.stderr.contains(READY), "{}", ended.stderr);
    }
}

#[test]
fn a_daemon_that_is_told_to_end_before_it_is_ready_is_a_failed_start() {
    let folder = Folder::new();
    let launcher = Program::start(folder.obstinate(&["mule", "--start", "hang"]));
    until(|| folder.read("obstinate.log").contains("starting mule"), || "it does not start".to_owned());
    let daemon = crate::common::daemon::Daemon::of(&folder, "obstinate");
    daemon.signal(Signal::TERM);
    let ended = ends(launcher, 1);
    assert!(ended.stderr.contains("told to end before it was ready"), "{}", ended.stderr);
}

#[test]
fn the_end_waits_for_open_conversations_as_long_as_the_drain_timeout_says() {
    let folder = Folder::new();
    let arguments = [&["-n", "--drain-timeout", "200ms"], &SLOW[..]].concat();
    let mut program = Program::start(folder.sestina(&arguments));
    let line = program.wait_for_line(|line| line.contains(" listening on "));
    program.wait_for_line(|line| line.contains(READY));
    let at = line.rsplit(' ').next().expect("an address");
    let mut client = std::net::TcpStream::connect(at).expect("it listens");
    client.read_exact(&mut [0]).expect("the first byte");
    program.signal(Signal::TERM);
    let ended = ends(program, 0);
    assert!(ended.stderr.contains("waiting for 1 open connection"), "{}", ended.stderr);
    // An unfinished poem never ends cleanly.
    assert!(client.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn a_conversation_that_ends_within_the_drain_timeout_is_whole() {
    let folder = Folder::new();
    let mut program = Program::start(folder.obstinate(&["-n", "mule"]));
    let line = program.wait_for_line(|line| line.contains(" listening on "));
    program.wait_for_line(|line| line.contains(READY));
    let at = line.rsplit(' ').next().expect("an address");
    let mut client = std::net::TcpStream::connect(at).expect("it listens");
    client.read_exact(&mut [0; 10]).expect("its name");
    program.signal(Signal::TERM);
    program.wait_for_line(|line| line.contains("waiting for 1 open connection"));
    client.write_all(b"thank you").expect("it still listens to us");
    drop(client);
    ends(program, 0);
}

// spec: P16-48, P16-85
#[test]
fn a_second_signal_cuts_what_drains_and_what_does_not_stop() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let folder = Folder::new();
        let command =
            folder.obstinate(&["-n", "--pidfile", "p", "--kill-timeout", "1h", "mule", "--stop", "hang"]);
        let mut program = started(command, READY);
        program.signal(signal);
        program.wait_for_line(|line| line.contains("shutting down"));
        program.signal(signal);
        let ended = ends(program, code);
        assert!(ended.stderr.contains("again, cutting everything"), "{}", ended.stderr);
        assert!(!folder.join("p").exists());
    }
}

#[test]
fn a_service_that_does_not_stop_is_left_behind_after_the_kill_timeout() {
    let folder = Folder::new();
    for how in ["hang", "fail", "panic"] {
        let program =
            started(folder.obstinate(&["-n", "--kill-timeout", "200ms", "mule", "--stop", how]), READY);
        program.signal(Signal::TERM);
        let ended = ends(program, 0);
        assert!(ended.stderr.contains("mule/mule"), "the log names it: {}", ended.stderr);
    }
}

#[test]
fn hup_reloads_and_a_reload_that_fails_changes_nothing() {
    let folder = Folder::new();
    let mut program = started(folder.sestina(&FAST), READY);
    program.signal(Signal::HUP);
    program.wait_for_line(|line| line.contains("received SIGHUP, reloading"));
    program.wait_for_line(|line| line.ends_with("#info] reloaded"));
    program.signal(Signal::TERM);
    ends(program, 0);
    let mut program = started(folder.obstinate(&["-n", "mule", "--reload", "fail"]), READY);
    program.signal(Signal::HUP);
    program.wait_for_line(|line| line.contains("the reload failed: ") && line.contains("does not want to"));
    program.signal(Signal::TERM);
    ends(program, 0);
}

#[test]
fn hup_during_the_start_does_not_kill_it() {
    let folder = Folder::new();
    let mut program = started(folder.obstinate(&["-n", "mule", "--start", "hang"]), "starting mule");
    program.signal(Signal::HUP);
    program.wait_for_line(|line| line.contains("not reloaded"));
    program.signal(Signal::TERM);
    ends(program, 0);
}

#[test]
fn hups_that_come_during_a_reload_are_one_more_reload() {
    let folder = Folder::new();
    let options = ["-n", "--start-timeout", "500ms", "mule", "--reload", "hang"];
    let mut program = started(folder.obstinate(&options), READY);
    program.signal(Signal::HUP);
    program.wait_for_line(|line| line.contains("received SIGHUP, reloading"));
    program.signal(Signal::HUP);
    program.wait_for_line(|line| line.contains("reloading again afterwards"));
    program.wait_for_line(|line| line.contains("the reload failed"));
    program.wait_for_line(|line| line.contains("received SIGHUP, reloading"));
    program.signal(Signal::TERM);
    ends(program, 0);
}

#[test]
fn quit_tells_all_that_there_is_and_aborts() {
    let folder = Folder::new();
    let mut program = Program::start(folder.sestina(&[&["-n", "--pidfile", "p"], &SLOW[..]].concat()));
    let line = program.wait_for_line(|line| line.contains(" listening on "));
    program.wait_for_line(|line| line.contains(READY));
    let at = line.rsplit(' ').next().expect("an address").to_owned();
    let mut client = std::net::TcpStream::connect(&at).expect("it listens");
    client.read_exact(&mut [0]).expect("the first byte");
    let client_at = client.local_addr().expect("it is connected");
    program.signal(Signal::QUIT);
    let ended = ends(program, 131);
    let says = |words: &str| assert!(ended.stderr.contains(words), "{words:?} is not in {}", ended.stderr);
    says("received SIGQUIT");
    says("service: ");
    says(&format!("{at}, 1 connection"));
    says(&format!("left: a connection from {client_at}"));
    says("left: a timer, due in ");
    says("deferred: ");
    assert!(!folder.join("p").exists());
}

#[test]
fn quit_aborts_during_a_start_and_during_a_stop() {
    let folder = Folder::new();
    let mut program = started(folder.obstinate(&["-n", "mule", "--start", "hang"]), "starting mule");
    program.signal(Signal::QUIT);
    program.wait_for_line(|line| line.contains("mule") && line.contains("starting"));
    ends(program, 131);
    let mut program = started(folder.obstinate(&["-n", "mule", "--stop", "hang"]), READY);
    program.signal(Signal::TERM);
    program.wait_for_line(|line| line.contains("shutting down"));
    program.signal(Signal::QUIT);
    ends(program, 131);
}

// spec: P16-85
#[test]
fn signals_that_were_ignored_when_it_started_stay_ignored_in_the_foreground() {
    let folder = Folder::new();
    let sestina = env!("CARGO_BIN_EXE_sestina");
    let script = format!("trap '' INT HUP; exec '{sestina}' {}", FAST.join(" "));
    let mut program = Program::start(folder.shell("sh", &script));
    program.wait_for_line(|line| line.contains(READY));
    program.signal(Signal::INT);
    program.signal(Signal::HUP);
    program.signal(Signal::TERM);
    let ended = ends(program, 0);
    assert!(ended.stderr.contains("received SIGTERM"), "{}", ended.stderr);
    assert!(
        !ended.stderr.contains("received SIGINT") && !ended.stderr.contains("SIGHUP"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_program_whose_services_give_up_ends_with_status_1() {
    let folder = Folder::new();
    let ended = Program::run(folder.obstinate(&["-n", "mule", "--fails-after", "1"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("it has had enough"), "{}", ended.stderr);
}
