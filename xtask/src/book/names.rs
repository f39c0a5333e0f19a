//! The table of names for people who know Twisted: what it says a thing is called here is a word of our sources.

use std::collections::BTreeSet;

use crate::files::Source;
use crate::markdown::cells;

/// The page with the tables.
pub(super) const PAGE: &str = "twisted.md";
/// The head of their first column.
const HEAD: &str = "Twisted";
/// Shorter ones are no names.
const LETTERS_MIN: usize = 4;

/// Names in the second column that no source has, as `PAGE:LINE: why`.
pub(super) fn unknown(page: &Source, sources: &[Source]) -> Vec<String> {
    let known: BTreeSet<&str> = sources.iter().flat_map(|source| words(&source.text)).collect();
    let mut unknown = Vec::new();
    for (at, line) in page.text.lines().enumerate() {
        let Some(cells) = cells(line, HEAD) else { continue };
        let here = cells.get(1).copied().unwrap_or_default();
        let names = here.split('`').skip(1).step_by(2).flat_map(words);
        let gone = names.filter(|name| name.len() >= LETTERS_MIN && !known.contains(name));
        unknown.extend(gone.map(|name| format!("{}:{}: no source has '{name}'", page.name(), at + 1)));
    }
    unknown
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .filter(|word| !word.is_empty())
}
