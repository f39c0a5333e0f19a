//! The rules of this house that no compiler knows, each as one function over one file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::checks::Outcome;

/// The worst file of a good project is its centre: from here on it needs two nouns.
const LINES_MAX: usize = 700;
/// What is never looked at.
const SKIPPED: &[&str] = &["target", ".git", "node_modules"];

/// One rule: what it says, and the number of the first line that breaks it.
type Rule = (&'static str, fn(&Source) -> Option<usize>);

struct Source {
    path: PathBuf,
    text: String,
}

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
    let mut files = Vec::new();
    collect(root, &mut files)?;
    let mut broken = Vec::new();
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let source = Source { path, text };
        for (says, rule) in RULES {
            if let Some(line) = rule(&source) {
                let path = source.path.strip_prefix(root).unwrap_or(&source.path);
                broken.push(format!("{}:{line}: {says}", path.display()));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("\n  {}", broken.join("\n  "))) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !SKIPPED.contains(&name) {
            collect(&path, files)?;
        } else if ["rs", "toml", "md", "sh"].iter().any(|ending| path.extension() == Some(ending.as_ref())) {
            files.push(path);
        }
    }
    Ok(())
}

/// The pieces are joined here, so that this file does not break its own rules.
fn first(source: &Source, pieces: &[&str]) -> Option<usize> {
    let wanted = pieces.concat();
    line(source, |line| line.contains(&wanted))
}

fn line(source: &Source, broken: impl Fn(&str) -> bool) -> Option<usize> {
    source.text.lines().position(broken).map(|at| at + 1)
}

fn is_rust(source: &Source) -> bool {
    source.path.extension() == Some("rs".as_ref())
}

fn too_long(source: &Source) -> Option<usize> {
    let lines = source.text.lines().count();
    (is_rust(source) && lines > LINES_MAX).then_some(lines)
}

fn sleeps_in_a_test(source: &Source) -> Option<usize> {
    let is_test = source.path.components().any(|part| part.as_os_str() == "tests");
    let wanted = ["thread::", "sleep"].concat();
    if is_rust(source) && is_test { line(source, |line| line.contains(&wanted)) } else { None }
}

/// Crate roots are the files that lie directly in `src` and are called lib or main, and programs in `src/bin`.
fn allows_unsafe(source: &Source) -> Option<usize> {
    let folder = source.path.parent()?;
    let in_bin = folder.ends_with("src/bin");
    let is_root =
        folder.ends_with("src") && ["lib.rs", "main.rs"].iter().any(|name| source.path.ends_with(name));
    let forbids = source.text.contains("#![forbid(unsafe_code)]");
    let is_sys = folder.ends_with("sys/src"); // the one crate with an unsafe block
    ((is_root || in_bin) && !is_sys && is_rust(source) && !forbids).then_some(1)
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
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
        assert_eq!(check(root), Ok(()));
    }
}
