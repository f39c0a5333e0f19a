//! Text for a terminal: columns that stand below each other, and strangers' words made harmless.

use std::fmt::Write as _;
use std::time::Duration;

/// How much of a stranger's word is said back in an error, in characters.
const WORD_CHARACTERS_MAX: usize = 80;
/// Between two columns.
const GAP: &str = "  ";

/// Which side of a column its cells stand on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Lines with a head, every column as wide as its widest cell. Cells are made harmless.
pub(crate) fn table(head: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    let names: Vec<String> = head.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(names)
        .chain(rows.iter().map(|row| row.iter().map(|cell| harmless(cell)).collect()))
        .collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for ((cell, width), (_, side)) in row.iter().zip(&widths).zip(head) {
            let gap = if line.is_empty() { "" } else { GAP };
            match side {
                Side::Left => write!(line, "{gap}{cell:<width$}"),
                Side::Right => write!(line, "{gap}{cell:>width$}"),
            }
            .expect("a string takes everything");
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}

/// A time as people read it: `0.250s`, `12.0s`, `3m05s`, `2h07m`, `5d03h`.
pub(crate) fn brief(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{seconds}.{:03}s", time.subsec_millis()),
        10..60 => format!("{seconds}.{}s", time.subsec_millis() / 100),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `text` with everything escaped that would end the line, move a terminal's cursor, or turn text around.
pub(crate) fn harmless(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_treacherous(character) {
            write!(line, "{}", character.escape_default()).expect("a string takes everything");
        } else {
            line.push(character);
        }
    }
    line
}

/// Line and paragraph separators, and what changes the direction of text.
const fn is_treacherous(character: char) -> bool {
    matches!(
        character,
        '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The beginning of a stranger's word, harmless.
pub(crate) fn shortened(word: &str) -> String {
    let mut beginning: String = word.chars().take(WORD_CHARACTERS_MAX).collect();
    if beginning.len() < word.len() {
        beginning.push('…');
    }
    harmless(&beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_lines_have_no_blank_ends() {
        let rows = [
            vec!["é".to_owned(), "7".to_owned(), "x".to_owned()],
            vec!["longer".to_owned(), "12345".to_owned(), String::new()],
        ];
        let lines = table(&[("KEY", Side::Left), ("BYTES", Side::Right), ("STATE", Side::Left)], &rows);
        assert_eq!(lines, ["KEY     BYTES  STATE", "é           7  x", "longer  12345"]);
    }

    #[test]
    fn a_cell_cannot_end_its_line_or_move_the_cursor() {
        let lines = table(&[("KEY", Side::Left)], &[vec!["a\nb\u{1b}[2J\u{9b}\u{202e}\u{2028}".to_owned()]]);
        assert_eq!(lines, ["KEY", "a\\nb\\u{1b}[2J\\u{9b}\\u{202e}\\u{2028}"]);
    }

    #[test]
    fn times_are_brief() {
        let cases = [
            (Duration::ZERO, "0.000s"),
            (Duration::from_millis(250), "0.250s"),
            (Duration::from_millis(12_040), "12.0s"),
            (Duration::from_secs(185), "3m05s"),
            (Duration::from_secs(7_620), "2h07m"),
            (Duration::from_secs(442_800), "5d03h"),
        ];
        for (time, text) in cases {
            assert_eq!(brief(time), text);
        }
    }

    #[test]
    fn only_the_beginning_of_a_long_word_is_said_back() {
        assert_eq!(shortened("a\tb"), "a\\tb");
        assert_eq!(shortened(&"é".repeat(1000)), format!("{}…", "é".repeat(80)));
    }
}
