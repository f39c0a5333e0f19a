//! The pages, and the commands inside of their sentences.

use std::path::{Path, PathBuf};

/// The first words of commands. One of them alone is the name of a program, and with `=` behind it a line of a manifest.
const PROGRAMS: [&str; 16] = [
    "cargo",
    "curl",
    "get-poetry",
    "git",
    "grep",
    "kill",
    "nc",
    "python3",
    "rustup",
    "sestina",
    "sestina-poem",
    "sudo",
    "systemctl",
    "trial",
    "twist",
    "twistd",
];

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cli lies in the repository")
}

/// Where the programs of this build lie.
pub(crate) fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sestina")).parent().expect("a program is in a folder")
}

/// Those of all pages, each with its `FILE:LINE`.
pub(crate) fn commands() -> Vec<(String, String)> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("book/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("there is a book") {
            let path = entry.expect("the folder can be read").path();
            let is_page = path.extension() == Some("md".as_ref());
            if path.is_dir() {
                folders.push(path);
            } else if is_page {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages.iter().flat_map(of_page).collect()
}

fn of_page(page: &PathBuf) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(page).expect("the page is there");
    let name = page.strip_prefix(root()).expect("it lies in the repository").display();
    let found = of_text(&text).into_iter();
    found.map(|(line, command)| (format!("{name}:{line}"), command)).collect()
}

/// Each with its line.
fn of_text(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut paragraph = String::new();
    let (mut begins, mut fence) = (1, None);
    for (at, line) in text.lines().enumerate() {
        let head = line.trim_start();
        let is_fence = head.starts_with("```");
        let is_item = ["- ", "|", "<!--"].iter().any(|mark| head.starts_with(mark));
        if is_fence || is_item || head.is_empty() || fence.is_some() {
            found.extend(of_paragraph(&paragraph, begins));
            paragraph.clear();
            begins = at + 1;
        }
        match fence {
            _ if is_fence => fence = if fence.is_some() { None } else { Some(head) },
            Some("```sh") if head.starts_with("cargo ") => {
                found.push((at + 1, head.split(" #").next().unwrap_or_default().trim_end().to_owned()));
            }
            Some(_) => {}
            None if head.starts_with("<!--") => {} // nobody who reads the page sees it
            None => paragraph.extend([line, "\n"]),
        }
    }
    found.extend(of_paragraph(&paragraph, begins));
    found
}

/// Options alone, of two words or more, go on with the command of cargo before them: `cargo bench -p one`, `-p other`.
fn of_paragraph(text: &str, mut line: usize) -> Vec<(usize, String)> {
    let (mut found, mut before) = (Vec::new(), String::new());
    let pieces = text.split('`');
    assert!(pieces.clone().count() != 2, "line {line}: a piece of code has no end: {text}");
    for (at, piece) in pieces.enumerate() {
        let words: Vec<&str> = piece.split_whitespace().collect();
        match words.as_slice() {
            _ if at % 2 == 0 => {}
            [_] | [] | [_, "=", ..] => {}
            [program, ..] if PROGRAMS.contains(program) => {
                let options = words.iter().position(|word| word.starts_with('-')).unwrap_or(words.len());
                before = if *program == "cargo" { words[..options].join(" ") } else { String::new() };
                found.push((line, words.join(" ")));
            }
            [option, ..] if option.starts_with('-') && !before.is_empty() => {
                found.push((line, format!("{before} {}", words.join(" "))));
            }
            _ => {}
        }
        line += piece.matches('\n').count();
    }
    found
}

#[test]
fn commands_are_found_in_sentences_and_not_in_blocks() {
    let text = "\
Install `sestina` with `cargo
install --path cli`, and see `sestina = { version = \"..\" }`.

```sh
cargo run -- demo   # a demo
sestina --help
```
- `cargo bench -p one`, `-p two`; `--quick` is faster.
- `-p three` is no command.
<!-- `cargo fmt` -->
";
    let found = of_text(text);
    let expected = [
        (1, "cargo install --path cli"),
        (5, "cargo run -- demo"),
        (8, "cargo bench -p one"),
        (8, "cargo bench -p two"),
    ];
    assert_eq!(found, expected.map(|(line, command)| (line, command.to_owned())));
}
