//! Starting detached: the command returns when the service is ready, or says all of what went wrong.

use std::fs;
use std::net::TcpListener;

use crate::common::daemon::{Folder, fails, is_alive, until};
use crate::common::{Program, path, poem, read_all};

// spec: P16-40, P16-52, P16-53, P16-77
#[test]
fn when_the_command_returns_the_poem_is_served() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    assert!(read_all(daemon.connect()) == poem("ecstasy"));
    assert!(folder.join("sestina.log").exists());
    let log = daemon.stop();
    assert!(log.contains("sending 3003 bytes of poetry to 127.0.0.1:"), "{log}"); // spec: P16-55
    assert!(log.trim_end().ends_with("fastpoetry stopped"), "{log}");
    assert!(!folder.join("sestina.pid").exists());
}

// spec: P16-57
#[test]
fn the_next_start_appends_to_the_log() {
    let folder = Folder::new();
    folder.fastpoetry(&[]).stop();
    let log = folder.fastpoetry(&[]).stop();
    assert_eq!(log.matches("starting up").count(), 2, "{log}");
}

// spec: P16-01, P16-02, P16-55, P16-56
#[test]
fn the_daemon_is_alone_in_its_session_without_terminal_and_umask_077() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    // pid (comm) state ppid pgrp session tty
    let stat = daemon.proc("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a state").split_whitespace().collect();
    let pid = daemon.pid.to_string();
    until(|| daemon.status("PPid") != std::process::id().to_string(), || "its parent is the test".to_owned());
    assert_eq!(fields[2], pid, "it leads its group");
    assert_eq!(fields[3], pid, "it leads its session"); // differs from twistd: see differs.md
    assert_eq!(fields[4], "0", "it has no terminal");
    assert_eq!(daemon.status("Umask"), "0077");
    assert_eq!(daemon.proc("comm").trim(), "sestina");
    assert!(daemon.proc("cmdline").contains("fastpoetry\0--poem"), "{}", daemon.proc("cmdline"));
    let cwd = fs::read_link(format!("/proc/{}/cwd", daemon.pid)).expect("it runs");
    assert_eq!(cwd, folder.path());
}

#[test]
fn nothing_that_was_open_is_open_in_the_daemon() {
    let folder = Folder::new();
    // A careless parent passes on two descriptors.
    let script = format!(
        "exec 7<ecstasy.txt 9<ecstasy.txt; exec '{}' fastpoetry --poem ecstasy.txt --port 0",
        env!("CARGO_BIN_EXE_sestina")
    );
    let daemon = folder.start(folder.shell("sh", &script), "sestina");
    let all = daemon.descriptors();
    for (number, what) in &all {
        let expected = match number {
            0..=2 => what == "/dev/null",
            _ => {
                what == path(&folder.join("sestina.pid"))
                    || what == path(&folder.join("sestina.log"))
                    || what.starts_with("socket:")
                    || what.starts_with("anon_inode:")
                    || what.starts_with("pipe:")
                    || what == "/dev/null"
            }
        };
        assert!(expected, "{number} is {what}: {all:?}");
    }
    assert!(all.iter().any(|(_, what)| what.ends_with("sestina.pid")), "{all:?}");
}

#[test]
fn what_systemd_says_to_the_process_is_not_in_the_environment_of_the_daemon() {
    let folder = Folder::new();
    let mut command = folder.sestina(&["-D", "fastpoetry", "--poem", "ecstasy.txt", "--port", "0"]);
    command.env("WATCHDOG_USEC", "60000000").env("LISTEN_FDNAMES", "web").env("MINE", "kept");
    let daemon = folder.start(command, "sestina");
    let environment = daemon.proc("environ");
    assert!(environment.contains("MINE=kept"), "{environment}");
    for variable in ["WATCHDOG_USEC", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] {
        assert!(!environment.contains(variable), "{environment}");
    }
}

#[test]
fn with_env_clear_little_remains_of_the_environment() {
    let folder = Folder::new();
    let mut command = folder.sestina(&["--env-clear", "fastpoetry", "--poem", "ecstasy.txt", "--port", "0"]);
    command.env("SECRET", "x").env("TZ", "UTC");
    let daemon = folder.start(command, "sestina");
    let environment = daemon.proc("environ");
    let names: Vec<&str> =
        environment.split('\0').filter_map(|entry| Some(entry.split_once('=')?.0)).collect();
    assert!(names.iter().all(|name| ["PATH", "LANG", "LC_ALL", "TZ"].contains(name)), "{names:?}");
    assert!(names.contains(&"TZ"), "{names:?}");
}

// spec: P16-86
#[test]
fn umask_rundir_nofile_and_core_are_options() {
    let folder = Folder::new();
    let run = folder.join("run");
    fs::create_dir(&run).expect("a folder");
    fs::copy(folder.join("ecstasy.txt"), run.join("poem")).expect("a poem");
    let options = [
        "--umask",
        "027",
        "-d",
        "run",
        "--pidfile",
        "mine.pid",
        "-l",
        "mine.log",
        "--nofile",
        "64",
        "--core",
        "0",
    ];
    let arguments = [&options[..], &["fastpoetry", "--poem", "poem", "--port", "0"]].concat();
    let ended = Program::run(folder.sestina(&arguments));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    // Files of the runner are where the command was given, those of the service where it runs.
    let daemon = crate::common::daemon::Daemon::of(&folder, "mine");
    assert_eq!(daemon.status("Umask"), "0027");
    let limits = daemon.proc("limits");
    let limit =
        |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(limit("Max open files").contains(" 64 "), "{limits}");
    assert!(limit("Max core file size").split_whitespace().any(|word| word == "0"), "{limits}");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", daemon.pid)).expect("it runs"), run);
    assert!(daemon.stop().contains("64 open descriptors allow 32 connections"));
}

/// Ways in which a start fails: what is wrong, the exit status, the words. Each is tried in the foreground and detached.
fn each_failed_start(try_it: impl Fn(&Folder, &[&str], i32, &str)) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let folder = Folder::new();
    fs::write(folder.join("file"), "").expect("it can be written");
    let fast = |more: &[&'static str]| -> Vec<String> {
        let all = [more, &["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"]].concat();
        all.iter().map(ToString::to_string).collect()
    };
    let cases: Vec<(Vec<String>, i32, &str)> = vec![
        (["fastpoetry", "--poem", "ecstasy.txt", "--port", &port].map(str::to_owned).to_vec(), 1, "in use"),
        (
            ["fastpoetry", "--poem", "missing.txt", "--port", "0"].map(str::to_owned).to_vec(),
            1,
            "missing.txt",
        ),
        (fast(&["-u", "no-such-user"]), 2, "there is no user 'no-such-user': give a name"),
        (fast(&["-g", "no-such-group"]), 2, "there is no group 'no-such-group': give a name"),
        (fast(&["-d", "nowhere"]), 2, "make it first"),
        (fast(&["--chroot", "file"]), 2, "is not a directory"),
        (fast(&["-l", "nowhere/log"]), 1, "nowhere/log': name a file"),
        (fast(&["--pidfile", "nowhere/pid"]), 1, "nowhere/pid': name a file"),
        (fast(&["--pidfile", "file/pid"]), 1, "file/pid"),
        (fast(&["--listen", "nobody=1"]), 2, "no service listens under this name, only fastpoetry"),
        (fast(&["--listen", "fastpoetry=fd:1000"]), 2, "1000: whoever starts this opens it"),
        (fast(&["--listen", "fastpoetry=systemd:web"]), 1, "systemd"),
        (fast(&["--keep-cap", "net_bind_service"]), 2, "--uid"),
    ];
    for (arguments, code, words) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        try_it(&folder, &arguments, code, words);
    }
}

// spec: P16-84
#[test]
fn a_start_that_fails_says_why_in_the_foreground() {
    each_failed_start(|folder, arguments, code, words| {
        fails(folder.sestina(&[&["-n"], arguments].concat()), code, words);
    });
}

// spec: P16-84
#[test]
fn a_start_that_fails_says_the_same_detached_and_leaves_nothing_behind() {
    each_failed_start(|folder, arguments, code, words| {
        let ended = fails(folder.sestina(arguments), code, words);
        assert!(ended.stdout.is_empty());
        assert!(!folder.join("sestina.pid").exists(), "{arguments:?}");
    });
}

/// What a service does wrong in its start, and the words.
const TROUBLES: &[(&str, &str, &str)] = &[
    ("--privileged", "fail", "it does not want to"),
    ("--privileged", "panic", "it panics"),
    ("--privileged", "hang", "mule/mule did not answer its "),
    ("--start", "fail", "it does not want to"),
    ("--start", "panic", "it panics"),
    ("--start", "hang", "mule/mule did not answer its "),
];

#[test]
fn a_service_that_fails_or_hangs_in_its_start_fails_the_command_that_starts_it() {
    for (step, how, words) in TROUBLES {
        for place in ["-n", "-D"] {
            let folder = Folder::new();
            let options = [place, "--start-timeout", "300ms", "--kill-timeout", "1"];
            let command = folder.obstinate(&[&options[..], &["mule", step, how]].concat());
            fails(command, 1, words);
            assert!(!folder.join("obstinate.pid").exists(), "{step} {how} {place}");
        }
    }
}

#[test]
fn a_process_that_ends_or_blocks_before_it_is_ready_is_a_failed_start() {
    let folder = Folder::new();
    fails(folder.obstinate(&["mule", "--start", "exit"]), 1, "it ended before it was ready, with status 7");
    // A loop that is not given back answers nobody: the launching command kills it.
    let options = ["--start-timeout", "100ms", "--kill-timeout", "100ms"];
    let ended =
        fails(folder.obstinate(&[&options[..], &["mule", "--start", "block"]].concat()), 1, "was killed");
    assert!(!folder.join("obstinate.pid").exists(), "{ended:?}");
    let log = folder.read("obstinate.log");
    let pid = log
        .lines()
        .rfind(|line| line.contains("starting up, process "))
        .and_then(|line| line.rsplit(' ').next());
    let pid = pid.and_then(|pid| pid.parse().ok()).expect("the log has its number");
    assert!(!is_alive(pid));
}

#[test]
fn the_log_of_a_daemon_has_the_cause_too() {
    let folder = Folder::new();
    fails(folder.sestina(&["fastpoetry", "--poem", "missing.txt", "--port", "0"]), 1, "missing.txt");
    let log = folder.read("sestina.log");
    assert!(log.contains("[sestina#error] fastpoetry failed: ") && log.contains("missing.txt"), "{log}");
}

#[test]
fn when_the_launching_command_is_killed_the_process_that_it_started_ends() {
    let folder = Folder::new();
    let launcher = Program::start(folder.obstinate(&["--start-timeout", "1h", "mule", "--start", "hang"]));
    until(|| folder.read("obstinate.log").contains("starting mule"), || "it does not start".to_owned());
    let daemon = crate::common::daemon::Daemon::of(&folder, "obstinate");
    launcher.signal(rustix::process::Signal::KILL);
    assert_eq!(launcher.wait().signal, Some(9));
    daemon.wait_for_end();
    assert!(!folder.join("obstinate.pid").exists());
}

// spec: P16-53
#[test]
fn a_daemon_has_no_standard_output_for_its_log() {
    let folder = Folder::new();
    fails(
        folder.sestina(&["-l", "-", "fastpoetry", "--poem", "ecstasy.txt", "--port", "0"]),
        2,
        "standard output",
    );
}

#[test]
fn under_a_service_manager_it_stays_in_the_foreground_unless_told_otherwise() {
    let folder = Folder::new();
    let arguments = ["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];
    let mut command = folder.sestina(&arguments);
    command.env("INVOCATION_ID", "1f");
    let mut program = Program::start(command);
    program.wait_for_line(|line| line.contains("is ready"));
    program.signal(rustix::process::Signal::TERM);
    assert_eq!(program.wait().code, Some(0));
    assert!(!folder.join("sestina.pid").exists());
    let mut command = folder.sestina(&[&["-D"], &arguments[..]].concat());
    command.env("INVOCATION_ID", "1f");
    folder.start(command, "sestina").stop();
}

#[test]
fn a_socket_as_standard_input_makes_nobody_a_daemon() {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let folder = Folder::new();
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    // The beginning of the runner's own message, from somebody who has read its source: the rest does not fit.
    ours.write_all(b"sestina-detach-2\0\0\0\0").expect("it is open");
    let mut command = folder.sestina(&["--version"]);
    command.stdin(OwnedFd::from(theirs));
    let output = command.output().expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not for this process"), "{output:?}");
    // Anything else in it is nobody's business.
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    ours.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it is open");
    let mut command = folder.sestina(&["--version"]);
    command.stdin(OwnedFd::from(theirs));
    assert!(command.output().expect("it runs").status.success());
}
