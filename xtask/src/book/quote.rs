//! One quotation: which lines of which file.

use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) enum Quote<'a> {
    /// A file, or some of its items.
    From { path: PathBuf, items: Vec<&'a str> },
    /// The first table in a file, also in a module's documentation.
    Table { path: PathBuf },
    /// What a program of the examples prints.
    Run { package: &'a str, program: &'a str, case: &'a str, arguments: Vec<&'a str> },
}

/// What the line quotes, if it is such a line.
pub(super) fn parse(line: &str) -> Option<Result<Quote<'_>, String>> {
    let words = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    if let Some(from) = words.strip_prefix("from: ") {
        let (path, items) = from
            .split_once('#')
            .map_or((from, Vec::new()), |(path, items)| (path, items.split(" + ").collect()));
        return Some(Ok(Quote::From { path: path.into(), items }));
    }
    if let Some(path) = words.strip_prefix("table: ") {
        return Some(Ok(Quote::Table { path: path.into() }));
    }
    let mut words = words.strip_prefix("run: ")?.split(' ');
    let (Some(package), Some(program)) = (words.next(), words.next()) else {
        return Some(Err("run what? PACKAGE PROGRAM [case=NAME] [ARGUMENT..]".to_owned()));
    };
    let (cases, arguments): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with("case="));
    let case = cases.first().and_then(|case| case.strip_prefix("case=")).unwrap_or(program);
    Some(Ok(Quote::Run { package, program, case, arguments }))
}

impl Quote<'_> {
    /// The block as it should stand below the line.
    pub(super) fn block(&self, read: &dyn Fn(&Path) -> Option<String>) -> Result<String, String> {
        let open = |path: &Path| read(path).ok_or_else(|| format!("there is no file {}", path.display()));
        match self {
            Self::From { path, items } => {
                let text = open(path)?;
                let lines: Vec<&str> = text.lines().collect();
                let pieces: Result<Vec<String>, String> = items
                    .iter()
                    .map(|name| item(&lines, name).ok_or_else(|| format!("{}: no '{name}'", path.display())))
                    .collect();
                let pieces = pieces?;
                let body = if pieces.is_empty() { whole(&lines) } else { pieces.join("\n\n") };
                let language = match path.extension().and_then(|ending| ending.to_str()) {
                    Some("rs") => "rust",
                    Some("toml") => "toml",
                    _ => "console",
                };
                Ok(format!("```{language}\n{body}\n```\n"))
            }
            Self::Table { path } => {
                let text = open(path)?;
                let rows = text.lines().map(|line| line.strip_prefix("//! ").unwrap_or(line));
                let rows: Vec<&str> = rows
                    .skip_while(|line| !line.starts_with('|'))
                    .take_while(|line| line.starts_with('|'))
                    .collect();
                match rows.as_slice() {
                    [] => Err(format!("{}: no table", path.display())),
                    rows => Ok(format!("{}\n", rows.join("\n"))),
                }
            }
            Self::Run { package, program, case, arguments } => {
                let folder = Path::new("examples").join(package);
                let said = open(&folder.join("expected").join(format!("{case}.txt")))?;
                let test = open(&folder.join("tests"))?;
                let shown = [format!("program!(\"{program}\")")]
                    .into_iter()
                    .chain(arguments.iter().map(|word| format!("\"{word}\"")));
                if let Some(missing) = shown.into_iter().find(|shown| !test.contains(shown.as_str())) {
                    return Err(format!("no test of {package} has {missing}"));
                }
                let arguments: String = arguments.iter().map(|word| format!(" {word}")).collect();
                let dashes = if arguments.is_empty() { "" } else { " --" };
                let command =
                    format!("$ cargo run -q -p sestina-example-{package} --bin {program}{dashes}{arguments}");
                Ok(format!("```console\n{command}\n{}\n```\n", said.trim_end()))
            }
        }
    }
}

/// A file without its module's documentation, inner attributes and the blank lines after them.
fn whole(lines: &[&str]) -> String {
    let is_front = |line: &&&str| line.is_empty() || line.starts_with("//!") || line.starts_with("#![");
    let front = lines.iter().take_while(is_front).count();
    lines[front..].join("\n")
}

/// The item whose first line begins with `name`, with its documentation and attributes, moved to the left.
fn item(lines: &[&str], name: &str) -> Option<String> {
    let begins = |line: &&str| {
        bare(line)
            .strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    };
    let at = lines.iter().position(begins)?;
    let indent = lines[at].len() - lines[at].trim_start().len();
    let is_above = |line: &&&str| {
        let text = line.trim_start();
        (text.starts_with("///") || text.starts_with("#[") || text.starts_with("// "))
            && !text.starts_with("// spec:")
    };
    let above = lines[..at].iter().rev().take_while(is_above).count();
    let is_last = |line: &&str| {
        let text = line.get(indent..).unwrap_or_default();
        !text.starts_with(' ') && (text.ends_with('}') || text.ends_with(';')) && !text.starts_with("//")
    };
    let length = lines[at..].iter().position(is_last)?;
    let is_kept = |line: &&&str| !line.trim_start().starts_with("// spec:");
    let kept = lines[at - above..=at + length].iter().filter(is_kept);
    Some(kept.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

/// Without who may see it and how it runs.
fn bare(line: &str) -> &str {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest
}
