//! What the programs say about themselves: one line at a time, on the standard error, whatever was in the names.
//!
//! Nothing here panics when the standard error is closed or full: there is nobody left to be told.

use std::error::Error;
use std::io::{self, Write as _};

/// Says one line.
pub fn say(line: &str) {
    let mut text = one_line(line);
    text.push('\n');
    say_raw(&text);
}

/// Says text of our own, as it is.
pub fn say_raw(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).ok();
}

/// The error and all its sources, the outermost first: `cannot read the poem 'x': input/output error`.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// `text` with everything escaped that would end the line or move a terminal's cursor.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    escape_into(&mut line, text);
    line
}

/// The same, behind what is there.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(must_be_escaped) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut characters = from.chars();
        out.extend(characters.next().into_iter().flat_map(char::escape_default));
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// The beginning of `text` that has at most so many bytes, and ends between two characters.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Whether a character, written as it is, could end a line, move a cursor, or reorder what stands around it.
pub(crate) fn must_be_escaped(character: char) -> bool {
    let is_mark = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}');
    character.is_control() || is_bidi_control(character) || is_mark
}

/// Characters that reorder what stands around them, so that a reader sees another text than was sent.
#[must_use]
pub fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_end_the_line_or_move_the_cursor() {
        assert_eq!(one_line("a\nb\t\x1b[2J\u{9b}\u{202e}é"), "a\\nb\\t\\u{1b}[2J\\u{9b}\\u{202e}é");
    }

    #[test]
    fn a_chain_is_all_its_sources() {
        let inner = io::Error::other(io::Error::other("deep"));
        assert_eq!(chain(&inner), "deep");
        let error = sestina_reactor::ConnectError::Unresolvable {
            host: "nowhere".into(),
            source: std::sync::Arc::new(io::Error::other("no answer")),
        };
        assert_eq!(chain(&error), "the host name 'nowhere' has no address: no answer");
    }
}
