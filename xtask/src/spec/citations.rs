//! Which test cites which claim.
//!
//! A citation is a line `// spec: ID, ID` inside a test or right above one, or the end of a line inside. It is read from the
//! text, without a parser: the test is the function that the line stands in (the next line above that begins a function and is
//! indented less), or that follows it. A function is a test if an attribute above it is one (`#[test]`,
//! `#[sestina_trial::test(..)]`), or if it is a case of the contract, which the crate of every driver runs.

use std::collections::BTreeMap;

use super::table::is_id;
use crate::files::Source;

const MARK: &str = "// spec: ";
/// Its functions are cases: they run as tests where a driver is.
const CASES: &str = "crates/contract/src";

#[derive(Debug, Default)]
pub(crate) struct Citations {
    /// The tests that cite a claim, as `FILE: NAME`, by its id.
    pub(crate) tests: BTreeMap<String, Vec<String>>,
    /// Lines that look like citations and are none, as `FILE:LINE: why`.
    pub(crate) wrong: Vec<String>,
}

impl Citations {
    pub(crate) fn read(&mut self, source: &Source) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(words) = cited(line) else { continue };
            let place = format!("{}:{}", source.path.display(), at + 1);
            let is_case = source.path.starts_with(CASES);
            match (words.split(", ").find(|word| !is_id(word)), test_of(&lines, at, is_case)) {
                (Some(word), _) => {
                    self.wrong.push(format!("{place}: '{word}' is no id like P19-04 or REF-16"))
                }
                (None, None) => self.wrong.push(format!("{place}: the citation belongs to no test")),
                (None, Some(test)) => {
                    let test = format!("{}: {test}", source.path.display());
                    for id in words.split(", ") {
                        self.tests.entry(id.to_owned()).or_default().push(test.clone());
                    }
                }
            }
        }
    }
}

/// What a line cites: it is a citation, or ends with one behind a statement.
fn cited(line: &str) -> Option<&str> {
    let (code, words) = line.split_once(MARK)?;
    let code = code.trim();
    (code.is_empty() || code.ends_with([';', ',', '{', '}', ')'])).then(|| words.trim_end())
}

/// The name of the test to which the line belongs.
fn test_of<'a>(lines: &[&'a str], at: usize, is_case: bool) -> Option<&'a str> {
    let is_test = |begins: &usize| is_case || has_test_attribute(lines, *begins);
    let begins = enclosing(lines, at).filter(is_test).or_else(|| following(lines, at).filter(is_test))?;
    name(lines[begins])
}

fn has_test_attribute(lines: &[&str], begins: usize) -> bool {
    let above = lines[..begins].iter().rev().map(|line| line.trim());
    let mut above = above.take_while(|line| !(line.is_empty() || line.ends_with(['{', '}', ';'])));
    above.any(is_test_attribute)
}

fn is_test_attribute(line: &str) -> bool {
    let Some(path) = line.strip_prefix("#[") else { return false };
    let path = path.split(['(', ']']).next().unwrap_or_default();
    path.rsplit("::").next() == Some("test")
}

/// The function right below, with nothing but comments and attributes between.
fn following(lines: &[&str], at: usize) -> Option<usize> {
    let is_between = |line: &str| {
        let text = line.trim_start();
        text.starts_with("//") || text.starts_with("#[") || text.starts_with(')') || is_inside_attribute(text)
    };
    let mut below = lines.iter().enumerate().skip(at + 1);
    let (line, text) = below.find(|(_, line)| !is_between(line))?;
    (name(text).is_some() && indent(text) == indent(lines[at])).then_some(line)
}

/// A line of an attribute that goes over several, like `seeds = 20,`.
fn is_inside_attribute(line: &str) -> bool {
    line.contains(" = ") && line.ends_with(',')
}

/// The function in which the line stands: from line to line above, whichever opened the block of the one before.
fn enclosing(lines: &[&str], at: usize) -> Option<usize> {
    let mut inside = indent(lines[at]);
    let mut in_signature = false; // of a function whose arguments have lines of their own
    for (at, line) in lines[..at].iter().enumerate().rev() {
        let begins_signature = in_signature && indent(line) == inside;
        if line.trim().is_empty() || (indent(line) >= inside && !begins_signature) {
            continue;
        }
        if name(line).is_some() {
            return Some(at);
        }
        inside = indent(line);
        in_signature = line.trim_start().starts_with(')');
    }
    None
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub ", "async ", "const "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    rest.split(|character: char| !(character.is_alphanumeric() || character == '_')).next()
}
