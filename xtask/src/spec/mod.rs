//! What the introduction claims, and where each claim is shown: `cargo xtask spec`.
//!
//! `spec/claims.md` lists the claims; a test that shows one says so in a comment, `// spec: P19-04, P19-29`. The command counts,
//! and fails where the list and the tests do not agree: see [`verdict`].

mod citations;
mod table;
mod verdict;

use std::collections::BTreeMap;
use std::path::Path;

use crate::checks::Outcome;
use crate::files::{self, Source};
use crate::markdown::Page;

/// Where the list lies.
const LIST: &str = "spec/claims.md";

/// Prints the counts and the claims without a test, and fails if list and tests do not agree.
pub(crate) fn check(root: &Path) -> Outcome {
    let sources = files::read(root, &["rs", "md"])?;
    let told = judge(&sources)?;
    print!("{}", told.report);
    if told.broken.is_empty() { Ok(()) } else { Err(format!("\n  {}", told.broken.join("\n  "))) }
}

/// Prints the rows of these claims, each with the tests that cite it.
pub(crate) fn show(root: &Path, ids: &[&str]) -> Outcome {
    print!("{}", shown(&files::read(root, &["rs", "md"])?, ids)?);
    Ok(())
}

fn shown(sources: &[Source], ids: &[&str]) -> Result<String, String> {
    let (list, table, cited) = read(sources)?;
    let mut text = String::new();
    for id in ids {
        let claim = table.claims.iter().find(|claim| claim.id == *id);
        let claim = claim.ok_or_else(|| format!("{LIST} has no claim '{id}'"))?;
        text.push_str(list.text.lines().nth(claim.line - 1).unwrap_or_default());
        text.push('\n');
        match cited.tests.get(*id) {
            Some(tests) => tests.iter().for_each(|test| text.push_str(&format!("  {test}\n"))),
            None => text.push_str("  no test cites it\n"),
        }
    }
    Ok(text)
}

fn judge(sources: &[Source]) -> Result<verdict::Verdict, String> {
    let (_, table, cited) = read(sources)?;
    let headings: BTreeMap<String, Vec<String>> = sources
        .iter()
        .filter(|source| source.is("md"))
        .map(|source| (source.name(), Page::new(&source.text).anchors()))
        .collect();
    Ok(verdict::Verdict::new(&table, &cited, &headings))
}

/// The list, as a file and as a table, and who cites it.
fn read(sources: &[Source]) -> Result<(&Source, table::Table, citations::Citations), String> {
    let list = sources.iter().find(|source| source.path == Path::new(LIST));
    let list = list.ok_or_else(|| format!("there is no {LIST}"))?;
    let table = table::Table::read(&list.text).map_err(|error| format!("{LIST}:{error}"))?;
    let mut cited = citations::Citations::default();
    for source in sources.iter().filter(|source| source.is("rs")) {
        cited.read(source);
    }
    Ok((list, table, cited))
}

#[cfg(test)]
mod tests;
