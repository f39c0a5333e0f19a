//! As much of Rust as the page of limits needs: constants of modules, and what is written about them, about fields and methods.
//!
//! It trusts `cargo fmt`: an item of a module begins in the first column, and one of a type four columns later.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::files::Source;

/// A constant of a module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Constant {
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    /// Its type, as it is written.
    pub(crate) kind: String,
    /// Its value, as it is written.
    pub(crate) expression: String,
    pub(crate) docs: String,
    /// Whether users of the crate can name it.
    pub(crate) is_public: bool,
}

/// A field or a method of a type that others can see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) file: PathBuf,
    /// `Type::name`.
    pub(crate) path: String,
    pub(crate) docs: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) constants: Vec<Constant>,
    pub(crate) members: Vec<Member>,
}

impl Found {
    /// In these sources, in their order, without what is only compiled for tests.
    pub(crate) fn new(sources: &[Source]) -> Self {
        let tests = modules_for_tests(sources);
        let mut found = Self::default();
        for source in sources {
            if !tests.contains(&source.path) {
                found.read(source);
            }
        }
        found
    }

    fn read(&mut self, source: &Source) {
        let mut docs: Vec<&str> = Vec::new();
        let mut holder = String::new();
        let mut lines = source.text.lines();
        while let Some(line) = lines.next() {
            let item = line.trim_start();
            if let Some(text) = item.strip_prefix("///") {
                docs.push(text.strip_prefix(' ').unwrap_or(text));
                continue;
            }
            if item.starts_with("#[") {
                continue;
            }
            if line == "mod tests {" {
                return;
            }
            if let Some(name) = holder_of(line) {
                holder = name;
            }
            let docs = std::mem::take(&mut docs).join("\n");
            let file = source.path.clone();
            if let Some((is_public, text)) = constant_of(line) {
                let mut text = text.to_owned();
                while !text.ends_with(';') {
                    let Some(next) = lines.next() else { break };
                    text.push(' ');
                    text.push_str(next.trim());
                }
                self.constants.extend(constant(file, &text, docs, is_public));
            } else if let Some(name) = member_of(line) {
                self.members.push(Member { file, path: format!("{holder}::{name}"), docs });
            }
        }
    }
}

/// Files of modules that are declared below `#[cfg(test)]`.
fn modules_for_tests(sources: &[Source]) -> BTreeSet<PathBuf> {
    let mut tests = BTreeSet::new();
    for source in sources {
        let folder = folder_of_modules(&source.path);
        let lines: Vec<&str> = source.text.lines().collect();
        for pair in lines.windows(2) {
            let name = pair[1].strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'));
            if let (true, Some(name)) = (pair[0].starts_with("#[cfg(test)]"), name) {
                tests.insert(folder.join(format!("{name}.rs")));
                tests.insert(folder.join(name).join("mod.rs"));
            }
        }
    }
    tests
}

/// Where the modules lie that this file declares.
fn folder_of_modules(file: &Path) -> PathBuf {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { folder.join(stem) }
}

fn constant_of(line: &str) -> Option<(bool, &str)> {
    let of_crate = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub(super) "));
    if let Some(text) = of_crate.unwrap_or(line).strip_prefix("const ") {
        return Some((false, text));
    }
    Some((true, line.strip_prefix("pub const ")?))
}

/// `NAME: TYPE = VALUE;`
fn constant(file: PathBuf, text: &str, docs: String, is_public: bool) -> Option<Constant> {
    let (name, rest) = text.strip_suffix(';')?.split_once(": ")?;
    let (kind, expression) = rest.split_once(" = ")?;
    let [name, kind, expression] = [name, kind, expression].map(str::to_owned);
    Some(Constant { file, name, kind, expression, docs, is_public })
}

/// The type whose fields or methods follow.
fn holder_of(line: &str) -> Option<String> {
    let rest = if let Some(rest) = line.strip_prefix("impl") {
        let rest = if rest.starts_with('<') { after_brackets(rest)? } else { rest };
        rest.rsplit_once(" for ").map_or(rest, |(_, name)| name)
    } else {
        line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?
    };
    let name =
        rest.trim_start().split(|character: char| !character.is_alphanumeric() && character != '_').next()?;
    Some(name.to_owned())
}

fn after_brackets(text: &str) -> Option<&str> {
    let mut open = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '<' => open += 1,
            '>' => open = open.checked_sub(1)?,
            _ => {}
        }
        if open == 0 {
            return Some(&text[at + 1..]);
        }
    }
    None
}

fn member_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("    pub ")?;
    let rest = rest.strip_prefix("const ").unwrap_or(rest);
    let (rest, ends) = match rest.strip_prefix("fn ") {
        Some(rest) => (rest, rest.find(['(', '<'])?),
        None => (rest, rest.find(':')?),
    };
    Some(&rest[..ends])
}
