//! No dead links: every relative link in every Markdown file leads to a file, and to a heading in it.
//!
//! Nothing is asked of the network: what lies on other machines is not looked at.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::checks::Outcome;
use crate::files::{self, Source};
use crate::markdown::Page;

/// Over the whole repository.
pub(crate) fn check(root: &Path) -> Outcome {
    let dead = dead(root, &files::read(root, &["md"])?);
    if dead.is_empty() { Ok(()) } else { Err(format!("dead links\n  {}", dead.join("\n  "))) }
}

fn dead(root: &Path, sources: &[Source]) -> Vec<String> {
    let pages: BTreeMap<&Path, Page> =
        sources.iter().map(|source| (source.path.as_path(), Page::new(&source.text))).collect();
    let mut dead = Vec::new();
    for (path, page) in &pages {
        for link in page.links() {
            if let Err(why) = follow(root, path, &link.target, &pages) {
                dead.push(format!("{}:{}: '{}': {why}", path.display(), link.line, link.target));
            }
        }
    }
    dead
}

fn follow(root: &Path, from: &Path, target: &str, pages: &BTreeMap<&Path, Page>) -> Result<(), &'static str> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let to = if file.is_empty() {
        from.to_owned()
    } else {
        beside(from, file).ok_or("it leads out of the repository")?
    };
    if !pages.contains_key(to.as_path()) && !root.join(&to).exists() {
        return Err("there is no such file");
    }
    let Some(anchor) = anchor else { return Ok(()) };
    let page = pages.get(to.as_path()).ok_or("only Markdown has headings")?;
    if page.anchors().iter().any(|there| there == anchor) { Ok(()) } else { Err("there is no such heading") }
}

/// `file` as it is meant in a page at `from`, without `..`.
fn beside(from: &Path, file: &str) -> Option<PathBuf> {
    joined(from.parent()?, file)
}

/// A path as it is meant in a folder, without `..`.
pub(crate) fn joined(folder: &Path, file: &str) -> Option<PathBuf> {
    let mut parts: Vec<Component<'_>> = folder.components().collect();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::CurDir => {}
            Component::Normal(_) => parts.push(part),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(pages: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source { path: path.into(), text: (*text).to_owned() };
        dead(Path::new("nowhere"), &pages.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn files_and_headings_must_be_there() {
        let a = "# A\n[b](b/c.md) [h](b/c.md#c) [self](#a) [not](d.md) [nor](b/c.md#d) [out](../x)";
        let dead = pages(&[("a.md", a), ("b/c.md", "# C\n[up](../a.md#a)")]);
        assert_eq!(
            dead,
            [
                "a.md:2: 'd.md': there is no such file",
                "a.md:2: 'b/c.md#d': there is no such heading",
                "a.md:2: '../x': it leads out of the repository",
            ]
        );
    }

    #[test]
    fn this_house_has_no_dead_links() {
        assert_eq!(check(&crate::checks::root()), Ok(()));
    }
}
