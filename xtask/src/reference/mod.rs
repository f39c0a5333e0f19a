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
use std::process::Command;

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
    Ok([("options.md", options(root)?), ("limits.md", limits::page(&sources))])
}

/// Asks the programs' own definitions.
fn options(root: &Path) -> Result<String, String> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(program);
    command.args(["run", "--quiet", "--package", "sestina-cli", "--example", "options"]).current_dir(root);
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err("the example `options` of sestina-cli failed".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| format!("the page of options is no text: {error}"))
}

#[cfg(test)]
mod tests;
