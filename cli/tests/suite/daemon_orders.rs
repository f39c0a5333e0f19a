//! Orders to a daemon that runs: `--stop`, `--status`, `--reload`, `--reopen`.

use std::fs;

use crate::common::daemon::{Folder, fails};
use crate::common::{Program, path};

fn says(folder: &Folder, arguments: &[&str], code: i32) -> String {
    let ended = Program::run(folder.sestina(arguments));
    assert_eq!(ended.code, Some(code), "{ended:?}");
    String::from_utf8(ended.stdout).expect("it says text") + &ended.stderr
}

#[test]
fn status_says_who_runs_and_3_if_nobody_does() {
    let folder = Folder::new();
    assert_eq!(says(&folder, &["--status"], 3), "sestina: not running\n");
    let daemon = folder.fastpoetry(&[]);
    assert_eq!(says(&folder, &["--status"], 0), format!("sestina: running, process {}\n", daemon.pid));
    daemon.signal(rustix::process::Signal::KILL);
    daemon.wait_for_end();
    assert_eq!(says(&folder, &["--status"], 3), "sestina: not running (its pid file is stale)\n");
}

#[test]
fn stop_returns_when_it_has_ended_and_7_if_nobody_runs() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    assert_eq!(says(&folder, &["--stop"], 0), format!("sestina: stopped, process {}\n", daemon.pid));
    assert!(!folder.join("sestina.pid").exists());
    daemon.wait_for_end();
    for order in ["--stop", "--reload", "--reopen"] {
        let ended = fails(folder.sestina(&[order]), 7, "not running");
        let looked_at = folder.join("sestina.pid");
        assert!(ended.stderr.contains(path(&looked_at)), "it says where it has looked: {}", ended.stderr);
    }
}

#[test]
fn stop_finds_the_daemon_of_another_directory_and_file() {
    let folder = Folder::new();
    fs::create_dir(folder.join("run")).expect("a folder");
    let ended = Program::run(folder.sestina(&[
        "-d",
        "run",
        "--pidfile",
        "my.pid",
        "fastpoetry",
        "--poem",
        "../ecstasy.txt",
        "--port",
        "0",
    ]));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    says(&folder, &["--pidfile", "my.pid", "--status"], 0);
    says(&folder, &["--pidfile", "my.pid", "--stop"], 0);
    assert_eq!(
        Program::run(folder.sestina(&["-d", "run", "fastpoetry", "--poem", "../ecstasy.txt", "--port", "0"]))
            .code,
        Some(0)
    );
    says(&folder, &["-d", "run", "--stop"], 0);
    fails(folder.sestina(&["--pidfile=", "--stop"]), 2, "pid file");
}

#[test]
fn reload_waits_and_reports_what_became_of_it() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    for _ in 0..3 {
        assert_eq!(says(&folder, &["--reload"], 0), "sestina: reloaded\n");
    }
    assert_eq!(daemon.log().matches("#info] reloaded").count(), 3);
    // `kill $(cat sestina.pid)` still works.
    assert_eq!(folder.read("sestina.pid").trim(), daemon.pid.to_string());
    daemon.stop();
    let mule = folder.start(folder.obstinate(&["mule", "--reload", "fail"]), "obstinate");
    let ended = Program::run(folder.obstinate(&["--reload"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the reload failed, and has changed nothing"), "{}", ended.stderr);
    assert_eq!(folder.read("obstinate.pid").trim(), mule.pid.to_string());
    // What failed once is no hindrance: the file knows the last one only.
    assert_eq!(Program::run(folder.obstinate(&["--reopen"])).code, Some(0));
}

#[test]
fn reopen_makes_the_log_go_on_in_a_new_file() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    fs::rename(folder.join("sestina.log"), folder.join("moved.log")).expect("it is there");
    assert_eq!(says(&folder, &["--reopen"], 0), "sestina: opened its log again\n");
    assert!(folder.join("sestina.log").exists());
    let moved = folder.read("moved.log");
    assert!(moved.contains("starting up"), "{moved}");
    let log = daemon.stop();
    assert!(log.contains("fastpoetry stopped") && !log.contains("starting up"), "{log}");
}

#[test]
fn a_daemon_that_does_not_end_in_time_is_reported_and_not_killed() {
    let folder = Folder::new();
    let mule =
        folder.start(folder.obstinate(&["--kill-timeout", "1h", "mule", "--stop", "hang"]), "obstinate");
    // The order has time limits of its own, beyond which it waits no more than a few seconds.
    let ended = Program::run(folder.obstinate(&["--drain-timeout", "0", "--kill-timeout", "0", "--stop"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("has not ended within"), "{}", ended.stderr);
    assert!(mule.is_alive());
}
