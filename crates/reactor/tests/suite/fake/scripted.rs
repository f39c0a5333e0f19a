//! A protocol whose methods are closures, and which keeps a diary.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_reactor::{Conn, Lost, Protocol};

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// A protocol whose methods are closures, and which keeps a diary.
pub(crate) type Hook = Box<dyn FnMut(&mut Scripted, &mut Conn<'_>)>;

pub(crate) struct Scripted {
    pub(crate) diary: Diary,
    made: Option<Hook>,
    data: Option<Hook>,
    pub(crate) answer: u32,
}

impl Scripted {
    pub(crate) fn new(diary: &Diary) -> Self {
        Self { diary: diary.clone(), made: None, data: None, answer: 0 }
    }

    pub(crate) fn made(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { made: Some(Box::new(hook)), ..self }
    }

    pub(crate) fn data(self, hook: impl FnMut(&mut Self, &mut Conn<'_>) + 'static) -> Self {
        Self { data: Some(Box::new(hook)), ..self }
    }
}

impl Protocol for Scripted {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.diary.add("made");
        if let Some(mut hook) = self.made.take() {
            hook(self, conn);
        }
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.diary.add(format!("data {}", String::from_utf8_lossy(data)));
        if let Some(mut hook) = self.data.take() {
            hook(self, conn);
            self.data = Some(hook);
        }
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        self.diary.add("read closed");
        conn.lose_connection();
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.diary.add("pause");
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.diary.add("resume");
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.diary.add(format!("timer at {:?}", conn.now()));
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        conn.write(b"too late");
        self.diary.add(format!("lost {why:?}"));
    }
}
