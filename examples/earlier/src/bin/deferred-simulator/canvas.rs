//! Paper for drawings: cells that are written anywhere, and turned into lines of text at the end.

/// What a cell shows, and with which paint.
type Cell = (char, Paint);

/// What a colour means here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Title,
    /// On the way of a value.
    Value,
    /// On the way of a failure.
    Failure,
    /// Not on the way.
    Faint,
}

impl Paint {
    /// The escape sequence that turns it on.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Title => "\u{1b}[1m",
            Self::Value => "\u{1b}[32m",
            Self::Failure => "\u{1b}[31m",
            Self::Faint => "\u{1b}[2m",
        }
    }
}

const RESET: &str = "\u{1b}[0m";

#[derive(Default)]
pub(crate) struct Canvas {
    rows: Vec<Vec<Cell>>,
}

impl Canvas {
    pub(crate) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Writes `text` so that it begins here.
    pub(crate) fn put(&mut self, row: usize, column: usize, text: &str, paint: Paint) {
        if self.rows.len() <= row {
            self.rows.resize_with(row + 1, Vec::new);
        }
        let cells = &mut self.rows[row];
        for (at, character) in text.chars().enumerate().map(|(at, character)| (column + at, character)) {
            if cells.len() <= at {
                cells.resize(at + 1, (' ', Paint::Plain));
            }
            cells[at] = (character, paint);
        }
    }

    /// Writes `text` so that its middle is here.
    pub(crate) fn put_centred(&mut self, row: usize, column: usize, text: &str, paint: Paint) {
        self.put(row, column.saturating_sub(text.chars().count() / 2), text, paint);
    }

    /// Puts a copy of another drawing here.
    pub(crate) fn paste(&mut self, column: usize, other: &Self) {
        for (row, cells) in other.rows.iter().enumerate() {
            for (at, (character, paint)) in cells.iter().enumerate() {
                self.put(row, column + at, character.encode_utf8(&mut [0; 4]), *paint);
            }
        }
    }

    /// The lines, without blanks at their ends.
    pub(crate) fn render(&self, in_colour: bool) -> String {
        let mut text = String::new();
        for cells in &self.rows {
            let end = cells.iter().rposition(|cell| cell.0 != ' ').map_or(0, |last| last + 1);
            render_row(&mut text, &cells[..end], in_colour);
            text.push('\n');
        }
        text
    }
}

fn render_row(text: &mut String, cells: &[Cell], in_colour: bool) {
    if !in_colour {
        text.extend(cells.iter().map(|cell| cell.0));
        return;
    }
    for run in cells.chunk_by(|one, other| one.1 == other.1) {
        let paint = run[0].1;
        text.push_str(paint.code());
        text.extend(run.iter().map(|cell| cell.0));
        if paint != Paint::Plain {
            text.push_str(RESET);
        }
    }
}
