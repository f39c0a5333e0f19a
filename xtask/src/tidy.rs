//! The rules of this house that no compiler knows, each as one function over one file.

use std::path::Path;

use crate::checks::Outcome;
use crate::files::{self, Source};

/// The worst file of a good project is its centre: from here on it needs two nouns.
const LINES_MAX: usize = 700;

/// One rule: what it says, and the number of the first line that breaks it.
type Rule = (&'static str, fn(&Source) -> Option<usize>);

const RULES: &[Rule] = &[
    ("a file of more than 700 lines wants to be two", too_long),
    ("unfinished work has an issue, not a marker", |source| first(source, &["TO", "DO"])),
    ("unfinished work has an issue, not a marker", |source| first(source, &["FIX", "ME"])),
    ("no test is switched off", |source| first(source, &["#[ign", "ore"])),
    ("tests wait for events, not for time", sleeps_in_a_test),
    ("every crate forbids unsafe code", allows_unsafe),
    ("a path of one machine is in here", |source| first(source, &["/ro", "ot/"])),
    ("a path of one machine is in here", |source| first(source, &["../sha", "red"])),
];

/// Every rule over every text file of ours.
pub(crate) fn check(root: &Path) -> Outcome {
    let sources = files::read(root, &["rs", "toml", "md", "sh"])?;
    let mut broken = lost_tests(&sources);
    for source in &sources {
        for (says, rule) in RULES {
            if let Some(line) = rule(source) {
                broken.push(format!("{}:{line}: {says}", source.path.display()));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("\n  {}", broken.join("\n  "))) }
}

/// A file says at its head where its tests are: they must be there, in its own crate (`tests/x.rs`), in the one that the line
/// names (`of ..`), or where the whole path leads (`cli/tests/x.rs`, `cli/tests/x_*.rs`).
fn lost_tests(sources: &[Source]) -> Vec<String> {
    let mut lost = Vec::new();
    for source in sources.iter().filter(|source| source.is("rs")) {
        let own = source.path.ancestors().find(|folder| folder.ends_with("src")).and_then(Path::parent);
        let Some(own) = own else { continue };
        for (at, line) in source.text.lines().enumerate().filter(|(_, line)| line.starts_with("//! ")) {
            let names = line.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs"));
            for name in names.filter(|name| name.split('/').any(|part| part == "tests")) {
                let is_there = |path: &Path| sources.iter().any(|other| is_meant(path, &other.path));
                let elsewhere = || sources.iter().any(|other| other.path.ends_with(name));
                let is_own = name.starts_with("tests/");
                let is_found = is_there(&own.join(name)) || (is_own && line.contains(" of ") && elsewhere());
                if !is_found && (is_own || !is_there(Path::new(name))) {
                    lost.push(format!("{}:{}: there is no {name}", source.path.display(), at + 1));
                }
            }
        }
    }
    lost
}

/// Whether a name with at most one `*` means this file.
fn is_meant(name: &Path, file: &Path) -> bool {
    let (name, file) = (name.to_string_lossy(), file.to_string_lossy());
    match name.split_once('*') {
        Some((begins, ends)) => file.strip_prefix(begins).is_some_and(|rest| rest.ends_with(ends)),
        None => name == file,
    }
}

/// The pieces are joined here, so that this file does not break its own rules.
fn first(source: &Source, pieces: &[&str]) -> Option<usize> {
    let wanted = pieces.concat();
    line(source, |line| line.contains(&wanted))
}

fn line(source: &Source, broken: impl Fn(&str) -> bool) -> Option<usize> {
    source.text.lines().position(broken).map(|at| at + 1)
}

fn too_long(source: &Source) -> Option<usize> {
    let lines = source.text.lines().count();
    (source.is("rs") && lines > LINES_MAX).then_some(lines)
}

fn sleeps_in_a_test(source: &Source) -> Option<usize> {
    let is_test = source.path.components().any(|part| part.as_os_str() == "tests");
    let wanted = ["thread::", "sleep"].concat();
    if source.is("rs") && is_test { line(source, |line| line.contains(&wanted)) } else { None }
}

/// Crate roots are the files that lie directly in `src` and are called lib or main, and programs in `src/bin`: files, and what
/// is called main in a folder.
fn allows_unsafe(source: &Source) -> Option<usize> {
    let folder = source.path.parent()?;
    let is_main = source.path.ends_with("main.rs");
    let has_a_folder = is_main && folder.parent().is_some_and(|above| above.ends_with("src/bin"));
    let in_bin = folder.ends_with("src/bin") || has_a_folder;
    let is_root = folder.ends_with("src") && (is_main || source.path.ends_with("lib.rs"));
    let forbids = source.text.contains("#![forbid(unsafe_code)]");
    let is_sys = folder.ends_with("sys/src"); // the one crate with an unsafe block
    ((is_root || in_bin) && !is_sys && source.is("rs") && !forbids).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<&'static str> {
        let source = Source { path: path.into(), text: text.to_owned() };
        RULES.iter().filter(|rule| rule.1(&source).is_some()).map(|rule| rule.0).collect()
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        assert_eq!(broken("a/src/lib.rs", "#![forbid(unsafe_code)]\n"), [""; 0]);
        assert_eq!(broken("a/src/lib.rs", "fn f() {}\n").len(), 1);
        assert_eq!(broken("a/src/bin/x.rs", "fn main() {}\n").len(), 1);
        assert_eq!(broken("a/src/bin/x/main.rs", "fn main() {}\n").len(), 1);
        assert_eq!(broken("a/src/bin/x/y.rs", "fn f() {}\n"), [""; 0]);
        assert_eq!(broken("a/src/b.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
        assert_eq!(broken("a/tests/b.rs", &["std::thread::", "sleep(x);"].concat()).len(), 1);
        assert_eq!(broken("a/tests/b.rs", &["#[ign", "ore]"].concat()).len(), 1);
        assert_eq!(broken("x.md", &["see ../sha", "red/x"].concat()).len(), 1);
        assert_eq!(broken("x.rs", &["// TO", "DO"].concat()).len(), 1);
    }

    #[test]
    fn tests_that_a_file_names_must_be_there() {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.to_owned() };
        let sources = [
            source("a/src/x.rs", "//! Tests: `tests/x.rs`, `tests/y.rs`.\n//! And `tests/z.rs` of b.\n"),
            source(
                "a/src/y.rs",
                "//! Tests: `b/tests/z.rs`, `b/tests/z*.rs`, `b/tests/y*.rs`, `b/tests/x.rs`.\n",
            ),
            source("a/tests/x.rs", ""),
            source("b/tests/z.rs", ""),
        ];
        let lost = [
            "a/src/x.rs:1: there is no tests/y.rs",
            "a/src/y.rs:1: there is no b/tests/y*.rs",
            "a/src/y.rs:1: there is no b/tests/x.rs",
        ];
        assert_eq!(lost_tests(&sources), lost);
    }

    #[test]
    fn this_house_is_tidy() {
        assert_eq!(check(&crate::checks::root()), Ok(()));
    }
}
