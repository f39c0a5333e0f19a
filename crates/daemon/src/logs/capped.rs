//! Text of bounded length, for what strangers wrote: however long it is, it takes a bounded place in the log.

use std::fmt::{self, Write as _};

use crate::words;

/// How much of one field, or of a message, is kept, in bytes.
pub(crate) const FIELD_BYTES_MAX: usize = 1_024;

/// Collects text up to a limit, and counts what came after it.
#[derive(Debug)]
pub(crate) struct Capped {
    text: String,
    bytes_max: usize,
    left_out: usize,
}

impl Capped {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max, left_out: 0 }
    }

    /// What was kept, with a mark if that is not all.
    pub(crate) fn finish(mut self) -> String {
        if self.left_out > 0 {
            write!(self.text, "...[{} bytes left out]", self.left_out).expect("a string takes everything");
        }
        self.text
    }

    /// What `write` writes.
    pub(crate) fn collect(write: impl FnOnce(&mut Self) -> fmt::Result) -> String {
        let mut capped = Self::new(FIELD_BYTES_MAX);
        // An error is the writer's own: what it wrote before is what there is.
        write(&mut capped).ok();
        capped.finish()
    }
}

impl fmt::Write for Capped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = if self.left_out > 0 { 0 } else { self.bytes_max - self.text.len() };
        let kept = words::beginning(text, room);
        self.text.push_str(kept);
        self.left_out += text.len() - kept.len();
        Ok(())
    }
}

/// `text`, or its first `bytes_max` bytes and a mark.
pub(crate) fn cut(text: &str, bytes_max: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= bytes_max {
        return text.into();
    }
    let mut capped = Capped::new(bytes_max);
    capped.write_str(text).expect("it takes everything");
    capped.finish().into()
}

/// Writes `text` as a string of JSON. What would disturb a terminal is escaped too: people read such logs with `cat`.
pub(crate) fn json_into(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if words::must_be_escaped(character) => {
                let mut units = [0_u16; 2];
                for unit in character.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}").expect("a string takes everything");
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_by_how_much() {
        let text = "é".repeat(FIELD_BYTES_MAX);
        let kept = Capped::collect(|out| {
            out.write_str("x")?;
            out.write_str(&text)?;
            out.write_str("y") // would still fit: but what is left out is the end
        });
        let expected = format!("x{}...[1027 bytes left out]", "é".repeat(511));
        assert_eq!(kept, expected);
        assert_eq!(Capped::collect(|out| out.write_str(&text[..1_024])), text[..1_024]);
        assert_eq!(cut("abcdef", 4), "abcd...[2 bytes left out]");
        assert_eq!(cut("abcdef", 6), "abcdef");
    }

    #[test]
    fn nothing_can_end_the_line_or_move_the_cursor() {
        let hostile = "a\n\r\t\x1b]0;x\x07\x7f\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}é\0";
        let mut text = String::new();
        words::escape_into(&mut text, hostile);
        assert_eq!(
            text,
            "a\\n\\r\\t\\u{1b}]0;x\\u{7}\\u{7f}\\u{9b}\\u{2028}\\u{2029}\\u{202e}\\u{2066}\\u{200f}é\\u{0}"
        );
        let mut json = String::new();
        json_into(&mut json, &format!("{hostile}\"\\"));
        assert!(json.chars().all(|character| !words::must_be_escaped(character)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), format!("{hostile}\"\\"));
    }
}
