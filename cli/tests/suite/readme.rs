//! The commands of the README and of the book, run as they stand there, with free ports in the place of the ports that are
//! printed, and a new folder in the place of `target`.
//!
//! A line that ends in `&` is a server, which must say that it listens before the next line. What stands behind `#` is a part of
//! what the line prints (`prints nothing`: that it does not); where nothing stands there, the line prints a poem, if it is no order
//! to a server. All lines end with status 0 and say nothing on the standard error.
//!
//! The commands inside of sentences, and the README's two for cargo: `tests/commands`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::handed::Folder;
use crate::common::{Program, free_port, path, require, sestina};

/// The least that a poem has.
const POEM_BYTES_MIN: usize = 600;
/// What stands behind a line that prints nothing.
const SILENT: &str = "prints nothing";
/// The folder on the pages that is another one for each block.
const FOLDER: &str = " target/";
/// Where in it a block has daemons.
const DAEMONS: [&str; 2] = ["", "poetry"];
/// The folder on the pages in which the programs of this build lie.
const PROGRAMS: &str = "$PWD/target/debug";
/// The example of a plugin that is a program.
const PLUGIN: &str = "sestina-poem";

/// The blocks of commands on a page.
fn blocks(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("the page is there");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cli lies in the repository")
}

/// Where the programs of this build lie.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sestina")).parent().expect("a program is in a folder")
}

/// One free port for each that is printed.
fn free_ports(block: &str) -> BTreeMap<String, String> {
    let is_port = |word: &&str| word.len() == 5 && word.parse::<u16>().is_ok_and(|port| port >= 10_000);
    let printed = block.split(|character: char| !character.is_ascii_digit()).filter(is_port);
    printed.map(|port| (port.to_owned(), free_port().to_string())).collect()
}

/// A folder of a block, and what a block may leave running in it when it fails.
struct Scratch(Folder);

impl Drop for Scratch {
    fn drop(&mut self) {
        let folders = DAEMONS.iter().filter_map(|name| std::fs::read_dir(self.0.path(name)).ok());
        let files = folders.flatten().flatten();
        let paths = files.map(|file| file.path());
        for pid_file in paths.filter(|path| path.extension() == Some("pid".as_ref())) {
            sestina().arg("--pidfile").arg(pid_file).arg("--stop").output().ok();
        }
    }
}

/// The line as a shell reads it, with the programs of this build before all others.
fn command(line: &str, folder: &Folder) -> Command {
    let mut path = OsString::from(programs());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(root()).env("PATH", path);
    shell.env("XDG_CACHE_HOME", folder.path("cache")).env_remove("NOTIFY_SOCKET").env_remove("INVOCATION_ID");
    shell
}

fn run(block: &str) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let ports = free_ports(block);
    let scratch = Scratch(Folder::new(&format!("block-{}", NEXT.fetch_add(1, Ordering::Relaxed))));
    let folder = &scratch.0;
    let here = format!(" {}/", folder.path("").trim_end_matches('/'));
    let mut servers = Vec::new();
    for line in block.lines() {
        let line = ports.iter().fold(line.to_owned(), |line, (printed, free)| line.replace(printed, free));
        let line = line.replace(FOLDER, &here).replace(PROGRAMS, path(programs()));
        match line.strip_suffix('&') {
            Some(server) => {
                let mut server = Program::start(command(&format!("exec {server}"), folder));
                server.wait_for_line(|line| line.contains(" listening on "));
                servers.push(server);
            }
            None => run_line(&line, folder),
        }
    }
    for server in servers {
        server.signal(rustix::process::Signal::TERM);
        assert_eq!(server.wait().code, Some(0), "a server ends cleanly");
    }
}

fn run_line(line: &str, folder: &Folder) {
    let ended = Program::start(command(line, folder)).wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
    let text = String::from_utf8_lossy(&ended.stdout);
    match line.split_once(" # ").map(|(_, said)| said.trim()) {
        Some(SILENT) => assert_eq!(text, "", "{line}"),
        Some(said) => assert!(text.contains(said), "{line}\nprints {text}"),
        None => {
            // Poems are long; what a pipe prints is as long as what was put into it.
            let least = match line.split(' ').next() {
                Some("sestina") => 0, // an order to a daemon, and its answer
                _ if line.contains('|') => 2,
                _ => POEM_BYTES_MIN,
            };
            assert!(text.len() >= least, "{line} printed only {} bytes", text.len());
        }
    }
}

fn uses(block: &str, program: &str) -> bool {
    let commands = block.lines().flat_map(|line| line.split('|'));
    commands.map(str::trim_start).any(|command| command.starts_with(&format!("{program} ")))
}

/// If the programs of others that it needs are here, and the plugin.
fn run_if_possible(block: &str) {
    let wanted = [("curl", "--version"), ("nc", "-h")];
    let here = wanted.iter().filter(|(program, _)| uses(block, program)).all(|(program, probe)| {
        let mut command = Command::new(program);
        command.arg(probe);
        require(program, command)
    });
    let plugin = || {
        let mut command = Command::new(programs().join(PLUGIN));
        command.arg("--describe");
        require(PLUGIN, command)
    };
    if here && (!block.contains(PROGRAMS) || plugin()) {
        run(block);
    }
}

/// All pages of the book, and the blocks of commands on them.
fn pages() -> Vec<(PathBuf, Vec<String>)> {
    let (mut folders, mut pages) = (vec![root().join("book")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("there is a book") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some("md".as_ref()) {
                let blocks = blocks(&path);
                pages.push((path, blocks));
            }
        }
    }
    pages.sort();
    pages
}

fn run_page(name: &str, blocks_min: usize) {
    let blocks = blocks(&root().join("book/src").join(name));
    assert!(blocks.len() >= blocks_min, "{name}: {} blocks", blocks.len());
    blocks.iter().for_each(|block| run_if_possible(block));
}

// spec: P14-16, P17-25, REF-05
#[test]
fn every_command_of_the_readme_does_what_it_is_there_for() {
    let blocks = blocks(&root().join("README.md"));
    assert_eq!(blocks.len(), 10, "cargo's two commands, which `tests/commands` has, and nine blocks");
    blocks.iter().skip(1).for_each(|block| run_if_possible(block));
}

// spec: P14-16, P17-25
#[test]
fn every_command_of_the_book_does_what_it_is_there_for() {
    let of_a_test = |page: &Path| GUIDES.iter().any(|guide| page.ends_with(guide));
    let blocks: Vec<String> =
        pages().into_iter().filter(|(page, _)| !of_a_test(page)).flat_map(|(_, blocks)| blocks).collect();
    assert!(blocks.len() >= 7, "{} blocks", blocks.len());
    blocks.iter().for_each(|block| run_if_possible(block));
}

/// The guides that have a test of their own below.
const GUIDES: [&str; 3] = ["daemon.md", "proxy.md", "plugin.md"];

// spec: P16-49, P16-50, P16-77
#[test]
fn the_guide_to_the_daemon_can_be_followed() {
    run_page("daemon.md", 4);
}

// spec: P14-17
#[test]
fn the_guide_to_the_proxy_can_be_followed() {
    run_page("proxy.md", 4);
}

// spec: P16-60, P16-74
#[test]
fn the_guide_to_plugins_can_be_followed() {
    run_page("plugin.md", 2);
}
