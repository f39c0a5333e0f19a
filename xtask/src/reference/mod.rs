//! The reference of the book, written from the code: `cargo xtask reference`.
//!
//! Two pages: `options.md`, which an example of `sestina-cli` prints because the command lines are defined there, and
//! `limits.md`, which is read out of the sources here. They are kept in the repository, for Markdown must be readable as it
//! lies there; [`check`] fails when they say something else than the code.

mod limits;
mod scan;
mod value;

use std::fs;
use std::path::Path;

use crate::cargo;
use crate::checks::Outcome;
use crate::files;

/// Where the pages lie.
const FOLDER: &str = "book/src/reference";

/// Compares the pages with what the code says.
pub(crate) fn check(root: &Path) -> Outcome {
    for (name, text) in pages(root)? {
        let path = root.join(FOLDER).join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            return Err(format!(
                "{FOLDER}/{name} says something else than the code: `cargo xtask reference` writes it anew"
            ));
        }
    }
    Ok(())
}

/// Writes the pages.
pub(crate) fn write(root: &Path) -> Outcome {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {FOLDER}: {error}"))?;
    for (name, text) in pages(root)? {
        fs::write(folder.join(name), text)
            .map_err(|error| format!("cannot write {FOLDER}/{name}: {error}"))?;
    }
    Ok(())
}

fn pages(root: &Path) -> Result<[(&'static str, String); 2], String> {
    let sources = files::read(root, &["rs", "toml"])?;
    // The programs' own definitions say it.
    let options =
        cargo::output(root, &["run", "--quiet", "--package", "sestina-cli", "--example", "options"])?;
    Ok([("options.md", options), ("limits.md", limits::page(&sources))])
}

#[cfg(test)]
mod tests;
