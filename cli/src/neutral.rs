//! Text from strangers, made harmless for a terminal.
//!
//! What a terminal would obey is shown instead of sent: control characters as `^[`, the rest as U+FFFD. Which bytes are
//! harmless is decided by their class alone, and never by what came before: a filter that knows escape sequences can be
//! led out of step, and this one cannot. It only remembers what a cut through the stream has left unfinished.

use sestina_daemon::words::is_bidi_control;
use std::str;

/// Instead of what is no text, or has no harmless picture of its own.
const REPLACEMENT: char = '\u{fffd}';

/// Makes a stream harmless, in whatever pieces it comes.
///
/// Kept: text, line feeds, tabs, and a carriage return right before a line feed.
#[derive(Debug, Default)]
pub(crate) struct Neutral {
    /// The beginning of a character whose end has not come. Invariant: at most three bytes.
    begun: Vec<u8>,
    /// A carriage return came last: harmless if a line feed follows.
    after_return: bool,
}

impl Neutral {
    /// The harmless form of the next piece.
    pub(crate) fn bytes_in(&mut self, bytes: &[u8]) -> String {
        let mut input = std::mem::take(&mut self.begun);
        input.extend_from_slice(bytes);
        let mut rest: &[u8] = &input;
        let mut text = String::with_capacity(rest.len());
        loop {
            match str::from_utf8(rest) {
                Ok(valid) => {
                    self.characters_in(valid, &mut text);
                    return text;
                }
                Err(error) => {
                    let (valid, others) = rest.split_at(error.valid_up_to());
                    self.characters_in(str::from_utf8(valid).unwrap_or_default(), &mut text);
                    let Some(invalid) = error.error_len() else {
                        self.begun = others.to_vec();
                        return text;
                    };
                    self.character_in(REPLACEMENT, &mut text);
                    rest = &others[invalid..];
                }
            }
        }
    }

    /// What is left when no more comes.
    pub(crate) fn finish(mut self) -> String {
        let mut text = String::new();
        if !self.begun.is_empty() {
            self.character_in(REPLACEMENT, &mut text);
        }
        if self.after_return {
            text.push_str("^M");
        }
        text
    }

    fn characters_in(&mut self, characters: &str, text: &mut String) {
        for character in characters.chars() {
            self.character_in(character, text);
        }
    }

    fn character_in(&mut self, character: char, text: &mut String) {
        if std::mem::take(&mut self.after_return) {
            text.push_str(if character == '\n' { "\r" } else { "^M" });
        }
        match character {
            '\r' => self.after_return = true,
            '\n' | '\t' => text.push(character),
            '\0'..='\x1f' | '\x7f' => {
                text.push('^');
                text.push(caret_letter(character));
            }
            '\u{80}'..='\u{9f}' => text.push(REPLACEMENT),
            _ if is_bidi_control(character) => text.push(REPLACEMENT),
            _ => text.push(character),
        }
    }
}

/// The letter that makes this control character together with the control key: `[` for escape, `?` for delete.
fn caret_letter(control: char) -> char {
    u8::try_from(control).map_or(REPLACEMENT, |byte| char::from(byte ^ 0x40))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> String {
        let mut neutral = Neutral::default();
        let text = neutral.bytes_in(bytes);
        text + &neutral.finish()
    }

    #[test]
    fn poems_pass_as_they_are() {
        for poem in ["Science! true\n\tdaughter\r\n", "Forse perché della fatal quïete — 詩 🌙 e\u{301}"]
        {
            assert_eq!(whole(poem.as_bytes()), poem);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        let cases: [(&[u8], &str); 12] = [
            (b"\x1b[2J", "^[[2J"),
            (b"\x1b]0;title\x07", "^[]0;title^G"),
            (b"\0\x08\x0b\x0c\x0e\x1f\x7f", "^@^H^K^L^N^_^?"),
            (b"over\rwritten", "over^Mwritten"),
            (b"a\r\r\nb", "a^M\r\nb"),
            (b"end\r", "end^M"),
            (b"\x9b31m", "\u{fffd}31m"),
            ("\u{9b}31m".as_bytes(), "\u{fffd}31m"),
            ("\u{85}".as_bytes(), "\u{fffd}"),
            ("\u{202e}txet\u{2066}".as_bytes(), "\u{fffd}txet\u{fffd}"),
            (b"\xff\xc0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"cut \xe8\xa9", "cut \u{fffd}"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(whole(bytes), shown, "{bytes:?}");
        }
    }

    /// Wherever the stream is cut, once or into single bytes, the result is the same.
    #[test]
    fn cuts_do_not_matter() {
        let mut bytes = "a\r\n\x1b[1m詩\u{9b}\u{202e}🌙\r".as_bytes().to_vec();
        bytes.extend_from_slice(b"\xf0\x9f\x8c\r\n\xe8\xff\r\x1b\xc2");
        let expected = whole(&bytes);
        for cut in 0..=bytes.len() {
            let mut neutral = Neutral::default();
            let (first, second) = bytes.split_at(cut);
            let text = neutral.bytes_in(first) + &neutral.bytes_in(second);
            assert_eq!(text + &neutral.finish(), expected, "cut at {cut}");
        }
        let mut neutral = Neutral::default();
        let text: String = bytes.iter().map(|&byte| neutral.bytes_in(&[byte])).collect();
        assert_eq!(text + &neutral.finish(), expected);
    }

    /// No byte string of up to three bytes brings a control character through, except the three that are kept.
    #[test]
    fn nothing_gets_through() {
        let interesting =
            [0x00, 0x07, 0x1b, b'\r', b'\n', b'\t', b'a', 0x7f, 0x80, 0x85, 0x9b, 0xc2, 0xe2, 0xff];
        for first in interesting {
            for second in interesting {
                for third in interesting {
                    let shown = whole(&[first, second, third]);
                    let harmless = shown.replace("\r\n", "").replace(['\n', '\t'], "");
                    assert!(!harmless.chars().any(char::is_control), "{shown:?}");
                }
            }
        }
    }
}
