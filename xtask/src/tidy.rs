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
    let mut broken = Vec::new();
    for source in files::read(root, &["rs", "toml", "md", "sh"])? {
        for (says, rule) in RULES {
            if let Some(line) = rule(&source) {
                broken.push(format!("{}:{line}: {says}", source.path.display()));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("\n  {}", broken.join("\n  "))) }
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

/// Crate roots are the files that lie directly in `src` and are called lib or main, and programs in `src/bin`.
fn allows_unsafe(source: &Source) -> Option<usize> {
    let folder = source.path.parent()?;
    let in_bin = folder.ends_with("src/bin");
    let is_root =
        folder.ends_with("src") && ["lib.rs", "main.rs"].iter().any(|name| source.path.ends_with(name));
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
        assert_eq!(broken("a/src/b.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
        assert_eq!(broken("a/tests/b.rs", &["std::thread::", "sleep(x);"].concat()).len(), 1);
        assert_eq!(broken("a/tests/b.rs", &["#[ign", "ore]"].concat()).len(), 1);
        assert_eq!(broken("x.md", &["see ../sha", "red/x"].concat()).len(), 1);
        assert_eq!(broken("x.rs", &["// TO", "DO"].concat()).len(), 1);
    }

    #[test]
    fn this_house_is_tidy() {
        assert_eq!(check(&crate::checks::root()), Ok(()));
    }
}
