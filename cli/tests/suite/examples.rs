//! The examples in the help run as printed, with ports that are free instead of the printed ones.

use std::process::Command;

use crate::common::{Program, Server, get_poetry, path, poem, poem_file, require, scratch, sestina};

/// The commands of a help text's examples, without what is said about them.
fn examples(mut command: Command, arguments: &[&str]) -> Vec<String> {
    command.args(arguments).arg("--help");
    let help = String::from_utf8(Program::run(command).stdout).expect("help is text");
    let (_, text) = help.split_once("\nExample").expect("there are examples");
    let text: String = text.split("\\\n").map(str::trim_start).collect(); // what goes on in the next line
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = lines.filter(|line| line.starts_with("sestina ") || line.starts_with("get-poetry "));
    commands.map(|line| line.split("   ").next().unwrap_or_default().to_owned()).collect()
}

/// Starts a server as the example says, but on a free port and with the poems of the house wherever we are.
fn start(example: &str, poet: &str) -> Server {
    let words: Vec<&str> = example.split(' ').collect();
    let [_, "-n", plugin, arguments @ ..] = words.as_slice() else { panic!("another form: {example}") };
    let mut given: Vec<String> = Vec::new();
    let folder = scratch("examples-of-operators");
    for argument in arguments {
        let is_port = given.last().is_some_and(|last| last == "--port");
        given.push(match *argument {
            _ if is_port => "0".to_owned(),
            "proxy.sock" | "kept" => path(&folder.with_extension(argument.replace('.', "-"))).to_owned(),
            "10001" => poet.to_owned(),
            upstream if upstream.contains('@') => {
                let name = upstream.split('=').next().unwrap_or_default();
                format!("{name}={poet}@0")
            }
            file if file.starts_with("poetry/poems/") => {
                let title = file.trim_start_matches("poetry/poems/").trim_end_matches(".txt");
                path(&poem_file(title)).to_owned()
            }
            other => other.to_owned(),
        });
    }
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    Server::start(plugin, &given)
}

// spec: P16-62, P16-82
#[test]
fn the_examples_of_the_plugins_start() {
    let poet = Server::fast("science");
    let mut count = 0;
    for plugin in ["fastpoetry", "slowpoetry", "poetryproxy", "transform", "transformproxy"] {
        let servers = examples(sestina(), &[plugin]);
        for example in servers.iter().filter(|example| example.starts_with("sestina -n ")) {
            start(example, &poet.port()).stop();
            count += 1;
        }
    }
    assert_eq!(count, 10);
}

#[test]
fn the_examples_of_get_poetry_fetch() {
    let (v4, file) = (Server::fast("science"), poem_file("science"));
    let arguments = ["--poem", path(&file), "--port", "0", "--iface", "::1"];
    let has_v6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let v6 = has_v6.then(|| Server::start("fastpoetry", &arguments));
    let service = Server::start("transform", &["--port", "0"]);
    let examples = examples(get_poetry(), &[]);
    assert_eq!(examples.len(), 7, "{examples:?}");
    let folder = scratch("examples-of-get-poetry");
    std::fs::create_dir(&folder).unwrap();
    for example in examples {
        let is_v6 = example.contains("[::1]");
        let server = if is_v6 { v6.as_ref() } else { Some(&v4) };
        let Some(server) = server else { continue };
        let line = example.replace("--transform 10000", &format!("--transform {}", service.port()));
        let mut line = line.replace("> poem.txt", "");
        for port in ["10000", "10001", "10002", "10003"] {
            line = line.replace(port, &server.port());
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &line.replace("get-poetry", "\"$0\""), env!("CARGO_BIN_EXE_get-poetry")]);
        shell.current_dir(&folder);
        let ended = Program::run(shell);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{line}");
        let poems = if line.contains("--race") { 1 } else { line.matches(&server.port()).count() };
        let expected = match () {
            () if line.contains("--transform") => poem("science").to_ascii_lowercase(),
            () if line.contains("--json") => {
                assert_eq!(ended.stdout.iter().filter(|byte| **byte == b'\n').count(), poems);
                assert_eq!(std::fs::read_dir(folder.join("poems")).unwrap().count(), poems);
                continue;
            }
            () => poem("science").repeat(poems),
        };
        assert!(ended.stdout == expected, "{line}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_examples_of_transform_ask_it() {
    let mut help = sestina();
    help.args(["transform", "--help"]);
    let help = String::from_utf8(Program::run(help).stdout).expect("help is text");
    let lines: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert!(lines.contains(&"sestina transform --list"), "{help}");
    let ask = lines.iter().find(|line| line.starts_with("printf ")).expect("an example that asks");
    let mut probe = Command::new("sh");
    probe.args(["-c", "command -v nc"]);
    if require("nc", probe) {
        let server = Server::start("transform", &["--port", "0"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &ask.replace("11000", &server.port())]);
        let ended = Program::run(shell);
        assert_eq!((ended.code, &*ended.stderr, &*ended.stdout), (Some(0), "", &b"15:here is my poem,"[..]));
        server.stop();
    }
}
