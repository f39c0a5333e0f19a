//! The text files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// What is never looked at: what is built, and what another program owns.
const SKIPPED: &[&str] = &["target", ".git", "node_modules"];

/// One text file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Relative to the repository's folder, with `/` between its parts.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is(&self, ending: &str) -> bool {
        self.path.extension() == Some(ending.as_ref())
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// All text files below `root` whose names end like this, in the order of their paths.
pub(crate) fn read(root: &Path, endings: &[&str]) -> Result<Vec<Source>, String> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.retain(|path| endings.iter().any(|ending| path.extension() == Some(ending.as_ref())));
    let read = paths.into_iter().filter_map(|path| {
        let text = fs::read_to_string(&path).ok()?; // what is no UTF-8 is no text
        Some(Source { path: path.strip_prefix(root).unwrap_or(&path).to_owned(), text })
    });
    Ok(read.collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !SKIPPED.contains(&name) {
                collect(&path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}
