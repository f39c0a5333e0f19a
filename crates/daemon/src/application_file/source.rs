//! The text of an application file, and the places in it.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::problem::Problem;
use super::refused::FileRefused;
use crate::words;

/// How long an application file may be, in bytes. A service takes about 100.
pub(crate) const APPLICATION_FILE_BYTES_MAX: u64 = 1 << 20;

/// Columns of an offending line that are shown.
const COLUMNS_SHOWN: usize = 100;
/// Columns before the offending place that are shown of a longer line.
const COLUMNS_BEFORE: usize = 40;
/// What is called Python, and is not run.
const PYTHON: [&str; 4] = ["tac", "py", "tap", "tas"];

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// Reads a file, which is `shown` in messages. A pipe is none: opening it would wait for somebody who writes.
    pub(crate) fn read(path: &Path, shown: &Path) -> Result<Self, FileRefused> {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        if extension.is_some_and(|extension| PYTHON.iter().any(|python| extension == *python)) {
            return Err(FileRefused::Python(shown.to_owned()));
        }
        let unreadable = |source: io::Error| FileRefused::Unreadable { path: shown.to_owned(), source };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| unreadable(error.into()))?;
        let file = File::from(file);
        let kind = file.metadata().map_err(unreadable)?.file_type();
        if !kind.is_file() {
            let what = match kind {
                kind if kind.is_dir() => "a directory",
                kind if kind.is_fifo() => "a pipe",
                _ => "no regular file",
            };
            return Err(FileRefused::NoFile { path: shown.to_owned(), what });
        }
        let mut bytes = Vec::new();
        file.take(APPLICATION_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > APPLICATION_FILE_BYTES_MAX) {
            return Err(FileRefused::TooLong(shown.to_owned()));
        }
        Self::of_bytes(shown, bytes)
    }

    fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, FileRefused> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path: path.to_owned(), text }),
            Err(error) => {
                let end = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let source = Self { path: path.to_owned(), text };
                let problem = Problem::new(end..end + 1, "this is not valid UTF-8");
                Err(FileRefused::wrong(source, vec![problem]))
            }
        }
    }

    #[cfg(test)]
    pub(super) fn of_text(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// `app.toml:3:10`: where this is, counted from 1, in characters.
    pub(super) fn place(&self, span: &Range<usize>) -> String {
        let (line, column, _) = self.line(span.start);
        format!("{}:{line}:{column}", words::one_line(&self.path.display().to_string()))
    }

    /// The offending line, and marks below the offending place.
    pub(super) fn excerpt(&self, span: &Range<usize>) -> String {
        let (number, column, line) = self.line(span.start);
        let skipped = if column > COLUMNS_SHOWN { column - COLUMNS_BEFORE } else { 0 };
        let shown: Vec<String> = line.chars().skip(skipped).take(COLUMNS_SHOWN).map(visible).collect();
        let before: usize =
            shown.iter().take(column - 1 - skipped).map(|character| character.chars().count()).sum();
        let length = self.text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        let marks = length.chars().count().clamp(1, COLUMNS_SHOWN - before.min(COLUMNS_SHOWN - 1));
        let (text, number) = (shown.concat(), number.to_string());
        let margin = " ".repeat(number.len());
        let (spaces, marks) = (" ".repeat(before), "^".repeat(marks));
        format!("  {number} | {}\n  {margin} | {spaces}{marks}\n", text.trim_end())
    }

    /// The number of the line at this offset, the column, and the line.
    fn line(&self, offset: usize) -> (usize, usize, &str) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let (before, after) = self.text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(self.text.len(), |newline| offset + newline);
        let number = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (number, before[start..].chars().count() + 1, &self.text[start..end])
    }
}

fn visible(character: char) -> String {
    match character {
        '\t' => " ".to_owned(),
        '\r' => String::new(),
        other => words::one_line(other.encode_utf8(&mut [0; 4])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_and_in_characters() {
        let source = Source::of_text("app.toml", "a = 1\né = \"x\"\n");
        assert_eq!(source.place(&(0..1)), "app.toml:1:1");
        assert_eq!(source.place(&(11..14)), "app.toml:2:5");
        assert_eq!(source.excerpt(&(11..14)), "  2 | é = \"x\"\n    |     ^^^\n");
        assert_eq!(source.place(&(999..1000)), "app.toml:3:1");
    }

    #[test]
    fn no_line_moves_the_cursor_or_fills_the_screen() {
        let long = format!("a = \"\x1b[2J{}\"", "x".repeat(10_000));
        let source = Source::of_text("app\n.toml", &long);
        assert_eq!(source.place(&(4..5)), "app\\n.toml:1:5");
        for at in [0, 4, 6, 200, 9_999, long.len()] {
            let excerpt = source.excerpt(&(at..long.len()));
            assert!(excerpt.lines().all(|line| line.chars().count() < 130), "{excerpt}");
            assert!(!excerpt.contains('\x1b') && excerpt.contains('^'), "{excerpt}");
        }
    }
}
