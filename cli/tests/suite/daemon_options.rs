//! Options of twistd that are refused, checks without side effects, and the plan in print.

use std::net::TcpListener;
use std::path::Path;

use crate::common::daemon::{Folder, fails};
use crate::common::{Program, sestina};

const FAST: [&str; 5] = ["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];

fn says(folder: &Folder, arguments: &[&str]) -> String {
    let ended = Program::run(folder.sestina(arguments));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(ended.stdout).expect("it says text")
}

fn only_the_poem(folder: &Folder) {
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("it is there")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(names, [Path::new("ecstasy.txt")], "nothing was made");
}

// spec: P16-86
#[test]
fn options_of_twistd_that_there_are_not_say_why_in_one_line() {
    let refused = [
        (&["-b"][..], "debugger"),
        (&["--debug"], "debugger"),
        (&["-p", "out"], "profile the process from outside"),
        (&["--profile=out"], "profile the process from outside"),
        (&["--profiler", "cprofile"], "profile the process from outside"),
        (&["--savestats"], "profile the process from outside"),
        (&["--spew"], "--log-level trace"),
        (&["-e"], "no pickled applications"),
        (&["--encrypted"], "no pickled applications"),
        (&["-s", "x.tas"], "TOML"),
        (&["-f", "x.tap"], "TOML"),
        (&["--file=x.tap"], "TOML"),
        (&["--euid"], "--keep-cap"),
        (&["--logger", "x.y"], "function of Python"),
        (&["-r", "epoll"], "there is no reactor 'epoll', only mio"),
        (&["--reactor=asyncio"], "there is no reactor 'asyncio', only mio"),
    ];
    let folder = Folder::new();
    for (option, why) in refused {
        let ended = fails(folder.sestina(&[option, &FAST[..]].concat()), 2, why);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    only_the_poem(&folder);
}

#[test]
fn what_is_not_there_yet_is_neither_accepted_nor_in_the_help() {
    let folder = Folder::new();
    let help = says(&folder, &["--help"]);
    for option in [
        "--upgrade",
        "--workers",
        "--worker-restart-max",
        "--set-title",
        "--originalname",
        "--control",
        "--metrics",
    ] {
        fails(folder.sestina(&[&[option], &FAST[..]].concat()), 2, "there is no option");
        assert!(!help.contains(option), "{option}");
    }
}

#[test]
fn mio_and_no_save_are_accepted_and_the_reactors_are_listed() {
    let folder = Folder::new();
    for options in [&["-r", "mio", "-o"][..], &["--reactor=mio", "--no_save"]] {
        let text = says(&folder, &[options, &["--check"], &FAST[..]].concat());
        assert!(text.contains("all is well"), "{text}");
    }
    assert!(says(&folder, &["--help-reactors"]).contains("mio"));
    let version = Program::run({
        let mut command = sestina();
        command.arg("--version");
        command
    });
    assert_eq!(version.code, Some(0));
}

#[test]
fn mistyped_options_are_suggested() {
    let folder = Folder::new();
    for (wrong, right) in
        [("--nodeamon", "--nodaemon"), ("--pid-file=x", "--pidfile"), ("--drain-timout=1", "--drain-timeout")]
    {
        fails(folder.sestina(&[&[wrong], &FAST[..]].concat()), 2, &format!("did you mean '{right}'?"));
    }
    fails(folder.sestina(&[&["--umask", "999"], &FAST[..]].concat()), 2, "octal");
    fails(folder.sestina(&[&["-n", "-D"], &FAST[..]].concat()), 2, "do not go together");
    fails(folder.sestina(&[&["--listen", "fastpoetry"], &FAST[..]].concat()), 2, "NAME=ADDR");
    fails(folder.sestina(&["--stop", "--status"]), 2, "do not go together");
    fails(folder.sestina(&[&["--check-bind"], &FAST[..]].concat()), 2, "--check");
}

#[test]
fn a_check_starts_nothing_and_opens_nothing() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let busy = ["fastpoetry", "--poem", "ecstasy.txt", "--port", &port];
    assert_eq!(says(&folder, &[&["--check"], &FAST[..]].concat()), "sestina fastpoetry: all is well\n");
    says(&folder, &[&["-t"], &busy[..]].concat());
    says(&folder, &[&["--check", "--check-bind"], &FAST[..]].concat());
    fails(folder.sestina(&[&["--check", "--check-bind"], &busy[..]].concat()), 1, "in use");
    fails(folder.sestina(&[&["--check", "-u", "no-such-user"], &FAST[..]].concat()), 2, "no user");
    fails(folder.sestina(&["--check", "poetryproxy", "10000"]), 2, "fetch from itself");
    fails(
        folder.sestina(&["--check", "fastpoetry", "--poem", "missing.txt"]),
        1,
        "missing.txt': check the path",
    );
    fails(
        folder.sestina(&[&["--notify", "fd:5", "--check"], &FAST[..]].concat()),
        2,
        "is for the foreground",
    );
    only_the_poem(&folder);
}

#[test]
fn the_plan_is_printed_with_absolute_paths_and_numbers() {
    let folder = Folder::new();
    let options =
        ["--dump-config", "-u", "54321", "-g", "54321", "--drain-timeout", "2m", "--pidfile", "run.pid"];
    let text = says(&folder, &[&options[..], &FAST[..]].concat());
    let here = folder.path().display().to_string();
    for line in [
        "runs = fastpoetry".to_owned(),
        "place = detached".to_owned(),
        format!("rundir = {here}"),
        format!("pidfile = {here}/run.pid"),
        "umask = 077".to_owned(),
        "uid = 54321".to_owned(),
        "groups = 54321".to_owned(),
        "no-new-privs = true".to_owned(),
        "drain-timeout = 120s".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in {text}");
    }
    assert!(says(&folder, &[&["--dump-config", "-n"], &FAST[..]].concat()).contains("place = foreground\n"));
    only_the_poem(&folder);
}

#[test]
fn of_an_option_that_is_given_twice_the_later_one_counts() {
    let folder = Folder::new();
    let text = says(&folder, &[&["--dump-config", "--umask", "022", "--umask", "027"], &FAST[..]].concat());
    assert!(text.contains("umask = 027\n"), "{text}");
}
