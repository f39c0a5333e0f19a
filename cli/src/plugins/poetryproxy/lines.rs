//! The lines of the introduction's proxies, on the standard output.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, fail, succeed};
use sestina_poetry::Observer;
use sestina_reactor::Reactor;
use sestina_service::{Service, ServiceContext};

use crate::output::{Stream, Writer};

/// How long a reader of the last lines is waited for.
const LAST_LINES_TIME_MAX: Duration = Duration::from_secs(1);

/// Prints what the proxy says. Clones print to the same place.
///
/// A service too, which starts before the proxy and stops after it: its thread begins when privileges have been given up, and
/// the end waits until the last line is written, [`LAST_LINES_TIME_MAX`] at most.
///
/// # Limits
/// A line that finds no room, because nobody reads the others, is lost.
#[derive(Clone, Default)]
pub(super) struct Lines(Rc<RefCell<Option<(Writer, Reactor)>>>);

impl Observer for Lines {
    fn prints(&self, line: &str) {
        if let Some((writer, _)) = &*self.0.borrow()
            && writer.has_room()
        {
            writer.push(Stream::Out, format!("{line}\n").into_bytes());
        }
    }
}

impl Service for Lines {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        match Writer::start() {
            Ok(writer) => {
                self.0.replace(Some((writer, cx.reactor().clone())));
                succeed(())
            }
            Err(error) => fail(error),
        }
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        let Some((writer, reactor)) = self.0.take() else { return succeed(()) };
        let writer = Rc::new(writer);
        let left = Rc::clone(&writer);
        let late = reactor.call_later(LAST_LINES_TIME_MAX, move || left.leave());
        reactor.spawn(async move {
            writer.drained().await;
            late.cancel();
            Ok(())
        })
    }
}
