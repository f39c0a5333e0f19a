//! The book quotes nothing that no test sees: `cargo xtask book`.
//!
//! A block of code stands below a line that says where it is from, and is that text:
//!
//! - `<!-- from: examples/part14/src/bin/defer-11.rs#fn main -->`: this item of this file; several are joined by ` + `; without
//!   `#` the whole file, without what stands above its first `use`.
//! - `<!-- run: part14 defer-11 -->`: the program and what it prints, which its test compares with `expected/`. `case=NAME` names
//!   another file there; arguments must stand in the test.
//! - `<!-- table: poetry/src/proxy/mod.rs -->`: the first table of this file.
//! - A block of `sh` has no such line: the tests of `cli` run it.
//!
//! Commands of cargo name packages, programs and tests that are there: see [`commands`], which looks at the README and CONTRIBUTING too.
//!
//! Links lead to other pages, never out of the book: mdBook knows nothing of the repository around it. Files are named as `code`, and
//! must be there.
//!
//! The names that `twisted.md` gives are words of our sources.
//!
//! `UPDATE_EXPECT=1 cargo xtask book` writes the blocks anew. Read the difference before you commit it.

mod commands;
mod names;
mod quote;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checks::Outcome;
use crate::files::{self, Source};

/// The book, and where its pages lie.
const BOOK: &str = "book";
const PAGES: &str = "book/src";
const SUMMARY: &str = "SUMMARY.md";
/// Pages that `cargo xtask reference` writes and compares.
const WRITTEN: &str = "reference";
/// The repository's folders: what is named with one of them in front must be there.
const FOLDERS: &[&str] =
    &["bench", "book", "cli", "crates", "examples", "fuzz", "pictures", "poetry", "spec", "sys", "xtask"];
/// Languages of blocks that need not say where they are from.
const UNQUOTED: &[&str] = &["sh"];

/// Compares every quoted block with what it quotes, or writes it anew.
pub(crate) fn check(root: &Path) -> Outcome {
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| !value.is_empty());
    let pages = files::read(&root.join(PAGES), &["md"])?;
    let mut broken = forgotten(&pages);
    broken.extend(outside(&files::read(&root.join(BOOK), &["md"])?));
    broken.extend(pages.iter().flat_map(leading_out));
    broken.extend(pages.iter().flat_map(|page| missing(page, &|path| root.join(path).exists())));
    if let Some(page) = pages.iter().find(|page| page.path == Path::new(names::PAGE)) {
        broken.extend(names::unknown(page, &files::read(&root.join("crates"), &["rs"])?));
    }
    broken.extend(commands::wrong(&files::read(root, &["md", "rs", "toml"])?));
    let read = |path: &Path| read(&root.join(path));
    for page in pages.iter().filter(|page| !page.path.starts_with(WRITTEN)) {
        match filled(&page.text, &read) {
            Ok(text) if text == page.text => {}
            Ok(text) if update => {
                let path = root.join(PAGES).join(&page.path);
                fs::write(&path, text)
                    .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            }
            Ok(text) => broken.push(format!(
                "{}:{}: not what it quotes",
                page.name(),
                first_difference(&text, &page.text)
            )),
            Err(why) => broken.push(format!("{}:{why}", page.name())),
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let hint = "`UPDATE_EXPECT=1 cargo xtask book` quotes anew";
    Err(format!("{hint}\n  {PAGES}/{}", broken.join(&format!("\n  {PAGES}/"))))
}

/// A file; of a folder, all files that lie in it.
fn read(path: &Path) -> Option<String> {
    if !path.is_dir() {
        return fs::read_to_string(path).ok();
    }
    let files = fs::read_dir(path).ok()?.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    Some(files.collect())
}

/// Pages that the summary does not name.
fn forgotten(pages: &[Source]) -> Vec<String> {
    let summary = pages.iter().find(|page| page.path == Path::new(SUMMARY));
    let links = summary.map(|page| crate::markdown::Page::new(&page.text).links()).unwrap_or_default();
    let named: BTreeSet<PathBuf> = links.iter().map(|link| PathBuf::from(&link.target)).collect();
    let lost = pages.iter().filter(|page| page.path != Path::new(SUMMARY) && !named.contains(&page.path));
    lost.map(|page| format!("{}: {SUMMARY} does not name it", page.name())).collect()
}

/// Markdown of the book that is no page: nobody compares its blocks.
fn outside(book: &[Source]) -> Vec<String> {
    let lost = book.iter().filter(|file| !file.path.starts_with("src"));
    lost.map(|file| format!("../{}: a page of the book lies in {PAGES}", file.name())).collect()
}

fn leading_out(page: &Source) -> Vec<String> {
    let links = crate::markdown::Page::new(&page.text).links();
    let out = links.into_iter().filter(|link| link.target.starts_with("../"));
    out.map(|link| format!("{}:{}: '{}' leads out of the book", page.name(), link.line, link.target))
        .collect()
}

/// Names of files of the repository, as `code` with a folder of [`FOLDERS`] in front, that are not there.
pub(crate) fn missing(page: &Source, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let lines = page.text.lines().enumerate();
    let names =
        lines.flat_map(|(at, line)| line.split('`').skip(1).step_by(2).map(move |name| (at + 1, name)));
    let of_ours = names.filter(|(_, name)| {
        let folder = name.split_once('/').map(|(folder, _)| folder);
        folder.is_some_and(|folder| FOLDERS.contains(&folder)) && !name.contains(char::is_whitespace)
    });
    let gone = of_ours.filter(|(_, name)| !exists(name));
    gone.map(|(line, name)| format!("{}:{line}: there is no '{name}'", page.name())).collect()
}

fn first_difference(one: &str, other: &str) -> usize {
    let same = one.lines().zip(other.lines()).take_while(|(one, other)| one == other).count();
    same + 1
}

/// The page with every block as it should be.
fn filled(text: &str, read: &dyn Fn(&Path) -> Option<String>) -> Result<String, String> {
    let mut page = String::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        page.push_str(line);
        page.push('\n');
        if let Some(quote) = quote::parse(line) {
            let block =
                quote.and_then(|quote| quote.block(read)).map_err(|why| format!("{}: {why}", at + 1))?;
            page.push_str(&block);
            while lines.next_if(|(_, line)| block.starts_with('|') && line.starts_with('|')).is_some() {}
            if lines.next_if(|(_, line)| line.starts_with("```")).is_some() {
                lines.by_ref().find(|(_, line)| line.starts_with("```"));
            }
        } else if let Some(language) = line.trim_start().strip_prefix("```") {
            if !UNQUOTED.contains(&language) {
                return Err(format!("{}: a block of '{language}' says where it is from", at + 1));
            }
            for (_, line) in lines.by_ref() {
                page.push_str(line);
                page.push('\n');
                if line.trim_start().starts_with("```") {
                    break;
                }
            }
        } else if line.trim_start().starts_with("~~~") || line.starts_with("    ") {
            return Err(format!("{}: code is fenced by ```, so that it can be compared", at + 1));
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests;
