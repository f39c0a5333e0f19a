//! Draws a chain and the way that was taken through it.
//!
//! Callbacks stand on the left and errbacks on the right. The way runs through the middle of the box that ran; the other
//! box of the pair is dotted. What is carried stands beside the way.

use crate::canvas::{Canvas, Paint};
use crate::pair::{Pair, Step};
use crate::trail::{Carried, Lane, Trail};

/// Of a box, in characters, with its border. "return" and the longest value fit; odd, so that it has a middle.
const BOX_WIDTH: usize = 17;
const BOX_HEIGHT: usize = 3;
/// Between the two boxes of a pair.
const GAP: usize = 3;
/// Of a whole drawing: two of them and what is between them fit into 80 columns.
const WIDTH: usize = 2 * BOX_WIDTH + GAP;

/// The characters that drawings are made of.
#[derive(Clone, Copy)]
pub(crate) struct Glyphs {
    ran: Border,
    skipped: Border,
    down: &'static str,
    across: char,
    arrow: &'static str,
    /// Where the way leaves a box's lower border.
    leaves: &'static str,
    /// From above to the right, and from the left down.
    right: (&'static str, &'static str),
    /// From the right down, and from above to the left.
    left: (&'static str, &'static str),
    between: &'static str,
}

#[derive(Clone, Copy)]
struct Border {
    corners: [char; 4],
    across: char,
    side: &'static str,
}

impl Glyphs {
    pub(crate) const UNICODE: Self = Self {
        ran: Border { corners: ['┌', '┐', '└', '┘'], across: '─', side: "│" },
        skipped: Border { corners: ['┌', '┐', '└', '┘'], across: '╌', side: "╎" },
        down: "│",
        across: '─',
        arrow: "▼",
        leaves: "┬",
        right: ("└", "┐"),
        left: ("┌", "┘"),
        between: " │ ",
    };

    pub(crate) const ASCII: Self = Self {
        ran: Border { corners: ['+', '+', '+', '+'], across: '-', side: "|" },
        skipped: Border { corners: ['.', '.', '.', '.'], across: '.', side: ":" },
        down: "|",
        across: '-',
        arrow: "v",
        leaves: "+",
        right: ("+", "+"),
        left: ("+", "+"),
        between: " | ",
    };
}

impl Lane {
    /// Where its boxes begin.
    fn column(self) -> usize {
        match self {
            Self::Callbacks => 0,
            Self::Errbacks => BOX_WIDTH + GAP,
        }
    }

    /// Where the way runs.
    fn middle(self) -> usize {
        self.column() + BOX_WIDTH / 2
    }
}

fn paint(carried: &Carried) -> Paint {
    match carried.lane() {
        Lane::Callbacks => Paint::Value,
        Lane::Errbacks => Paint::Failure,
    }
}

/// One drawing for each trail, side by side or one below the other.
pub(crate) fn draw(
    pairs: &[Pair],
    trails: &[Trail],
    glyphs: &Glyphs,
    is_narrow: bool,
    in_colour: bool,
) -> String {
    let drawings: Vec<Canvas> = trails.iter().map(|trail| draw_trail(pairs, trail, glyphs)).collect();
    if is_narrow {
        let drawings: Vec<String> = drawings.iter().map(|drawing| drawing.render(in_colour)).collect();
        return drawings.join("\n");
    }
    let mut sheet = Canvas::default();
    let step = WIDTH + glyphs.between.chars().count();
    for (index, drawing) in drawings.iter().enumerate() {
        sheet.paste(index * step, drawing);
        if index > 0 {
            for row in 0..drawing.height() {
                sheet.put(row, index * step - glyphs.between.chars().count(), glyphs.between, Paint::Faint);
            }
        }
    }
    sheet.render(in_colour)
}

fn draw_trail(pairs: &[Pair], trail: &Trail, glyphs: &Glyphs) -> Canvas {
    let mut drawing = Drawing { canvas: Canvas::default(), glyphs, row: 0 };
    drawing.head(&trail.start);
    let mut carried = &trail.start;
    for (pair, after) in pairs.iter().zip(&trail.after) {
        drawing.pair(pair, carried);
        drawing.way(carried.lane(), after);
        carried = after;
    }
    drawing.end(carried);
    drawing.canvas
}

/// A drawing that grows downwards.
struct Drawing<'a> {
    canvas: Canvas,
    glyphs: &'a Glyphs,
    /// Where it goes on.
    row: usize,
}

impl Drawing<'_> {
    fn head(&mut self, start: &Carried) {
        let title = match start {
            Carried::Value(_) => format!("d.callback({start})"),
            Carried::Failure(_) => format!("d.errback({start})"),
        };
        self.canvas.put_centred(0, WIDTH / 2, &title, Paint::Title);
        self.canvas.put_centred(2, Lane::Callbacks.middle(), "callbacks", Paint::Faint);
        self.canvas.put_centred(2, Lane::Errbacks.middle(), "errbacks", Paint::Faint);
        self.canvas.put_centred(4, start.lane().middle(), &start.to_string(), paint(start));
        self.canvas.put(5, start.lane().middle(), self.glyphs.down, paint(start));
        self.row = 6;
    }

    /// The two boxes of a pair that was given `carried`.
    fn pair(&mut self, pair: &Pair, carried: &Carried) {
        for (lane, step) in [(Lane::Callbacks, &pair.callback), (Lane::Errbacks, &pair.errback)] {
            if lane == carried.lane() {
                let paint = paint(carried);
                self.step(lane, step, self.glyphs.ran, paint);
                self.canvas.put(self.row, lane.middle(), self.glyphs.arrow, paint);
                self.canvas.put(self.row + 2, lane.middle(), self.glyphs.leaves, paint);
            } else {
                self.step(lane, step, self.glyphs.skipped, Paint::Faint);
            }
        }
        self.row += BOX_HEIGHT;
    }

    fn step(&mut self, lane: Lane, step: &Step, border: Border, paint: Paint) {
        let [top_left, top_right, bottom_left, bottom_right] = border.corners;
        let across = repeat(border.across, BOX_WIDTH - 2);
        let (row, column) = (self.row, lane.column());
        self.canvas.put(row, column, &format!("{top_left}{across}{top_right}"), paint);
        self.canvas.put(row + 1, column, border.side, paint);
        self.canvas.put_centred(row + 1, lane.middle(), &step.to_string(), paint);
        self.canvas.put(row + 1, column + BOX_WIDTH - 1, border.side, paint);
        self.canvas.put(row + 2, column, &format!("{bottom_left}{across}{bottom_right}"), paint);
    }

    /// The way from the box that ran in this lane to the lane of what came of it.
    fn way(&mut self, from: Lane, after: &Carried) {
        let (to, paint) = (after.lane(), paint(after));
        if from == to {
            self.canvas.put(self.row, to.middle(), &format!("{} {after}", self.glyphs.down), paint);
        } else {
            let (left, right) = if to == Lane::Errbacks { self.glyphs.right } else { self.glyphs.left };
            let (begin, end) = (Lane::Callbacks.middle(), Lane::Errbacks.middle());
            let across = repeat(self.glyphs.across, end - begin - 1);
            self.canvas.put(self.row, begin, &format!("{left}{across}{right}"), paint);
            self.canvas.put_centred(self.row, (begin + end) / 2, &format!(" {after} "), paint);
        }
        self.row += 1;
    }

    fn end(&mut self, carried: &Carried) {
        self.canvas.put(self.row, carried.lane().middle(), self.glyphs.arrow, paint(carried));
        self.canvas.put_centred(self.row + 1, carried.lane().middle(), &carried.to_string(), paint(carried));
    }
}

fn repeat(character: char, count: usize) -> String {
    std::iter::repeat_n(character, count).collect()
}
