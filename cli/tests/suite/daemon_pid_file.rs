//! The pid file: one process, known by its number, and gone at the end.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::daemon::{Daemon, Folder, fails, is_root, rounds, until};
use crate::common::{Program, path};
use rustix::process::Signal;

const FAST: [&str; 5] = ["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];
/// Processes that start at the same time.
const RACERS: usize = 8;

// spec: P16-49, P16-50, P16-78
#[test]
fn the_file_holds_the_number_and_kill_understands_it() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    assert_eq!(folder.read("sestina.pid"), format!("{}\n", daemon.pid));
    let mode = fs::metadata(folder.join("sestina.pid")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut kill = std::process::Command::new("sh");
    kill.current_dir(folder.path()).args(["-c", "kill $(cat sestina.pid)"]);
    assert_eq!(Program::run(kill).code, Some(0));
    daemon.wait_for_end();
    assert!(!folder.join("sestina.pid").exists()); // spec: P16-51
}

// spec: P16-83
#[test]
fn a_second_one_is_told_who_runs_and_harms_nobody() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    let words = format!("another one is running, process {}", daemon.pid);
    for place in [&["-n", "--pidfile", "sestina.pid"][..], &[]] {
        fails(folder.sestina(&[place, &FAST[..]].concat()), 1, &words);
        assert_eq!(folder.read("sestina.pid"), format!("{}\n", daemon.pid));
    }
    daemon.connect();
}

// spec: P16-83
#[test]
fn a_file_that_nobody_has_locked_is_stale_whatever_it_says() {
    let folder = Folder::new();
    let numbers = [std::process::id().to_string(), "1".to_owned(), "999999999".to_owned(), String::new()];
    for number in numbers {
        fs::write(folder.join("sestina.pid"), &number).expect("it can be written");
        let daemon = folder.fastpoetry(&[]);
        assert_eq!(folder.read("sestina.pid"), format!("{}\n", daemon.pid));
        daemon.stop();
    }
}

#[test]
fn after_a_kill_the_next_start_says_that_the_file_was_stale() {
    let folder = Folder::new();
    let mut foreground = folder.sestina(&[&["-n", "--pidfile", "p"], &FAST[..]].concat());
    foreground.current_dir(folder.path());
    let mut program = Program::start(foreground);
    program.wait_for_line(|line| line.contains("is ready"));
    let number = folder.read("p").trim().to_owned();
    program.signal(Signal::KILL);
    program.wait();
    let mut program = Program::start(folder.sestina(&[&["-n", "--pidfile", "p"], &FAST[..]].concat()));
    program.wait_for_line(|line| line.contains(&format!("was stale: process {number} did not end cleanly")));
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code, Some(0));
    assert!(!folder.join("p").exists());
}

#[test]
fn a_detached_process_says_it_too() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    let number = daemon.pid;
    daemon.signal(Signal::KILL);
    daemon.wait_for_end();
    let next = folder.fastpoetry(&[]);
    next.wait_for_log(&format!("was stale: process {number} did not end cleanly"));
    next.stop();
}

// spec: P16-83
#[test]
fn a_file_with_something_else_in_it_is_left_alone() {
    let folder = Folder::new();
    fs::write(folder.join("sestina.pid"), "my diary").expect("it can be written");
    fails(folder.sestina(&FAST), 1, "is not a lock file");
    assert_eq!(folder.read("sestina.pid"), "my diary");
    fs::remove_file(folder.join("sestina.pid")).expect("it is there");
    std::os::unix::fs::symlink(folder.join("target"), folder.join("sestina.pid")).expect("a link");
    fails(folder.sestina(&FAST), 1, "is not a lock file");
    assert!(!folder.join("target").exists());
}

// spec: P16-86
#[test]
fn the_foreground_writes_one_only_if_asked_and_an_empty_name_is_none() {
    let folder = Folder::new();
    let mut program = Program::start(folder.sestina(&[&["-n"], &FAST[..]].concat()));
    program.wait_for_line(|line| line.contains("is ready"));
    assert!(!folder.join("sestina.pid").exists());
    program.signal(Signal::INT);
    assert_eq!(program.wait().code, Some(0));
    let ended = Program::run(folder.sestina(&[&["--pidfile=", "-l", "log"], &FAST[..]].concat()));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(!folder.join("sestina.pid").exists());
    let log = folder.read("log");
    let line = log.lines().find(|line| line.contains("starting up, process ")).expect("a line");
    fs::write(folder.join("sestina.pid"), line.rsplit(' ').next().unwrap_or_default())
        .expect("it can be written");
    let daemon = Daemon::of(&folder, "sestina");
    daemon.signal(Signal::TERM);
    daemon.wait_for_end();
}

// spec: P16-51
#[test]
fn every_signal_that_can_be_caught_takes_the_file_away() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let folder = Folder::new();
        let daemon = folder.fastpoetry(&[]);
        daemon.signal(signal);
        daemon.wait_for_end();
        assert!(!folder.join("sestina.pid").exists(), "{signal:?}: {}", daemon.log());
    }
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    for signal in [Signal::HUP, Signal::USR1, Signal::PIPE] {
        daemon.signal(signal);
    }
    daemon.wait_for_log("reloaded");
    daemon.connect();
    daemon.stop();
    assert!(!folder.join("sestina.pid").exists());
}

// spec: P16-51
#[test]
fn where_the_directory_forbids_it_after_the_drop_the_file_is_emptied() {
    if !is_root("giving up privileges") {
        return;
    }
    let folder = Folder::new(); // it is root's, and nobody may not write there
    let daemon = folder.fastpoetry(&["-u", "65534", "-g", "65534"]);
    let log = daemon.stop();
    assert_eq!(folder.read("sestina.pid"), "");
    assert!(folder.join("sestina.pid").exists());
    assert_eq!(log.matches("cannot be removed").count(), 1, "{log}");
    // An empty file that nobody has locked is stale.
    folder.fastpoetry(&[]).stop();
    assert!(!folder.join("sestina.pid").exists());
}

#[test]
fn of_eight_that_start_at_once_one_runs_and_seven_say_who() {
    for round in 0..rounds(5, 50) {
        let folder = Folder::new();
        let racers: Vec<Program> = (0..RACERS).map(|_| Program::start(folder.sestina(&FAST))).collect();
        let ended: Vec<_> = racers.into_iter().map(Program::wait).collect();
        let daemon = Daemon::of(&folder, "sestina");
        let winners = ended.iter().filter(|ended| ended.code == Some(0)).count();
        assert_eq!(winners, 1, "round {round}: {ended:?}");
        // The launching command's number stands there first, then the daemon's.
        let losers = ended.iter().filter(|ended| {
            ended.code == Some(1) && ended.stderr.contains("another one is running, process ")
        });
        assert_eq!(losers.count(), RACERS - 1, "round {round}: {ended:?}");
        let log = daemon.log();
        assert_eq!(log.matches("starting up").count(), 1, "round {round}: {log}");
        assert!(daemon.is_alive());
        daemon.stop();
        until(|| !folder.join("sestina.pid").exists(), || path(folder.path()).to_owned());
    }
}
