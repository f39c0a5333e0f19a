//! Applications as data: the examples of the introduction's exercises, what is refused and how, and the schema.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::common::daemon::{Folder, fails};
use crate::common::{Program, connect, path, poem, read_all, require};
use rustix::process::Signal;

fn example(name: &str) -> String {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/part16");
    fs::read_to_string(examples.join(name)).expect("the example is there")
}

/// The folder in which `sestina -y examples/part16/...` runs.
fn root() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("it is there")
}

/// An application in the foreground.
struct Application {
    program: Program,
    at: Vec<SocketAddr>,
}

impl Application {
    /// Starts it, and waits until it listens at so many places.
    #[track_caller]
    fn start(command: Command, places: usize) -> Self {
        let mut program = Program::start(command);
        let mut at = Vec::new();
        while at.len() < places {
            let line = program
                .wait_for_line(|line| line.contains("[sestina#info]") && line.contains(" listening on "));
            at.push(line.rsplit(' ').next().and_then(|at| at.parse().ok()).expect("an address"));
        }
        Self { program, at }
    }

    fn fetch(&self, place: usize) -> Vec<u8> {
        read_all(connect(self.at[place]))
    }

    #[track_caller]
    fn stop(self) -> String {
        self.program.stop()
    }
}

// spec: P16-20, P16-21, P16-27, P16-30, P16-31, P16-79
#[test]
fn two_poems_on_two_ports() {
    let folder = Folder::new();
    let file = folder.join("two-poems.toml");
    let text =
        example("two-poems.toml").replace("port = 10000", "port = 0").replace("port = 10001", "port = 0");
    fs::write(&file, text).expect("it is ours");
    let mut command = folder.sestina(&["--nodaemon", "--python", path(&file)]);
    command.current_dir(root());
    let application = Application::start(command, 2);
    assert!(application.fetch(0) == poem("ecstasy"));
    assert!(application.fetch(1) == poem("science"));
    let log = application.stop();
    let loading = log.find("loading /").expect("it says what it loads");
    let loaded = log.find("loaded /").expect("it says that it has");
    assert!(loading < loaded && log.contains("two-poems.toml: 2 services"), "{log}");
    assert!(log.trim_end().ends_with("two-poems stopped"), "{log}");
}

// spec: P16-80
#[test]
fn a_proxy_and_the_poet_behind_it() {
    let folder = Folder::new();
    // The proxy must know the poet's port before there is one: a poet of the test stands in for it there.
    let poet = crate::common::Server::fast("ecstasy");
    let file = folder.join("proxy.toml");
    let text = example("proxy.toml").replace("port = 10000", "port = 0").replace("port = 10001", "port = 0");
    fs::write(&file, text.replace("poet = 10001", &format!("poet = {}", poet.port()))).expect("it is ours");
    let mut command = folder.sestina(&["-n", "-y", path(&file)]);
    command.current_dir(root());
    let application = Application::start(command, 2);
    assert!(application.fetch(1) == poem("ecstasy"));
    assert!(application.stop().trim_end().ends_with("poetry stopped"), "the file says its name");
}

#[test]
fn the_examples_are_right_as_they_stand() {
    for name in ["two-poems.toml", "proxy.toml"] {
        let mut command = crate::common::sestina();
        command.current_dir(root()).args(["--check", "-y", &format!("examples/part16/{name}")]);
        let ended = Program::run(command);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}");
    }
}

const MISTAKEN: &str = "\
[services.ecstasy]
plugin = \"fastpoety\"
poem = \"ecstasy.txt\"

[services.other]
plugin = \"fastpoetry\"
port = 70000

[services.proxy]
plugin = \"poetryproxy\"
poet = \"localhost:10000\"
";

#[test]
fn all_mistakes_are_told_at_once_with_their_lines_and_nothing_is_started() {
    let folder = Folder::new();
    fs::write(folder.join("app.toml"), MISTAKEN).expect("it is ours");
    for options in [&["--check", "-y", "app.toml"][..], &["-n", "-y", "app.toml"], &["-y", "app.toml"]] {
        let ended = Program::run(folder.sestina(options));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert!(
            lines[0].starts_with("app.toml:2:10: there is no plugin 'fastpoety': did you mean 'fastpoetry'?"),
            "{}",
            ended.stderr
        );
        assert_eq!(lines[1..3], ["  2 | plugin = \"fastpoety\"", "    |          ^^^^^^^^^^^"]);
        assert!(lines[3].starts_with("app.toml:7:8: port: "), "{}", ended.stderr);
        assert_eq!(lines[6], "sestina: the application file 'app.toml' has 2 mistakes");
    }
    // What only the plugin knows has its line too.
    let text = MISTAKEN.replace("fastpoety", "fastpoetry").replace("port = 70000", "poem = \"ecstasy.txt\"");
    fs::write(folder.join("app.toml"), text).expect("it is ours");
    let ended = fails(folder.sestina(&["-n", "-y", "app.toml"]), 2, "it would fetch from itself");
    assert!(ended.stderr.starts_with("app.toml:9:11: "), "{}", ended.stderr);
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("it is ours").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn plugins_that_are_programs_of_their_own_have_files_of_their_own() {
    let folder = Folder::new();
    fs::write(folder.join("app.toml"), "[services.x]\nplugin = \"ant\"\n").expect("it is ours");
    let ended = fails(folder.sestina(&["-n", "-y", "app.toml"]), 2, "1 mistake");
    assert!(
        ended.stderr.starts_with("app.toml:2:10: the plugin 'ant' is not linked into sestina"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("run 'sestina-ant -y app.toml'"), "{}", ended.stderr);
}

// spec: P16-22, P16-29, P16-67
#[test]
fn what_is_no_application_file_is_refused_with_a_hint() {
    let folder = Folder::new();
    fs::write(folder.join("fast.tac"), "application = 1").expect("it is ours");
    fs::write(folder.join("long.toml"), " ".repeat((1 << 20) + 1)).expect("it is ours");
    fs::write(folder.join("latin.toml"), b"name = \"caf\xe9\"").expect("it is ours");
    fs::write(folder.join("empty.toml"), "").expect("it is ours");
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("pipe.toml"), rustix::fs::Mode::RWXU)
        .expect("it is ours");
    for (name, code, words) in [
        ("fast.tac", 2, "is a Python program, and is not run: describe the application in a TOML file"),
        ("fast.PY", 2, "is a Python program"),
        ("gone.toml", 6, "cannot read the application file 'gone.toml': check its path"),
        (".", 6, "is a directory"),
        ("pipe.toml", 6, "is a pipe"),
        ("long.toml", 6, "is longer than 1048576 bytes"),
        ("latin.toml", 2, "has 1 mistake"),
        ("empty.toml", 2, "has 1 mistake"),
    ] {
        fails(folder.sestina(&["-n", "-y", name]), code, words);
        fails(folder.sestina(&["--check", "-y", name]), code, words);
    }
    fails(folder.sestina(&["-n", "-y", "empty.toml", "fastpoetry", "--poem", "x"]), 2, "do not go together");
}

const ONE: &str = "[services.ecstasy]\nplugin = \"fastpoetry\"\npoem = \"ecstasy.txt\"\nport = 0\n";

#[test]
fn the_file_says_how_the_runner_runs_and_the_command_line_wins() {
    let folder = Folder::new();
    let settings = "[runner]\nnodaemon = true\npidfile = \"own.pid\"\n[log]\nlogfile = \"own.log\"\n";
    fs::write(folder.join("app.toml"), format!("{ONE}{settings}")).expect("it is ours");
    let mut program = Program::start(folder.sestina(&["-y", "app.toml", "-l", "-"]));
    crate::common::daemon::until(|| folder.join("own.pid").exists(), || "no pid file".to_owned());
    program.close_stderr();
    program.signal(Signal::TERM);
    let ended = program.wait();
    assert_eq!(ended.code, Some(0));
    assert!(!folder.join("own.log").exists(), "the command line has another");
    assert!(String::from_utf8_lossy(&ended.stdout).contains("app stopped"));
    // Against each other: the command line's is meant.
    let daemon = folder.start(
        folder.sestina(&["-D", "-y", "app.toml", "--pidfile", "sestina.pid", "-l", "sestina.log"]),
        "sestina",
    );
    assert!(read_all(daemon.connect()) == poem("ecstasy"));
    daemon.stop();
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let ended = Program::run(Folder::new().sestina(&["--app-schema"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
    for plugin in ["fastpoetry", "slowpoetry", "poetryproxy", "transform", "transformproxy"] {
        let of_it = &schema["$defs"][format!("plugin-{plugin}")]["properties"];
        assert_eq!(of_it["plugin"]["const"], plugin);
        assert!(of_it["port"]["description"].is_string(), "{plugin}");
    }
    let mut python = Command::new("python3");
    python.args(["-c", "import jsonschema, tomllib"]);
    if !require("python3-jsonschema", python) {
        return;
    }
    let program = "\
import json, jsonschema, sys, tomllib
schema, *files = json.loads(sys.stdin.read())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(json.dumps([validator.is_valid(tomllib.loads(file)) for file in files]))
";
    let no_poem = ONE.replace("poem = \"ecstasy.txt\"\n", "");
    let files = [
        (true, example("two-poems.toml")),
        (true, example("proxy.toml")),
        (true, ONE.to_owned()),
        (true, format!("{no_poem}options = {{ poem = \"x\" }}\n")),
        (false, no_poem),
        (false, MISTAKEN.to_owned()),
        (false, ONE.replace("port = 0", "port = -1")),
        (false, ONE.replace("port = 0", "prot = 0")),
        (false, format!("{ONE}restart = \"always\"\n")),
        (false, format!("{ONE}[runner]\ncheck = true\n")),
        (false, String::new()),
    ];
    let mut input = vec![schema];
    input.extend(files.iter().map(|(_, text)| serde_json::Value::from(text.as_str())));
    let input = serde_json::Value::from(input);
    let mut python = Command::new("python3");
    python.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("there is a python");
    child.stdin.take().expect("it listens").write_all(input.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let valid: Vec<bool> = serde_json::from_slice(&output.stdout).expect("it answers");
    for ((expected, text), valid) in files.iter().zip(valid) {
        assert_eq!(valid, *expected, "{text}");
    }
}
