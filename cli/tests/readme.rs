//! The commands of the README and of the book, run as they stand there, with free ports in the place of the ports that are
//! printed.

mod common;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use common::{Program, get_poetry, require, sestina};

/// The blocks of commands on a page.
fn blocks(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("the page is there");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cli lies in the repository")
}

/// One free port for each that is printed. The system gives a port again only after many others.
fn free_ports(block: &str) -> BTreeMap<String, String> {
    let is_port = |word: &&str| word.len() == 5 && word.parse::<u16>().is_ok_and(|port| port >= 10_000);
    let printed = block.split(|character: char| !character.is_ascii_digit()).filter(is_port);
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    printed.map(|port| (port.to_owned(), free().expect("a port is free").port().to_string())).collect()
}

fn command(line: &str) -> Command {
    if line.contains('|') {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(root());
        return shell;
    }
    let mut words = line.split_whitespace();
    let mut command = match words.next().expect("no line is empty") {
        "sestina" => sestina(),
        "get-poetry" => get_poetry(),
        other => Command::new(other),
    };
    command.args(words).current_dir(root());
    command
}

/// Runs a block: lines that end in `&` are servers, which must say that they listen before the next line.
fn run(block: &str) {
    let ports = free_ports(block);
    let mut servers = Vec::new();
    for line in block.lines() {
        let line = ports.iter().fold(line.to_owned(), |line, (printed, free)| line.replace(printed, free));
        match line.strip_suffix('&') {
            Some(server) => {
                let mut server = Program::start(command(server));
                server.wait_for_line(|line| line.contains(" listening on "));
                servers.push(server);
            }
            None => {
                let ended = Program::start(command(&line)).wait();
                assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
                // Poems are long; what a pipe prints is as long as what was put into it.
                let least = match line.split(' ').next() {
                    Some("sestina") => 0, // an order to a daemon, and its answer
                    _ if line.contains('|') => 2,
                    _ => 601,
                };
                assert!(ended.stdout.len() >= least, "{line} printed only {} bytes", ended.stdout.len());
            }
        }
    }
    for server in servers {
        server.signal(rustix::process::Signal::TERM);
        assert_eq!(server.wait().code, Some(0), "a server ends cleanly");
    }
}

fn uses(block: &str, program: &str) -> bool {
    let commands = block.lines().flat_map(|line| line.split('|'));
    commands.map(str::trim_start).any(|command| command.starts_with(&format!("{program} ")))
}

/// If the programs of others that it needs are here.
fn run_if_possible(block: &str) {
    let wanted = [("curl", "--version"), ("nc", "-h")];
    let here = wanted.iter().filter(|(program, _)| uses(block, program)).all(|(program, probe)| {
        let mut command = Command::new(program);
        command.arg(probe);
        require(program, command)
    });
    if here {
        run(block);
    }
}

// spec: P14-16, P17-25, REF-05
#[test]
fn every_command_of_the_readme_does_what_it_is_there_for() {
    let blocks = blocks(&root().join("README.md"));
    assert_eq!(blocks.len(), 10, "the newcomer's two commands, and nine blocks");
    blocks.iter().skip(1).for_each(|block| run_if_possible(block));
}

// spec: P14-16, P17-25
#[test]
fn every_command_of_the_book_does_what_it_is_there_for() {
    let mut pages: Vec<_> = std::fs::read_dir(root().join("book/src"))
        .expect("there is a book")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    pages.sort();
    let blocks: Vec<String> = pages.iter().flat_map(|page| blocks(page)).collect();
    assert!(blocks.len() >= 7, "{} blocks", blocks.len());
    blocks.iter().for_each(|block| run_if_possible(block));
}
