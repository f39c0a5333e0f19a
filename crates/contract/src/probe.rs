//! A protocol that writes down what happens to it and does what a case says.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use sestina_reactor::{Conn, Lost, Protocol};

use crate::stage::Kept;

/// What happened, in order; shared by all who write.
#[derive(Clone, Default)]
pub struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    /// Writes a line.
    pub fn note(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    /// Whether a line begins like this.
    #[must_use]
    pub fn has(&self, beginning: &str) -> bool {
        self.count(beginning) > 0
    }

    /// How many lines begin like this.
    #[must_use]
    pub fn count(&self, beginning: &str) -> usize {
        self.0.borrow().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// All lines; the diary is empty afterwards.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

impl fmt::Debug for Diary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.borrow().fmt(out)
    }
}

type Hook = Box<dyn FnMut(&mut Probe, &mut Conn<'_>)>;
type DataHook = Box<dyn FnMut(&mut Probe, &mut Conn<'_>, &[u8])>;

/// A protocol that notes `made`, `data N` (bytes in a row), `read closed`, `pause`, `resume`, `timer` and `lost WHY`, each after its name
/// if it has one, and calls what a case gave it.
///
/// It fails the case when the order of the upcalls is wrong.
pub struct Probe {
    diary: Diary,
    name: &'static str,
    life: Life,
    received: Rc<RefCell<Vec<u8>>>,
    quiet: bool,
    on_made: Option<Hook>,
    on_data: Option<DataHook>,
    on_read_closed: Option<Hook>,
    on_pause: Option<Hook>,
    on_resume: Option<Hook>,
    on_timer: Option<Hook>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    New,
    Made,
    Lost,
}

impl Probe {
    /// A probe that writes into this diary.
    #[must_use]
    pub fn new(diary: &Diary) -> Self {
        Self {
            diary: diary.clone(),
            name: "",
            life: Life::New,
            received: Rc::default(),
            quiet: false,
            on_made: None,
            on_data: None,
            on_read_closed: None,
            on_pause: None,
            on_resume: None,
            on_timer: None,
        }
    }

    /// Puts a name before each line.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Writes no line for data.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// What it receives goes there too.
    #[must_use]
    pub fn into(self, received: &Rc<RefCell<Vec<u8>>>) -> Self {
        Self { received: Rc::clone(received), ..self }
    }

    /// Called in `connection_made`.
    #[must_use]
    pub fn made(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { on_made: Some(Box::new(hook)), ..self }
    }

    /// Called in `data_received`.
    #[must_use]
    pub fn data(self, hook: impl FnMut(&mut Self, &mut Conn<'_>, &[u8]) + 'static) -> Self {
        Self { on_data: Some(Box::new(hook)), ..self }
    }

    /// Called in `read_closed`, instead of closing.
    #[must_use]
    pub fn read_closed(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { on_read_closed: Some(Box::new(hook)), ..self }
    }

    /// Called in `pause_producing`.
    #[must_use]
    pub fn pause(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { on_pause: Some(Box::new(hook)), ..self }
    }

    /// Called in `resume_producing`.
    #[must_use]
    pub fn resume(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { on_resume: Some(Box::new(hook)), ..self }
    }

    /// Called in `timer`.
    #[must_use]
    pub fn timer(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { on_timer: Some(Box::new(hook)), ..self }
    }

    /// Puts a handle on its connection there in `connection_made`.
    #[must_use]
    pub(crate) fn keep(self, kept: &Kept) -> Self {
        let kept = Rc::clone(kept);
        self.made(move |_, conn| *kept.borrow_mut() = Some(conn.handle()))
    }

    /// The same, and reads nothing until it is told to by that handle.
    #[must_use]
    pub(crate) fn paused(self, kept: &Kept) -> Self {
        let kept = Rc::clone(kept);
        self.made(move |_, conn| {
            conn.pause_reading();
            *kept.borrow_mut() = Some(conn.handle());
        })
    }

    /// Writes a line.
    pub fn note(&self, line: &str) {
        let space = if self.name.is_empty() { "" } else { " " };
        self.diary.note(format!("{}{space}{line}", self.name));
    }

    /// Bytes may come cut anywhere: pieces that follow each other are one line.
    fn note_data(&self, count: usize) {
        let beginning = format!("{}{}data ", self.name, if self.name.is_empty() { "" } else { " " });
        let mut lines = self.diary.0.borrow_mut();
        let last = lines.iter_mut().rev().find(|line| line.starts_with(self.name));
        let before =
            last.and_then(|line| Some((line.strip_prefix(&beginning)?.parse::<usize>().ok()?, line)));
        match before {
            Some((before, line)) => *line = format!("{beginning}{}", before + count),
            None => lines.push(format!("{beginning}{count}")),
        }
    }

    fn is_alive(&self) {
        assert_eq!(self.life, Life::Made, "law 2: this upcall lies between made and lost");
    }

    fn call(&mut self, conn: &mut Conn<'_>, hook: impl Fn(&mut Self) -> &mut Option<Hook>) -> bool {
        let Some(mut taken) = hook(self).take() else { return false };
        taken(self, conn);
        *hook(self) = Some(taken);
        true
    }
}

impl Protocol for Probe {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        assert_eq!(self.life, Life::New, "law 2: made comes once and first");
        self.life = Life::Made;
        self.note("made");
        self.call(conn, |probe| &mut probe.on_made);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.is_alive();
        assert!(!data.is_empty(), "data is never empty");
        self.received.borrow_mut().extend_from_slice(data);
        if !self.quiet {
            self.note_data(data.len());
        }
        if let Some(mut taken) = self.on_data.take() {
            taken(self, conn, data);
            self.on_data = Some(taken);
        }
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        self.is_alive();
        self.note("read closed");
        if !self.call(conn, |probe| &mut probe.on_read_closed) {
            conn.lose_connection();
        }
    }

    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        self.is_alive();
        self.note("pause");
        self.call(conn, |probe| &mut probe.on_pause);
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        self.is_alive();
        self.note("resume");
        self.call(conn, |probe| &mut probe.on_resume);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.is_alive();
        self.note("timer");
        self.call(conn, |probe| &mut probe.on_timer);
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.is_alive();
        self.life = Life::Lost;
        self.note(&format!("lost {why:?}"));
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Probe({:?}, {:?})", self.name, self.life)
    }
}
