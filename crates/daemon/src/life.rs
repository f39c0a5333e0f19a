//! The life of the services in this process: start, ready, reload, stop.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sestina_deferred::Failure;
use sestina_reactor::{Reactor, Signal};
use sestina_reactor_mio::MioDriver;
use sestina_service::{Limits, Tree};

use crate::descriptors;
use crate::logs::Log;
use crate::notify::Notify;
use crate::plan::Plan;
use crate::program::Program;

/// What a life needs beside its program.
pub(crate) struct Life<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) log: Rc<Log>,
    pub(crate) notify: Rc<Notify>,
}

impl Life<'_> {
    /// Serves until it is told to end, or until the services give up.
    ///
    /// # Errors
    /// Why the start or the services failed.
    pub(crate) fn live(self, program: Rc<dyn Program>) -> Result<(), Failure> {
        let title = program.title().to_owned();
        let descriptors = descriptors::raise_limit();
        let reactor = Reactor::new(Box::new(MioDriver::new()?));
        reactor.stop_on_signals()?;
        program.announce();
        let tree = program.build(&self.plan.place)?.attach(&reactor)?;
        let times = self.plan.times;
        let limits = Limits::new().with_start(times.start).with_drain(times.drain).with_stop(times.kill);
        tree.set_limits("", limits)?;
        self.reload_on_signal(&reactor, &tree, &program)?;
        let (told, stopper) = (Rc::new(RefCell::new(None)), reactor.clone());
        let ended = Rc::new(Cell::new(false));
        let (tell, is_ended) = (Rc::clone(&told), Rc::clone(&ended));
        reactor.add_trigger(sestina_reactor::Phase::Before, move || is_ended.set(true));
        let (notify, stopping_title) = (Rc::clone(&self.notify), title.clone());
        let life = reactor.spawn(async move {
            tree.privileged_start().await?;
            tree.start().await?;
            for service in tree.status().all() {
                for address in &service.addresses {
                    tracing::info!(target: "sestina", "{stopping_title} listening on {address}");
                }
            }
            tracing::info!(target: "sestina", "{descriptors}");
            notify.ready("ready");
            notify.watch(tree.reactor());
            tree.failed().await
        });
        let life = life.add_errback(move |failure| {
            if !ended.get() {
                *tell.borrow_mut() = Some(failure);
            }
            stopper.stop();
            Ok::<(), Failure>(())
        });
        reactor.run()?;
        drop(life);
        self.log.flush();
        if let Some(failure) = told.take() {
            return Err(failure);
        }
        tracing::info!(target: "sestina", "{title} stopped");
        Ok(())
    }

    fn reload_on_signal(
        &self,
        reactor: &Reactor,
        tree: &Tree,
        program: &Rc<dyn Program>,
    ) -> Result<(), Failure> {
        let (program, tree, place) = (Rc::clone(program), tree.clone(), self.plan.place.clone());
        let (log, notify) = (Rc::clone(&self.log), Rc::clone(&self.notify));
        reactor.on_signal(Signal::Hangup, move || {
            log.reopen();
            notify.reloading();
            let notify = Rc::clone(&notify);
            let reload = program.reload(&tree, &place).add_both(move |result| {
                match result {
                    Ok(()) => notify.ready("reloaded"),
                    Err(failure) => notify.ready(&format!("reload failed: {failure}")),
                }
                Ok(())
            });
            drop(reload);
        })?;
        let log = Rc::clone(&self.log);
        reactor.on_signal(Signal::User1, move || log.reopen())?;
        Ok(())
    }
}
