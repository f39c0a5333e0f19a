//! `--emit-unit`, judged by systemd itself where it is installed.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;

use crate::common::handed::Folder;
use crate::common::{Program, path, poem_file, require, sestina};

/// What is printed for these arguments.
#[track_caller]
fn emitted(arguments: &[&str]) -> String {
    let mut command = sestina();
    command.args(arguments);
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty());
    String::from_utf8(ended.stdout).expect("units are text")
}

/// The values of a key.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// Writes each unit into a file of its own, by the name in its first line. Gives the paths.
fn split(folder: &Folder, text: &str) -> Vec<String> {
    let mut paths = Vec::<String>::new();
    for line in text.lines() {
        let name =
            line.strip_prefix("# ").filter(|name| name.ends_with(".service") || name.ends_with(".socket"));
        paths.extend(name.map(|name| folder.path(name)));
        let file = paths.last().expect("the first line names the unit");
        let old = fs::read_to_string(file).unwrap_or_default();
        fs::write(file, format!("{old}{line}\n")).expect("the folder is ours");
    }
    paths
}

fn has_systemd() -> bool {
    let mut probe = Command::new("systemd-analyze");
    probe.arg("--version");
    require("systemd-analyze", probe)
}

/// Judges units where systemd is; gives the exposure of the first.
fn judged(folder: &Folder, text: &str) -> f64 {
    let paths = split(folder, text);
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]).args(&paths);
    let ended = Program::run(verify);
    let about_ours =
        ended.stderr.lines().filter(|line| paths.iter().any(|path| line.contains(path.as_str())));
    assert_eq!(about_ours.collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=yes", "--no-pager", &paths[0]]);
    let ended = Program::run(security);
    let report = String::from_utf8_lossy(&ended.stdout).into_owned();
    let level =
        report.lines().find_map(|line| line.split_once("Overall exposure level for ")?.1.split_once(": "));
    let level = level.and_then(|(_, level)| level.split(' ').next()?.parse().ok());
    level.unwrap_or_else(|| panic!("{report}{}", ended.stderr))
}

#[test]
fn a_service_unit_and_a_socket_unit_belong_together() {
    let poem = poem_file("fascination");
    let text = emitted(&["--emit-unit", "fastpoetry", "--port", "10080", "--poem", path(&poem)]);
    let (service, socket) = text.split_once("\n# sestina-fastpoetry.socket\n").expect("two units");
    assert!(service.starts_with("# sestina-fastpoetry.service\n[Unit]\n"), "{service}");
    let start = format!(
        "{} --listen=fastpoetry=systemd:fastpoetry fastpoetry --port 10080 --poem {}",
        path(&Path::new(env!("CARGO_BIN_EXE_sestina")).canonicalize().unwrap()),
        path(&poem)
    );
    assert_eq!(values(service, "ExecStart"), [start]);
    assert_eq!(values(service, "Type"), ["notify"]);
    assert!(service.contains("\n#Type=notify-reload\n"));
    assert_eq!(values(service, "Requires"), ["sestina-fastpoetry.socket"]);
    assert_eq!(values(service, "KillMode"), ["mixed"]);
    for (key, value) in [
        ("DynamicUser", "yes"),
        ("WatchdogSec", "30s"),
        ("TimeoutStopSec", "45s"),
        ("TimeoutStartSec", "35s"),
    ] {
        assert_eq!(values(service, key), [value], "{key}");
    }
    assert_eq!(values(socket, "ListenStream"), ["127.0.0.1:10080"]);
    assert_eq!(values(socket, "FileDescriptorName"), ["fastpoetry"]);
    assert_eq!(values(socket, "Service"), ["sestina-fastpoetry.service"]);
    let alone = |kind: &str| {
        emitted(&[&format!("--emit-unit={kind}"), "fastpoetry", "--port", "10080", "--poem", path(&poem)])
    };
    assert_eq!(format!("{}\n{}", alone("service"), alone("socket")), text);
}

#[test]
fn systemd_finds_nothing_wrong_and_little_exposed() {
    if !has_systemd() {
        return;
    }
    let folder = Folder::new("unit");
    let poem = poem_file("fascination");
    let text = emitted(&["--emit-unit", "fastpoetry", "--port", "10080", "--poem", path(&poem)]);
    let exposure = judged(&folder, &text);
    assert!(exposure <= 1.2, "{exposure}");
    let options = ["--emit-unit", "--uid", "daemon", "--gid", "daemon", "--keep-cap", "net_bind_service"];
    let text = emitted(&[&options[..], &["poetryproxy", "--port", "10081", "127.0.0.1:10080"]].concat());
    assert_eq!(values(&text, "User"), ["daemon"]);
    assert_eq!(values(&text, "AmbientCapabilities"), ["CAP_NET_BIND_SERVICE"]);
    let exposure = judged(&folder, &text);
    assert!(exposure <= 1.6, "{exposure}");
}

/// systemd's own parser gives back the bytes that were given.
#[test]
fn every_argument_reaches_the_program_as_it_was_given() {
    let folder = Folder::new("unit-words");
    let hostile = folder.path("100% $HOME \"it's\" \\n; é");
    fs::write(&hostile, "poem").unwrap();
    let text = emitted(&[
        "--emit-unit",
        "--log-level",
        "info,a=debug",
        "fastpoetry",
        "--port",
        "1",
        "--poem",
        &hostile,
    ]);
    let start = values(&text, "ExecStart")[0];
    let quoted = r#"/100%% $$HOME \"it's\" \\n; \xc3\xa9""#;
    assert!(start.ends_with(quoted) && start.contains(" --log-level=info,a=debug "), "{start}");
    if has_systemd() {
        judged(&folder, &text);
    }
    let raw = std::ffi::OsString::from_vec(b"/poem\xff\n".to_vec());
    let mut command = sestina();
    command.args(["--emit-unit=service", "fastpoetry", "--poem"]).arg(raw);
    let ended = Program::run(command);
    assert!(String::from_utf8(ended.stdout).unwrap().contains(r#"--poem "/poem\xff\n""#), "{}", ended.stderr);
}

#[test]
fn what_a_unit_says_better_is_left_out_of_the_command_line() {
    let poem = poem_file("fascination");
    let given = [
        "-n",
        "-l",
        "fastpoetry",
        "--pidfile",
        "x.pid",
        "--umask",
        "027",
        "--nofile",
        "4096",
        "--core",
        "7",
        "--drain-timeout",
        "500ms",
        "--watchdog",
        "off",
        "--emit-unit",
        "--listen",
        "fastpoetry=unix:/run/poem:mode=660",
        "fastpoetry",
        "--poem",
    ];
    let text = emitted(&[&given[..], &[path(&poem)]].concat());
    let start = values(&text, "ExecStart")[0];
    let (_, words) = start.split_once(' ').unwrap();
    let expected =
        "--drain-timeout=500ms --watchdog=off --listen=fastpoetry=systemd:fastpoetry fastpoetry --poem ";
    assert_eq!(words, format!("{expected}{}", path(&poem)));
    for (key, value) in [
        ("UMask", "0027"),
        ("LimitNOFILE", "4096"),
        ("LimitCORE", "7"),
        ("TimeoutStopSec", "16s"),
        ("ListenStream", "/run/poem"),
        ("SocketMode", "0660"),
    ] {
        assert_eq!(values(&text, key), [value], "{key}");
    }
    assert!(values(&text, "WatchdogSec").is_empty() && text.contains("# The log goes to the journal"));
}

#[test]
fn what_no_unit_can_say_is_refused() {
    let poem = poem_file("fascination");
    for (options, words) in [
        (&["--chroot", "/", "--emit-unit", "fastpoetry", "--poem"][..], "systemd has RootDirectory="),
        (&["--emit-unit", "fastpoetry", "--port", "0", "--poem"], "give a port, not 0"),
        (&["--emit-unit=timer", "fastpoetry", "--poem"], "'timer' is not one of all, service, socket"),
    ] {
        let mut command = sestina();
        command.args(options).arg(&poem);
        let ended = Program::run(command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}
