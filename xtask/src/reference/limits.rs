//! The page of limits: a section a crate, a table of what its users can name or set, and one of what is fixed.

use std::path::Path;

use super::scan::{Constant, Found};
use super::value::{Value, shown, worked_out};
use crate::files::Source;

const HEAD: &str = "\
# Limits

<!-- Written by `cargo xtask reference` from the constants in the sources: change those. -->

Every bound on memory, time and number is a constant with a name. Here are their values, what they are for, and what sets another
value where that can be done: a method of the library, or a key of an endpoint; the options of the programs have a
[page of their own](options.md). A KiB is 1,024 bytes.
";

/// Crates whose bounds nobody meets who uses the system.
const LEFT_OUT: &[&str] = &["crates/contract", "crates/trial-macros", "xtask", "fuzz", "bench"];

/// The page of these sources, among which are the manifests of the crates.
pub(crate) fn page(sources: &[Source]) -> String {
    let shipped: Vec<Source> = sources.iter().filter(|source| is_shipped(&source.path)).cloned().collect();
    let found = Found::new(&shipped);
    let mut page = HEAD.to_owned();
    let mut rooms: Vec<&Path> = found.constants.iter().filter_map(|constant| room(&constant.file)).collect();
    rooms.dedup();
    for of in rooms {
        let here = found.constants.iter().filter(|constant| room(&constant.file) == Some(of));
        let rows: Vec<Row> =
            here.filter(|constant| bounds(constant)).map(|constant| Row::new(&found, constant)).collect();
        let (known, fixed): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.is_public || !row.setter.is_empty());
        if !known.is_empty() || !fixed.is_empty() {
            page.push_str(&format!("\n## {}\n", package(sources, of)));
        }
        page.push_str(&table("limit | value | what for | set by", &known, |row| &row.setter));
        page.push_str(&table("fixed | value | what for | where", &fixed, |row| &row.place));
    }
    page
}

/// Sources of what is built for users, and neither their tests nor their examples.
fn is_shipped(path: &Path) -> bool {
    if path.extension() != Some("rs".as_ref()) {
        return false;
    }
    let is_left_out = LEFT_OUT.iter().any(|folder| path.starts_with(folder));
    room(path).is_some() && !is_left_out && !path.starts_with("examples")
}

/// The folder of a crate, if the file is one of its sources.
fn room(path: &Path) -> Option<&Path> {
    path.ancestors().find(|folder| folder.ends_with("src"))?.parent()
}

/// The name by which others depend on the crate in this folder.
fn package(sources: &[Source], folder: &Path) -> String {
    let manifest = sources.iter().find(|source| source.path == folder.join("Cargo.toml"));
    let name = manifest.and_then(|source| source.text.lines().find_map(|line| line.strip_prefix("name = ")));
    name.map_or_else(|| folder.display().to_string(), |name| name.trim_matches('"').to_owned())
}

/// Whether the constant bounds something. What users can name and is a number or a time does; within a crate there are also
/// numbers of protocols and tables.
fn bounds(constant: &Constant) -> bool {
    let kinds = ["usize", "u8", "u16", "u32", "u64", "Duration", "NonZero", "Option<Duration>", "Option<u"];
    let is_number = kinds.iter().any(|kind| constant.kind.starts_with(kind));
    let is_time = constant.kind.contains("Duration");
    let words = ["MAX", "MIN", "LIMIT", "TIMEOUT"];
    let is_named_so = constant.name.split('_').any(|word| words.contains(&word));
    is_time || is_number && (constant.is_public || is_named_so)
}

/// What is said of one constant, ready for a table.
struct Row {
    name: String,
    value: String,
    purpose: String,
    setter: String,
    place: String,
    is_public: bool,
}

impl Row {
    fn new(found: &Found, constant: &Constant) -> Self {
        let value = value(found, constant).map(|value| shown(&value, &constant.name));
        let value = value.unwrap_or_else(|| format!("`{}`", constant.expression));
        let (purpose, setter) = told(found, constant);
        let place = room(&constant.file).and_then(|room| constant.file.strip_prefix(room).ok());
        let place = place.map(|place| format!("`{}`", place.display())).unwrap_or_default();
        Self { name: constant.name.clone(), value, purpose, setter, place, is_public: constant.is_public }
    }
}

fn table(heads: &str, rows: &[Row], last: fn(&Row) -> &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = format!("\n| {heads} |\n|---|---|---|---|\n");
    for row in rows {
        table.push_str(&format!("| `{}` | {} | {} | {} |\n", row.name, row.value, row.purpose, last(row)));
    }
    table
}

fn value(found: &Found, constant: &Constant) -> Option<Value> {
    let named = |name: &str| {
        let mut others: Vec<&Constant> = found.constants.iter().filter(|other| other.name == name).collect();
        others.sort_by_key(|other| (other.file != constant.file, room(&other.file) != room(&constant.file)));
        let other = others.first().filter(|other| !std::ptr::eq(**other, constant))?;
        value(found, other)
    };
    worked_out(&constant.expression, &named)
}

/// The first sentence, and who sets another value: both out of what is written about the constant, or about the field or the
/// method whose default it is.
fn told(found: &Found, constant: &Constant) -> (String, String) {
    let first = first_sentence(&constant.docs);
    let default_of = first.strip_prefix("Default of [`").and_then(|rest| rest.strip_suffix("`]"));
    if let Some(path) = default_of {
        let member = found.members.iter().find(|member| member.path == path);
        let purpose = member.map(|member| first_sentence(&member.docs)).unwrap_or_default();
        return (plain(&purpose), format!("`{path}`"));
    }
    match first.split_once("unless ") {
        Some((_, rest)) => {
            let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let until = rest.find("otherwise").map_or("", |at| &rest[at + "otherwise".len()..]);
            let before = first.split("unless ").next().unwrap_or_default().trim_end().trim_end_matches(',');
            (plain(&format!("{before}{until}")), names.join(", "))
        }
        None => (plain(&first), String::new()),
    }
}

/// Up to a full stop at a line's end or before a capital letter, without it.
fn first_sentence(docs: &str) -> String {
    let paragraph = docs.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let ends = paragraph.match_indices(". ").map(|(at, _)| at).find(|at| {
        let next = paragraph[at + 2..].chars().next();
        next.is_some_and(|next| next.is_uppercase() || next == '[' || next == '`')
    });
    let sentence = ends.map_or(paragraph.as_str(), |at| &paragraph[..at]);
    sentence.trim().trim_end_matches('.').to_owned()
}

/// Without links, which lead into the documentation of the code, and with nothing that would end a cell.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let (name, after) = after.split_once("`]").unwrap_or((after, ""));
        plain.push_str(&format!("{before}`{name}`"));
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
    }
    plain.push_str(rest);
    plain.replace('|', "\\|")
}
