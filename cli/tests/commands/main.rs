//! The commands inside of the sentences of the README and of the book, and the README's fenced ones for cargo, run as they stand
//! there.
//!
//! Each is in exactly one table of `tables.rs`: what is run, with what it prints; or what a test cannot run, with the reason. A
//! command of a page that is in neither fails, and so does a row whose command no page has. What is only the beginning of a command
//! is run with what its row puts behind it. What `cargo test --workspace` has not built for it, with these features, optimized or as
//! documentation, is run with `CI=true` only.
//!
//! A program of its own beside `suite`: cargo replaces the programs of this build, and runs one program of tests after another.
#![expect(clippy::print_stdout, reason = "a test that skips something says so")]

#[path = "../suite/common/mod.rs"]
#[allow(dead_code, reason = "the suite uses all of it")]
mod common;
mod pages;
mod tables;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::handed::Folder;
use common::{Ended, Program, Server, path, poem_file, require, sestina};
use pages::root;
use tables::{Needs, Row};

/// Far more than any of them takes from nothing compiled: a command that comes here hangs.
const DEADLINE: Duration = Duration::from_secs(1800);
/// What a run of these tests has in its environment, and what must not change what cargo's commands do.
const NOT_INHERITED: [&str; 6] =
    ["SESTINA_SEED", "NEXTEST", "RUST_LOG", "RUST_TEST_THREADS", "NOTIFY_SOCKET", "INVOCATION_ID"];

#[test]
fn every_command_in_a_sentence_is_run_or_has_a_reason_why_not() {
    let on_pages = pages::commands();
    assert!(on_pages.len() >= 40, "only {} commands are found", on_pages.len());
    let mut rows = BTreeSet::new();
    for command in tables::RUN.iter().map(|row| row.command).chain(tables::NOT_RUN.map(|row| row.0)) {
        assert!(rows.insert(command), "`{command}` has two rows in cli/tests/commands/tables.rs");
    }
    let unknown = on_pages.iter().filter(|(_, command)| !rows.contains(command.as_str()));
    let unknown = unknown.map(|(place, command)| {
        format!(
            "{place}: `{command}` is in no table. Say in cli/tests/commands/tables.rs what it prints when it is run, or why no \
             test can run it"
        )
    });
    let stale = rows.iter().filter(|row| on_pages.iter().all(|(_, command)| command != *row));
    let stale = stale.map(|row| format!("cli/tests/commands/tables.rs: no page has `{row}` any more"));
    let wrong: Vec<String> = unknown.chain(stale).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for (command, reason) in tables::NOT_RUN {
        assert!(reason.contains(' '), "`{command}`: {reason:?} is no reason");
    }
}

#[test]
fn every_command_in_a_sentence_does_what_is_said_of_it() {
    let place = Place::new();
    let wrong: Vec<String> = tables::RUN.iter().filter_map(|row| place.wrong(row)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// Where the commands are run, and what those speak to that speak to somebody.
struct Place {
    folder: Folder,
    poet: Server,
}

impl Drop for Place {
    fn drop(&mut self) {
        // If a command that starts a daemon has, and the one that stops it has not.
        sestina().args(["--pidfile", &self.folder.path("sestina.pid"), "--stop"]).output().ok();
    }
}

impl Place {
    fn new() -> Self {
        Self { folder: Folder::new("commands"), poet: Server::fast("science") }
    }

    /// Why the command is not what the page says.
    fn wrong(&self, row: &Row) -> Option<String> {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        if row.in_ci_only && !is_ci {
            println!("skipped: `{}` builds something else, and is run with CI=true", row.command);
            return None;
        }
        if !self.can_run(row) {
            return None;
        }
        let line = self.line(row);
        println!("{line}");
        let ended = if row.is_server { self.serve(row, &line) } else { self.run(row, &line) };
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
        let says = if row.says.is_empty() { said.is_empty() } else { said.contains(row.says) };
        let status = ended.code.map_or_else(|| "a signal".to_owned(), |code| format!("status {code}"));
        (ended.code != Some(row.code) || !says).then(|| {
            format!("{line}\nends with {status}; expected are {} and {:?} in:\n{said}", row.code, row.says)
        })
    }

    fn can_run(&self, row: &Row) -> bool {
        let probe = |program: &str| self.command("command -v \"$0\"", root(), &[program]);
        match row.needs {
            Needs::Nothing => true,
            Needs::Program(program) => require(program, probe(program)),
            Needs::NotEvenInCi(program) => {
                let found = probe(program).output().is_ok_and(|output| output.status.success());
                if !found {
                    println!("skipped: `{}`, {program} is not installed", row.command);
                }
                found
            }
        }
    }

    /// What a shell is given: the command of the page, with the words that stand for something replaced.
    fn line(&self, row: &Row) -> String {
        let words = row.words.iter();
        let line =
            words.fold(row.command.to_owned(), |line, (word, value)| line.replace(word, value)) + row.behind;
        let poem = poem_file("science");
        line.replace("{poet}", &self.poet.port())
            .replace("{poem}", path(&poem))
            .replace("{folder}", self.folder.path("").trim_end_matches('/'))
            .replace("{programs}", path(pages::programs()))
    }

    fn command(&self, line: &str, folder: &Path, arguments: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).args(arguments).current_dir(folder);
        NOT_INHERITED.iter().for_each(|name| _ = shell.env_remove(name));
        let search = std::env::var_os("PATH").unwrap_or_default();
        let search = std::iter::once(pages::programs().to_owned()).chain(std::env::split_paths(&search));
        shell.env("PATH", std::env::join_paths(search).expect("no folder has a colon in its name"));
        shell.env("XDG_CACHE_HOME", self.folder.path("cache"));
        shell.env("CARGO_INSTALL_ROOT", self.folder.path("installed"));
        shell.env("CARGO_NET_OFFLINE", "true"); // the build of this test has fetched all that they need
        shell.env("BROWSER", "true"); // the program of this name, which opens nothing
        shell
    }

    fn run(&self, row: &Row, line: &str) -> Ended {
        let folder = self.folder.path("");
        let place = if row.writes_here { Path::new(&folder) } else { root() };
        Program::start(self.command(line, place, &[])).wait_for(DEADLINE)
    }

    /// Until it listens, and then to its end.
    fn serve(&self, row: &Row, line: &str) -> Ended {
        let mut server = Program::start(self.command(&format!("exec {line}"), root(), &[]));
        server.wait_for_line(|line| line.contains(row.says));
        server.signal(rustix::process::Signal::TERM);
        server.wait()
    }
}
