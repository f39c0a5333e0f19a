//! As much of Markdown as the checks need: headings and their anchors, links, fenced blocks, cells of tables.

use std::collections::BTreeMap;

/// What a page says, line by line, with the code taken out of it.
#[derive(Debug)]
pub(crate) struct Page {
    lines: Vec<String>,
}

/// A link with a target that is not on another machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) target: String,
}

impl Page {
    pub(crate) fn new(text: &str) -> Self {
        let mut fence: Option<String> = None;
        let lines = text.lines().map(|line| {
            let start = line.trim_start();
            match &fence {
                Some(end) if start.starts_with(end.as_str()) => fence = None,
                Some(_) => {}
                None if start.starts_with("```") || start.starts_with("~~~") => {
                    fence = Some(start.chars().take_while(|mark| start.starts_with(*mark)).collect());
                }
                None => return line.to_owned(),
            }
            String::new()
        });
        Self { lines: lines.collect() }
    }

    /// The names by which links reach the headings, made as GitHub and mdBook make them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let headings = self.lines.iter().filter_map(|line| heading(line));
        let anchors = headings.map(|heading| {
            let anchor = slug(heading);
            let times = seen.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        });
        anchors.collect()
    }

    /// Every `[text](target)`, `![text](target)` and `[name]: target`.
    pub(crate) fn links(&self) -> Vec<Link> {
        let mut found = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let text = without_code(line);
            let mut targets: Vec<&str> = text.split("](").skip(1).map(until_closed).collect();
            targets.extend(reference(&text));
            for target in targets {
                let target = target.split_whitespace().next().unwrap_or_default(); // a title may follow
                let target = target.trim_start_matches('<').trim_end_matches('>');
                let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
                let is_rustdocs = target.contains("::"); // a page that rustdoc includes: it follows its names itself
                if !is_elsewhere && !is_rustdocs {
                    found.push(Link { line: at + 1, target: target.to_owned() });
                }
            }
        }
        found
    }
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then_some(text.trim())
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

/// A target may itself have brackets, in pairs.
fn until_closed(rest: &str) -> &str {
    let mut open = 0_usize;
    for (at, character) in rest.char_indices() {
        match character {
            '(' => open += 1,
            ')' if open == 0 => return &rest[..at],
            ')' => open -= 1,
            _ => {}
        }
    }
    rest
}

fn reference(line: &str) -> Option<&str> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']')).then_some(target)
}

/// The line with every `piece of code` blanked.
fn without_code(line: &str) -> String {
    let pieces: Vec<&str> = line.split('`').collect();
    let is_paired = pieces.len() % 2 == 1;
    let kept = pieces.iter().enumerate().filter(|(at, _)| at % 2 == 0 || !is_paired);
    kept.map(|(_, piece)| *piece).collect::<Vec<_>>().join("`")
}

/// The cells of a table's row; nothing for other lines, for the row of dashes and for heads (whose first cell is `head`).
pub(crate) fn cells<'a>(line: &'a str, head: &str) -> Option<Vec<&'a str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inside.split('|').map(str::trim).collect();
    let is_rule = cells.iter().all(|cell| cell.chars().all(|mark| "-:".contains(mark)));
    (!is_rule && cells.first() != Some(&head)).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_the_anchors_that_links_use() {
        let page =
            Page::new("# One `two`, three!\n```\n# no\n```\n## Ex 1.2: a-b\n## Again\n## Again\n#no\n");
        assert_eq!(page.anchors(), ["one-two-three", "ex-12-a-b", "again", "again-1"]);
    }

    #[test]
    fn links_are_found_and_code_is_not_looked_at() {
        let page = Page::new(
            "[a](b.md#c) ![d](e(f).svg) `[x](y)`\n```\n[x](y)\n```\n[g]: h.md\n<https://i> [j](https://k)",
        );
        let targets: Vec<_> = page.links().into_iter().map(|link| (link.line, link.target)).collect();
        let wanted = [(1, "b.md#c"), (1, "e(f).svg"), (5, "h.md")];
        assert_eq!(targets, wanted.map(|(line, target)| (line, target.to_owned())));
    }

    #[test]
    fn rows_are_told_from_heads_and_rules() {
        assert_eq!(cells("| a | b c |", "id"), Some(vec!["a", "b c"]));
        assert_eq!(cells("|---|:--|", "id"), None);
        assert_eq!(cells("| id | x |", "id"), None);
        assert_eq!(cells("text", "id"), None);
    }
}
