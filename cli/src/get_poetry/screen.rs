//! Progress on a terminal: a row for each of the first downloads that run.
//!
//! The rows are drawn into memory, and written by whoever writes everything else there: so nothing is ever mixed up, and a
//! terminal that does not take more holds up nobody.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use rustix::stdio;
use rustix::termios::tcgetwinsize;

use sestina_daemon::words;

/// More rows than this are no overview.
const ROWS_MAX: usize = 10;
/// A poet, what came of the poem, how fast. 56 columns.
const ROW: &str = "{spinner} {prefix:24!} {binary_bytes:>11} {binary_bytes_per_sec:>15}";
/// The last is for the end.
const SPINNER: &str = "-\\|/ ";
/// How often rows are drawn, per second.
const DRAWN_PER_SECOND: u8 = 20;
/// The size of a terminal that does not know its own.
const WIDTH: u16 = 80;
const HEIGHT: u16 = 24;

/// The rows.
pub(super) struct Screen {
    paper: Paper,
    rows: MultiProgress,
    bars: Vec<(usize, ProgressBar)>,
    style: ProgressStyle,
}

impl Screen {
    pub(super) fn new() -> Self {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), DRAWN_PER_SECOND);
        let style = ProgressStyle::with_template(ROW).expect("the template is right").tick_chars(SPINNER);
        Self { paper, rows: MultiProgress::with_draw_target(target), bars: Vec::new(), style }
    }

    /// Whether one more row is welcome.
    pub(super) fn has_room(&self) -> bool {
        self.bars.len() < ROWS_MAX
    }

    pub(super) fn has_row(&self, task: usize) -> bool {
        self.bars.iter().any(|(other, _)| *other == task)
    }

    pub(super) fn begin(&mut self, task: usize, peer: &str) {
        let bar = ProgressBar::no_length().with_style(self.style.clone()).with_prefix(words::one_line(peer));
        let bar = self.rows.add(bar);
        bar.tick(); // draws it
        self.bars.push((task, bar));
    }

    pub(super) fn progress(&self, task: usize, bytes: usize) {
        if let Some((_, bar)) = self.bars.iter().find(|(other, _)| *other == task) {
            bar.set_position(u64::try_from(bytes).unwrap_or(u64::MAX));
            bar.tick();
        }
    }

    pub(super) fn end(&mut self, task: usize) {
        if let Some(at) = self.bars.iter().position(|(other, _)| *other == task) {
            let (_, bar) = self.bars.remove(at);
            bar.finish();
            self.rows.remove(&bar);
        }
    }

    /// Takes the rows away until they are drawn again.
    pub(super) fn hide(&self) {
        self.rows.clear().ok(); // it is memory: this cannot fail
    }

    /// What is to be written now.
    pub(super) fn take_drawn(&self) -> Vec<u8> {
        std::mem::take(&mut *self.paper.lock())
    }
}

/// How often the rows are brought up to date.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// How many columns and lines the terminal has. One that says 0 does not know.
fn size() -> (u16, u16) {
    let known = tcgetwinsize(stdio::stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    known.map_or((WIDTH, HEIGHT), |size| (size.ws_col, size.ws_row))
}

/// A terminal in memory.
#[derive(Clone, Debug, Default)]
struct Paper {
    drawn: Arc<Mutex<Vec<u8>>>,
}

impl Paper {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, text: &str) -> io::Result<()> {
        self.lock().extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn move_cursor(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.put(&format!("\x1b[{count}{direction}")) }
    }
}

impl TermLike for Paper {
    fn width(&self) -> u16 {
        size().0
    }

    fn height(&self) -> u16 {
        size().1
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(text)?;
        self.put("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
