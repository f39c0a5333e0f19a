//! The life of the services in this process: start, ready, stop.
//!
//! Walk: `serve.rs` makes a [`Life`] and lives it; signals (`signals.rs`) order it about.
//! Invariant: the process becomes who it is to be after every privileged start and before every start.
//! Invariant: every end is bounded: the start by `--start-timeout`, a stop by the limits of the tree, and a second signal cuts it.
//! Tests: `cli/tests/suite/daemon_*.rs`.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Failure, watch_unfired};
use sestina_reactor::{ConnectionLimits, Phase, Reactor};
use sestina_reactor_mio::MioDriver;
use sestina_service::{Application, Limits, State, Tree};

use crate::descriptors;
use crate::lock::PidFile;
use crate::logs::Log;
use crate::notify::Notify;
use crate::plan::Plan;
use crate::program::Program;
use crate::serve::Word;
use crate::signals::EarlySignals;
use crate::sockets::Inherited;

/// Where a life is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Starting,
    Ready,
    Stopping,
}

/// Everything that lives as long as the services.
pub(crate) struct Life {
    pub(crate) plan: Plan,
    pub(crate) program: Rc<dyn Program>,
    pub(crate) log: Rc<Log>,
    pub(crate) notify: Notify,
    pub(crate) pid_file: RefCell<Option<PidFile>>,
    /// The command that waits for the word "ready".
    word: Word,
    pub(crate) stage: Cell<Stage>,
    /// The exit status of a life that was cut short.
    pub(crate) cut: Cell<Option<u8>>,
    /// Why it ends.
    failure: RefCell<Option<Failure>>,
}

/// How a life ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// As it was told to.
    Clean,
    /// By a second signal, with this exit status.
    Cut(u8),
}

/// The start took too long.
#[derive(Debug)]
pub(crate) struct StartTimedOut {
    after: Duration,
    starting: Vec<String>,
}

impl fmt::Display for StartTimedOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the start took longer than {:?}", self.after)?;
        match self.starting.as_slice() {
            [] => Ok(()),
            services => write!(out, ": still starting: {}", services.join(", ")),
        }
    }
}

impl Error for StartTimedOut {}

impl Life {
    pub(crate) fn new(
        plan: Plan,
        program: Rc<dyn Program>,
        log: Rc<Log>,
        notify: Notify,
        word: &Word,
    ) -> Self {
        Self {
            plan,
            program,
            log,
            notify,
            pid_file: RefCell::new(None),
            word: Rc::clone(word),
            stage: Cell::new(Stage::Starting),
            cut: Cell::new(None),
            failure: RefCell::new(None),
        }
    }

    /// Serves until it is told to end, or until the services give up.
    ///
    /// # Errors
    /// Why the start or the services failed.
    pub(crate) fn live(
        self: &Rc<Self>,
        application: Application,
        inherited: Inherited,
        early: &EarlySignals,
    ) -> Result<End, Failure> {
        let reactor = self.reactor(inherited)?;
        let tree = application.attach(&reactor)?;
        let times = self.plan.times;
        let limits = Limits::new().with_start(times.start).with_drain(times.drain).with_stop(times.kill);
        tree.set_limits("", limits)?;
        self.watch_signals(&reactor, &tree, early)?;
        let title = self.program.title().to_owned();
        let _told = tree.subscribe(move |path, state| {
            if path.is_empty() && state == State::Stopping {
                tracing::info!(target: "sestina", "stopping {title}");
            }
        });
        // Deferreds and timers remember where they were made, for the dump of SIGQUIT.
        watch_unfired(|| {
            self.begin(&reactor, &tree);
            reactor.run()
        })?;
        tracing::info!(target: "sestina", "main loop ended");
        match (self.failure.borrow_mut().take(), self.cut.get()) {
            (_, Some(status)) => Ok(End::Cut(status)),
            (Some(failure), None) => Err(failure),
            (None, None) => Ok(End::Clean),
        }
    }

    /// Gives up what belongs to a process that runs.
    pub(crate) fn release(&self) {
        let Some(pid_file) = self.pid_file.borrow_mut().take() else { return };
        if let Err((path, error)) = pid_file.release() {
            let path = path.display();
            tracing::warn!(target: "sestina", "the pid file '{path}' cannot be removed ({error}): it is empty");
        }
    }

    fn reactor(&self, inherited: Inherited) -> Result<Reactor, Failure> {
        let mut driver = MioDriver::new()?;
        driver.inherit_sockets(inherited.named, inherited.numbered);
        let reactor = Reactor::new(Box::new(driver));
        self.log.attend(&reactor);
        let usual = ConnectionLimits::default();
        reactor.set_connection_limits(ConnectionLimits {
            total: self.plan.max_connections.unwrap_or(usual.total),
            per_peer: self.plan.max_per_peer.unwrap_or(usual.per_peer),
            // Who asks for a limit asks for it also on the loopback.
            per_peer_on_loopback: self.plan.max_per_peer.is_some(),
        });
        Ok(reactor)
    }

    /// Starts the services, and sees to it that the loop ends when they do.
    fn begin(self: &Rc<Self>, reactor: &Reactor, tree: &Tree) {
        let (life, stopping) = (Rc::clone(self), Rc::clone(self));
        reactor.add_trigger(Phase::Before, move || stopping.stage.set(Stage::Stopping));
        let story = reactor.spawn({
            let (life, tree) = (Rc::clone(self), tree.clone());
            async move {
                life.start(&tree).await?;
                life.tell_ready(&tree)?;
                tree.failed().await
            }
        });
        let (limit, canceller) = (self.plan.times.start, story.canceller());
        let late = (Rc::clone(self), tree.clone());
        reactor.call_later(limit, move || {
            let (life, tree) = late;
            if life.stage.get() == Stage::Starting {
                life.fail(StartTimedOut { after: limit, starting: still_starting(&tree) }.into());
                canceller.cancel();
            }
        });
        let stopper = reactor.clone();
        let ended = story.add_both(move |result| {
            // During a stop, that the start or the services end is no news.
            if let (Err(failure), Stage::Starting | Stage::Ready) = (result, life.stage.get()) {
                life.fail(failure);
            }
            stopper.stop();
            Ok::<(), Failure>(())
        });
        ended.ignore_errors();
    }

    /// The first failure is the reason.
    fn fail(&self, failure: Failure) {
        self.failure.borrow_mut().get_or_insert(failure);
    }

    async fn start(&self, tree: &Tree) -> Result<(), Failure> {
        let title = self.program.title();
        tree.privileged_start().await?;
        for service in tree.status().all() {
            for address in &service.addresses {
                tracing::info!(target: "sestina", "{title} listening on {address}");
            }
        }
        self.plan.identity.assume()?;
        if let Some(root) = &self.plan.identity.chroot {
            self.log.entered_root(root);
        }
        tracing::info!(target: "sestina", "starting {title}");
        tree.start().await
    }

    /// Tells everybody who waits for it. An error means that whoever started it does not want it any more.
    fn tell_ready(&self, tree: &Tree) -> Result<(), Failure> {
        self.stage.set(Stage::Ready);
        tracing::info!(target: "sestina", "{}", descriptors::words(self.plan.descriptors));
        if let Some(detached) = self.word.borrow_mut().take() {
            detached.ready().map_err(|error| {
                Failure::msg(format!("the command that started it is gone, so it ends: {error}"))
            })?;
        }
        self.notify.ready(&self.status(tree));
        self.notify.watch(tree.reactor());
        tracing::info!(target: "sestina", "{} is ready", self.program.title());
        Ok(())
    }

    /// One line for people who look from outside.
    pub(crate) fn status(&self, tree: &Tree) -> String {
        let (running, all) = tree.status().running();
        format!("{}: {running} of {all} services run", self.program.title())
    }
}

/// The services that the start waits for.
fn still_starting(tree: &Tree) -> Vec<String> {
    let status = tree.status();
    let leaves = status.all().into_iter().filter(|service| service.children.is_empty());
    leaves.filter(|service| service.state == State::Starting).map(|service| service.path.clone()).collect()
}

impl fmt::Debug for Life {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Life({}, {:?})", self.program.title(), self.stage.get())
    }
}
