//! What is printed and what is told: poems on the standard output, lines and progress on the standard error.
//!
//! Invariant: no row of the progress and no line begins within a line of a poem on the same terminal.

use std::io::{self, IsTerminal};
use std::rc::Rc;

use sestina_poetry::{Downloads, Print, Progress};

use super::screen::Screen;
use crate::neutral::Neutral;
use crate::output::{Stream, Writer};
use crate::paint::Paint;
use sestina_daemon::words;

/// More than this is not drawn while the terminal takes nothing.
const DRAWN_BYTES_MAX: usize = 64 * 1024;

/// How a line is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

pub(super) struct Voice {
    out: Rc<Writer>,
    err: Rc<Writer>,
    /// The standard output is a terminal: poems are made harmless. Whose poem was printed last, and what it left.
    neutral: Option<(usize, Neutral)>,
    is_terminal: bool,
    /// Both are terminals, and taken for the same one.
    is_shared: bool,
    /// A poem has begun a line on the terminal.
    is_within_line: bool,
    paint: Paint,
    screen: Option<Screen>,
}

impl Voice {
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn new(with_progress: bool) -> io::Result<Self> {
        let is_terminal = io::stdout().is_terminal();
        let is_shared = is_terminal && io::stderr().is_terminal();
        let paint = Paint::of_stderr();
        let err = Rc::new(Writer::start()?);
        let out = if is_shared { Rc::clone(&err) } else { Rc::new(Writer::start()?) };
        Ok(Self {
            out,
            err,
            neutral: None,
            is_terminal,
            is_shared,
            is_within_line: false,
            paint,
            screen: with_progress.then(Screen::new),
        })
    }

    /// Where poems go.
    pub(super) fn out(&self) -> Rc<Writer> {
        Rc::clone(&self.out)
    }

    /// Where lines go; perhaps the same.
    pub(super) fn err(&self) -> Rc<Writer> {
        Rc::clone(&self.err)
    }

    pub(super) fn print(&mut self, Print { task, bytes, .. }: Print) {
        if !self.is_terminal {
            return self.out.push(Stream::Out, bytes);
        }
        if self.neutral.as_ref().is_some_and(|(before, _)| *before != task) {
            self.end_poem();
        }
        let (_, neutral) = self.neutral.get_or_insert_with(|| (task, Neutral::default()));
        let text = neutral.bytes_in(&bytes);
        self.print_text(text);
    }

    /// What the last poem has left unfinished.
    pub(super) fn end_poem(&mut self) {
        if let Some((_, neutral)) = self.neutral.take() {
            self.print_text(neutral.finish());
        }
    }

    fn print_text(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        self.hide_rows();
        self.is_within_line = !text.ends_with('\n');
        self.out.push(Stream::Out, text.into_bytes());
    }

    /// Tells one line, whatever is in it.
    pub(super) fn line(&mut self, text: &str, tone: Tone) {
        self.hide_rows();
        let text = words::one_line(text);
        let text = match tone {
            Tone::Plain => text,
            Tone::Good => self.paint.good(&text),
            Tone::Bad => self.paint.bad(&text),
        };
        let begin = if self.is_shared && std::mem::take(&mut self.is_within_line) { "\n" } else { "" };
        self.err.push(Stream::Err, format!("{begin}{text}\n").into_bytes());
    }

    /// Brings the rows up to date, if the terminal takes them.
    pub(super) fn tick(&mut self, downloads: &Downloads) {
        let can_draw = self.err.is_idle() && !(self.is_shared && self.is_within_line);
        let Some(screen) = self.screen.as_mut().filter(|_| can_draw) else { return };
        for task in 0..downloads.len() {
            let Progress::Running(bytes) = downloads.progress(task) else { continue };
            if !screen.has_row(task) && screen.has_room() {
                screen.begin(task, &downloads.peer(task));
            }
            screen.progress(task, bytes);
        }
        self.draw();
    }

    pub(super) fn begin_row(&mut self, task: usize, peer: &str) {
        let can_draw = !(self.is_shared && self.is_within_line);
        if let Some(screen) = self.screen.as_mut().filter(|screen| can_draw && screen.has_room()) {
            screen.begin(task, peer);
            self.draw();
        }
    }

    pub(super) fn end_row(&mut self, task: usize, bytes: usize) {
        let can_draw = !(self.is_shared && self.is_within_line);
        if let Some(screen) = self.screen.as_mut() {
            if can_draw {
                screen.progress(task, bytes);
            }
            screen.end(task);
            self.draw();
        }
    }

    fn hide_rows(&self) {
        if let Some(screen) = &self.screen {
            screen.hide();
            self.draw();
        }
    }

    fn draw(&self) {
        let drawn = self.screen.as_ref().map(Screen::take_drawn).unwrap_or_default();
        if drawn.len() < DRAWN_BYTES_MAX {
            self.err.push(Stream::Err, drawn);
        }
    }

    /// Ends the progress.
    pub(super) fn close(&mut self) {
        self.end_poem();
        self.hide_rows();
        self.screen = None;
    }
}
