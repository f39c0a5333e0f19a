//! Commands of cargo that the pages print, in a line or in a block: what they name must be there.
//!
//! Looked at are packages (`-p`), targets (`--bin`, `--example`, `--test`, `--bench`) and the words behind `cargo xtask`. What is
//! written in capitals stands for a name.

use std::path::Path;

use crate::files::Source;

/// Options that name a target, and where its file lies.
const TARGETS: [(&str, &str); 4] =
    [("--bin", "src/bin"), ("--example", "examples"), ("--test", "tests"), ("--bench", "benches")];

/// What is wrong, as `FILE:LINE: COMMAND: why`, from where the book's pages lie.
pub(super) fn wrong(sources: &[Source]) -> Vec<String> {
    let is_page = |source: &&Source| {
        let name = source.name();
        name == "README.md" || name == "CONTRIBUTING.md" || name.starts_with(super::BOOK)
    };
    let pages = sources.iter().filter(is_page).filter(|source| source.is("md"));
    let told = pages.flat_map(|page| {
        let commands = commands(&page.text).into_iter();
        let why = commands.filter_map(|(line, command)| Some((line, why(&command, sources)?, command)));
        why.map(|(line, why, command)| format!("../../{}:{line}: {command}: {why}", page.name()))
            .collect::<Vec<_>>()
    });
    told.collect()
}

/// Each with its line. `-p X` alone goes on with the command before it.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut prose = String::new(); // a piece of code may go over two lines
    let mut fenced = false;
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        prose.push('\n');
        if !fenced && !is_fence {
            prose.push_str(line);
        }
    }
    let mut line = 0; // the first break stands before the first line
    let mut before = String::new();
    for (at, piece) in prose.split('`').enumerate() {
        let code = piece.split_whitespace().collect::<Vec<_>>().join(" ");
        if at % 2 == 1 && code.starts_with("cargo ") {
            before = code.split(" -p ").next().unwrap_or_default().to_owned();
            found.push((line, code));
        } else if at % 2 == 1 && code.starts_with("-p ") && !before.is_empty() {
            found.push((line, format!("{before} {code}")));
        }
        line += piece.matches('\n').count();
    }
    fenced = false;
    for (at, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let command = line.find("cargo ").filter(|_| fenced).map(|begins| &line[begins..]);
        let Some(command) = command else { continue };
        let command = command.split(" #").next().unwrap_or_default().trim_end();
        found.push((at + 1, command.to_owned()));
    }
    found.sort();
    found
}

fn why(command: &str, sources: &[Source]) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().take_while(|word| *word != "--").collect();
    if let ["cargo", "xtask", name, ..] = words.as_slice() {
        return (!is_command(name)).then(|| format!("xtask has no command '{name}'"));
    }
    let options: Vec<&str> = words.iter().flat_map(|word| word.split('=')).collect();
    let pairs =
        || options.windows(2).map(|pair| (pair[0], pair[1])).filter(|(_, name)| !stands_for_one(name));
    let mut folder = None;
    for (_, name) in pairs().filter(|(option, _)| ["-p", "--package"].contains(option)) {
        folder = folder_of(name, sources);
        if folder.is_none() {
            return Some(format!("there is no package '{name}'"));
        }
    }
    for (option, name) in pairs() {
        let Some((_, place)) = TARGETS.iter().find(|target| target.0 == option) else { continue };
        let is_there = sources.iter().any(|source| {
            let is_named = source.path.ends_with(Path::new(place).join(format!("{name}.rs")))
                || source.path.ends_with(Path::new(place).join(name).join("main.rs"))
                || declares(source, option, name);
            is_named && folder.is_none_or(|folder| source.path.starts_with(folder))
        });
        if !is_there {
            return Some(format!("there is no {option} '{name}'"));
        }
    }
    None
}

/// Whether a manifest names this target: `[[bin]]`, and the name below.
fn declares(source: &Source, option: &str, name: &str) -> bool {
    let head = format!("[[{}]]", option.trim_start_matches('-'));
    let named = format!("name = \"{name}\"");
    let mut tables =
        source.text.split("\n[").filter(|table| head.ends_with(table.lines().next().unwrap_or("-")));
    source.path.ends_with("Cargo.toml") && tables.any(|table| table.lines().any(|line| line == named))
}

fn folder_of<'a>(package: &str, sources: &'a [Source]) -> Option<&'a Path> {
    let named = format!("[package]\nname = \"{package}\"\n");
    let manifest =
        sources.iter().find(|source| source.path.ends_with("Cargo.toml") && source.text.contains(&named));
    manifest?.path.parent()
}

fn stands_for_one(name: &str) -> bool {
    name.chars().all(|character| character.is_ascii_uppercase())
}

/// The help lists them.
fn is_command(name: &str) -> bool {
    let listed = crate::HELP.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    listed.chain(["help", "--help"]).any(|command| command == name)
}
