//! The rules of this house that no compiler knows, each as one function over one file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
    broken.extend(forgotten(&sources));
    for page in sources.iter().filter(|source| PAGES.iter().any(|page| source.path == Path::new(page))) {
        broken.extend(crate::book::missing(page, &|name| is_there(root, name)));
        broken.extend(gone_from_a_section(page, &sources));
    }
    for source in &sources {
        for (says, rule) in RULES {
            if let Some(line) = rule(source) {
                broken.push(format!("{}:{line}: {says}", source.path.display()));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("\n  {}", broken.join("\n  "))) }
}

/// Folders whose files are all compiled.
const COMPILED: [&str; 2] = ["src", "tests/suite"];

/// Files that no `mod x;` and no `#[path = ".."]` names: nobody compiles them. Crate roots need nobody.
fn forgotten(sources: &[Source]) -> Vec<String> {
    let named: BTreeSet<PathBuf> =
        sources.iter().filter(|source| source.is("rs")).flat_map(modules).collect();
    let lost = sources.iter().filter(|source| source.is("rs") && is_compiled(&source.path));
    let lost = lost.filter(|source| !is_root(&source.path) && !named.contains(&source.path));
    lost.map(|source| format!("{}: no file has it as a module", source.path.display())).collect()
}

fn is_compiled(path: &Path) -> bool {
    path.ancestors().skip(1).any(|folder| COMPILED.iter().any(|compiled| folder.ends_with(compiled)))
}

fn is_root(path: &Path) -> bool {
    let Some(folder) = path.parent() else { return false };
    let is_main = path.ends_with("main.rs");
    let is_program = folder.ends_with("src/bin")
        || folder.parent().is_some_and(|above| above.ends_with("src/bin")) && is_main;
    is_program
        || path.ends_with("src/lib.rs")
        || COMPILED.iter().any(|compiled| folder.ends_with(compiled)) && is_main
}

/// Where the modules of a file lie that it does not hold itself, both ways in which a module may be laid out.
fn modules(source: &Source) -> Vec<PathBuf> {
    let beside = source.path.parent().map(Path::to_owned).unwrap_or_default();
    let owns_its_folder =
        is_root(&source.path) || source.path.ends_with("mod.rs") || !is_compiled(&source.path);
    let below = if owns_its_folder { beside.clone() } else { source.path.with_extension("") };
    let mut found = Vec::new();
    for line in source.text.lines().map(str::trim) {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            found.extend(crate::links::joined(&beside, path));
        }
        let name = ["", "pub ", "pub(crate) ", "pub(super) "].iter().find_map(|public| {
            let (name, _) = line.strip_prefix(public)?.strip_prefix("mod ")?.split_once(';')?;
            Some(name)
        });
        if let Some(name) = name {
            found.extend([below.join(format!("{name}.rs")), below.join(name).join("mod.rs")]);
        }
    }
    found
}

/// Pages that name files as `code`.
const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
/// In a path, it stands for a name of the reader's.
const PLACEHOLDER: &str = "NAME";

fn is_there(root: &Path, name: &str) -> bool {
    name.contains(PLACEHOLDER)
        || name.contains("..")
        || expanded(name).iter().all(|name| root.join(name).exists())
}

/// `a/{b,c}` is `a/b` and `a/c`.
fn expanded(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let Some((inside, behind)) = rest.split_once('}') else { return vec![name.to_owned()] };
    inside.split(',').map(|word| format!("{before}{word}{behind}")).collect()
}

/// Below a heading that names folders, every `x.rs` lies in one of them.
fn gone_from_a_section(page: &Source, sources: &[Source]) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    let mut gone = Vec::new();
    for (at, line) in page.text.lines().enumerate() {
        let code = || line.split('`').skip(1).step_by(2);
        if line.starts_with('#') {
            folders = code().filter(|name| name.contains('/')).flat_map(expanded).collect();
            continue;
        }
        for name in code().filter(|name| name.ends_with(".rs") && !folders.is_empty()) {
            let is_in = |source: &Source| folders.iter().any(|folder| source.path.starts_with(folder));
            let mut meant = sources.iter().filter(|source| source.path.ends_with(name));
            if !meant.any(|source| is_in(source) || source.path == Path::new(name)) {
                gone.push(format!("{}:{}: {} has no '{name}'", page.name(), at + 1, folders.join(", ")));
            }
        }
    }
    gone
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

    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        files.iter().map(|(path, text)| Source { path: path.into(), text: (*text).to_owned() }).collect()
    }

    #[test]
    fn files_that_nobody_compiles_are_told() {
        let sources = sources(&[
            ("a/src/lib.rs", "mod one;\npub(crate) mod two;\n"),
            ("a/src/one.rs", "#[cfg(test)]\nmod tests; // of it\n"),
            ("a/src/one/tests.rs", ""),
            ("a/src/tests.rs", ""),
            (
                "a/src/two/mod.rs",
                "#[path = \"../../tests/three.rs\"]\nmod three;\n#[path = \"four_a.rs\"]\nmod four;\n",
            ),
            ("a/src/two/four_a.rs", ""),
            ("a/src/two/four_b.rs", "mod modest;"),
            ("a/src/bin/p.rs", ""),
            ("a/src/bin/q/main.rs", "mod r;"),
            ("a/src/bin/q/r.rs", ""),
            ("a/tests/three.rs", ""),
            ("a/tests/suite/main.rs", "mod five;"),
            ("a/tests/suite/five.rs", "// mod six;"),
            ("a/tests/suite/six.rs", ""),
            ("a/examples/x/y.rs", ""),
        ]);
        let lost = ["a/src/tests.rs", "a/src/two/four_b.rs", "a/tests/suite/six.rs"];
        assert_eq!(forgotten(&sources), lost.map(|path| format!("{path}: no file has it as a module")));
    }

    #[test]
    fn files_that_a_section_names_must_lie_in_its_folder() {
        let sources = sources(&[("a/src/b/c.rs", ""), ("a/src/d.rs", ""), ("e/f.rs", "")]);
        let text = "`x.rs`\n## `a/src/{b,g}`\n`c.rs`, `d.rs`, `e/f.rs`\n### `a/src`\n`c.rs`, `d.rs`\n`f.rs`\n# End\n`y.rs`\n";
        let page = Source { path: "P.md".into(), text: text.to_owned() };
        let gone = ["P.md:3: a/src/b, a/src/g has no 'd.rs'", "P.md:6: a/src has no 'f.rs'"];
        assert_eq!(gone_from_a_section(&page, &sources), gone);
        let root = crate::checks::root();
        assert!(is_there(&root, "xtask/src/{book,spec}") && is_there(&root, "fuzz/NAME.rs"));
        assert!(!is_there(&root, "xtask/src/{book,none}"));
    }

    #[test]
    fn this_house_is_tidy() {
        assert_eq!(check(&crate::checks::root()), Ok(()));
    }
}
