//! The list of plugins on the plugin path, for the help.

use super::{Found, State, shown};

/// Columns of the help.
const COLUMNS: usize = 80;
/// Columns before the names.
const INDENT: usize = 2;
/// Columns between the names and what is said of them.
const GAP: usize = 2;
/// Columns that names are padded to, at most: what is longer gets a line of its own.
const NAME_COLUMNS_MAX: usize = 20;

/// What stands below this heading: a plugin a line, wrapped; nothing if there are none.
pub(crate) fn wrapped(heading: &str, found: &[Found]) -> String {
    let names = found.iter().map(|found| found.name.len()).max().unwrap_or(0).min(NAME_COLUMNS_MAX);
    let mut text = String::new();
    for found in found {
        entry(&found.name, &said(found), names, &mut text);
    }
    if text.is_empty() { text } else { format!("{heading}:\n{text}\n") }
}

fn said(found: &Found) -> String {
    match &found.state {
        State::Usable(description) => description.description.clone(),
        State::Broken(why) => format!("[{why}: {}]", shown(&found.path)),
        State::Distrusted(why) => {
            format!("[not trusted: {}: {}]", crate::words::one_line(why), shown(&found.path))
        }
        State::Shadowed(by) => {
            format!("[shadowed by {}: {}]", crate::words::one_line(by), shown(&found.path))
        }
    }
}

/// One entry, the name padded to so many columns; lines that follow are indented like the first's text.
pub(crate) fn entry(name: &str, text: &str, names: usize, out: &mut String) {
    let margin = INDENT + names + GAP;
    let mut line = format!("{:INDENT$}{name:names$}{:GAP$}", "", "");
    if name.len() > names {
        out.push_str(line.trim_end());
        out.push('\n');
        line = " ".repeat(margin);
    }
    let mut is_first = true;
    for word in text.split(' ').flat_map(|word| pieces(word, COLUMNS - margin)) {
        let width = line.chars().count() + usize::from(!is_first) + word.chars().count();
        if !is_first && width > COLUMNS {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(margin);
            is_first = true;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(&word);
        is_first = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// A word, in pieces if it is longer than a line.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters.chunks(width).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::description::Description;
    use super::*;

    fn found(name: &str, description: &str) -> Found {
        let (name, description, version) = (name.to_owned(), description.to_owned(), "1".to_owned());
        let state = State::Usable(Description { name: name.clone(), description, version });
        Found { path: format!("/x/sestina-{name}").into(), name, state }
    }

    #[test]
    fn names_are_padded_and_descriptions_wrapped_with_a_hanging_indent() {
        let long = "An interactive remote debugger service accessible via telnet and ssh and providing syntax coloring";
        let list = wrapped("Plugins", &[found("ftp", "An FTP server."), found("manhole", long)]);
        let expected = "Plugins:\n  ftp      An FTP server.\n  manhole  An interactive remote debugger service accessible \
                        via telnet and ssh\n           and providing syntax coloring\n\n";
        assert_eq!(list, expected);
        assert_eq!(wrapped("Plugins", &[]), "");
    }

    #[test]
    fn no_line_is_longer_than_a_terminal_whatever_a_plugin_says() {
        let words = ["x".repeat(500), "a ".repeat(300), String::new(), "é".repeat(199)];
        for words in words {
            let name = "n".repeat(64);
            let list = wrapped("Plugins", &[found(&name, &words), found("short", &words)]);
            assert!(list.lines().all(|line| line.chars().count() <= COLUMNS), "{list}");
        }
    }
}
