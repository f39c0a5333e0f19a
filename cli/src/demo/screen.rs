//! The demo while it runs: bars on a terminal, lines elsewhere. Both on the standard error; the table goes elsewhere.

use std::cell::RefCell;
use std::io::{self, IsTerminal};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sestina_reactor::{Reactor, Time};

use crate::paint::Paint;
use sestina_daemon::words;

/// A running demo, shown.
pub(super) struct Screen {
    look: Look,
    reactor: Reactor,
    begin: Time,
    rows: RefCell<Vec<Row>>,
}

enum Look {
    Bars(MultiProgress, Paint),
    Lines,
}

/// A row's number.
#[derive(Clone, Copy)]
pub(super) struct RowId(usize);

struct Row {
    title: String,
    /// How many bytes it will be, if that can be watched.
    bytes: Option<usize>,
    /// Quarters that were told, for lines.
    quarters: usize,
    bar: Option<ProgressBar>,
}

impl Screen {
    pub(super) fn new(reactor: &Reactor) -> Self {
        let look = if io::stderr().is_terminal() {
            Look::Bars(MultiProgress::new(), Paint::of_stderr())
        } else {
            Look::Lines
        };
        Self { look, reactor: reactor.clone(), begin: reactor.now(), rows: RefCell::default() }
    }

    /// A new row. Without a number of bytes it only waits and ends.
    pub(super) fn row(&self, title: &str, bytes: Option<usize>) -> RowId {
        let bar = match &self.look {
            Look::Bars(bars, paint) => {
                let bar = bars.add(new_bar(title, bytes, *paint));
                bar.tick(); // draws it
                Some(bar)
            }
            Look::Lines => None,
        };
        let mut rows = self.rows.borrow_mut();
        rows.push(Row { title: title.to_owned(), bytes, quarters: 0, bar });
        RowId(rows.len() - 1)
    }

    pub(super) fn progress(&self, RowId(row): RowId, bytes: usize) {
        let line = self.rows.borrow_mut().get_mut(row).and_then(|row| row.progress(bytes));
        if let Some(line) = line {
            self.line(&line);
        }
    }

    pub(super) fn end(&self, RowId(row): RowId, how: &str) {
        let rows = self.rows.borrow();
        let Some(row) = rows.get(row) else { return };
        match &row.bar {
            Some(bar) => bar.finish_with_message(how.to_owned()),
            None => self.line(&format!("{}: {how}", row.title)),
        }
    }

    pub(super) fn say(&self, line: &str) {
        match &self.look {
            Look::Bars(bars, _) => drop(bars.println(words::one_line(line))),
            Look::Lines => self.line(line),
        }
    }

    fn line(&self, line: &str) {
        let seconds = (self.reactor.now() - self.begin).as_secs_f64();
        words::say(&format!("{seconds:5.2} s  {line}"));
    }

    /// Makes room for what comes after.
    pub(super) fn close(&self) {
        if let Look::Bars(bars, _) = &self.look {
            drop(bars.clear());
        }
    }
}

impl Row {
    /// What to say about it, if there is no bar and another quarter is there.
    fn progress(&mut self, bytes: usize) -> Option<String> {
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(bytes).unwrap_or(u64::MAX));
            return None;
        }
        let whole = self.bytes?;
        let quarters = 4 * bytes / whole.max(1);
        let news = quarters > self.quarters && quarters < 4;
        self.quarters = quarters;
        news.then(|| format!("{}: {bytes} of {whole} bytes", self.title))
    }
}

/// A bar that has not drawn anything: before it is added, it would draw beside the others.
fn new_bar(title: &str, bytes: Option<usize>, paint: Paint) -> ProgressBar {
    let colour = if paint.is_on() { ".cyan" } else { "" };
    let (template, length) = match bytes {
        Some(bytes) => (format!("{{prefix:36}} {{bar:10{colour}}} {{pos:>4}}/{{len:4}} {{msg}}"), bytes),
        None => ("{prefix:36} {msg}".to_owned(), 0),
    };
    // The longest row has 80 columns.
    let style = ProgressStyle::with_template(&template).expect("the template is right");
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let message = if bytes.is_none() { "waits" } else { "" };
    ProgressBar::new(length).with_style(style).with_prefix(title.to_owned()).with_message(message)
}
