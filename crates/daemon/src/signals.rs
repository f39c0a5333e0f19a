//! What signals do to a life.
//!
//! | signal | starting | ready | stopping |
//! |---|---|---|---|
//! | TERM, INT | ends | drains, stops, ends | cuts it: exit status 128 and its number |
//! | HUP | opens the log again | that, and reloads | opens the log again |
//! | USR1 | opens the log again | the same | the same |
//! | QUIT | tells what there is, and cuts it | the same | the same |
//! | PIPE | nothing | nothing | nothing |
//!
//! In the foreground, INT, QUIT and HUP stay ignored if they were ignored when it started (`nohup`, `&` in a script).
//! A loop that a service does not give back hears no signal; the service manager's watchdog and SIGKILL remain.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sestina_deferred::Failure;
use sestina_reactor::{Reactor, Signal};
use sestina_service::Tree;

use crate::dump;
use crate::life::{Life, Stage};

/// The exit status of a process that a signal ended is this, and the number of the signal.
const BY_SIGNAL: u8 = 128;

/// Signals that come before there is a loop to hear them: none kills a process that has a pid file.
#[derive(Debug)]
pub(crate) struct EarlySignals {
    /// Those that were ignored when the process was started, a bit each.
    ignored: u64,
    /// The others, each with whether it has come.
    caught: Vec<(Signal, Arc<AtomicBool>)>,
}

impl EarlySignals {
    /// Catches them from now on. In the foreground, what may stay ignored and was ignored stays so.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub(crate) fn catch(foreground: bool) -> std::io::Result<Self> {
        let mut early = Self { ignored: if foreground { ignored_signals() } else { 0 }, caught: Vec::new() };
        for signal in [Signal::Terminate, Signal::Interrupt, Signal::Quit, Signal::Hangup, Signal::User1] {
            if early.are_wanted(signal) {
                let came = Arc::new(AtomicBool::new(false));
                signal_hook::flag::register(i32::from(number(signal)), Arc::clone(&came))?;
                early.caught.push((signal, came));
            }
        }
        Ok(early)
    }

    /// Whether a signal is heard: all but those that stay ignored. TERM never does, because `--stop` sends it.
    fn are_wanted(&self, signal: Signal) -> bool {
        let may_stay_ignored = matches!(signal, Signal::Interrupt | Signal::Quit | Signal::Hangup);
        !may_stay_ignored || self.ignored & (1 << (number(signal) - 1)) == 0
    }

    /// The first that has come already and that ends a process.
    fn came(&self) -> Option<Signal> {
        let ends = |signal: &Signal| matches!(signal, Signal::Terminate | Signal::Interrupt | Signal::Quit);
        let came = self.caught.iter().filter(|(_, came)| came.load(Ordering::Relaxed));
        came.map(|(signal, _)| *signal).find(ends)
    }
}

impl Life {
    pub(crate) fn watch_signals(
        self: &Rc<Self>,
        reactor: &Reactor,
        tree: &Tree,
        early: &EarlySignals,
    ) -> std::io::Result<()> {
        let wanted = |signal: Signal| early.are_wanted(signal);
        for signal in [Signal::Terminate, Signal::Interrupt].into_iter().filter(|signal| wanted(*signal)) {
            let (life, stopper) = (Rc::clone(self), reactor.clone());
            reactor.on_signal(signal, move || life.end(signal, &stopper))?;
        }
        if wanted(Signal::Quit) {
            let (life, tree) = (Rc::clone(self), tree.clone());
            reactor.on_signal(Signal::Quit, move || life.tell_and_cut(&tree))?;
        }
        if wanted(Signal::Hangup) {
            let (life, tree) = (Rc::clone(self), tree.clone());
            let reloads = Rc::new(Cell::new(Reloads::None));
            reactor.on_signal(Signal::Hangup, move || {
                life.log.reopen();
                life.hang_up(&tree, &reloads);
            })?;
        }
        let life = Rc::clone(self);
        reactor.on_signal(Signal::User1, move || {
            tracing::info!(target: "sestina", "received SIGUSR1, opening the log again");
            let is_open = life.log.reopen();
            life.tell_order_done(!is_open);
        })?;
        match early.came() {
            Some(Signal::Quit) => self.tell_and_cut(tree),
            Some(signal) => self.end(signal, reactor),
            None => {}
        }
        Ok(())
    }

    fn end(&self, signal: Signal, reactor: &Reactor) {
        if self.stage.replace(Stage::Stopping) == Stage::Stopping {
            tracing::warn!(target: "sestina", "received {signal} again, cutting everything");
            self.cut_short(signal, reactor);
            return;
        }
        tracing::info!(target: "sestina", "received {signal}, shutting down");
        self.notify.stopping(&format!("{}: stopping", self.program.title()));
        self.notify.extend(reactor, self.plan.times.drain + self.plan.times.kill);
        reactor.stop();
    }

    fn tell_and_cut(&self, tree: &Tree) {
        tracing::error!(target: "sestina", "received SIGQUIT: this is what there is");
        dump::dump(tree);
        self.cut_short(Signal::Quit, tree.reactor());
    }

    fn cut_short(&self, signal: Signal, reactor: &Reactor) {
        self.stage.set(Stage::Stopping);
        self.cut.set(Some(BY_SIGNAL + number(signal)));
        reactor.crash();
    }

    fn hang_up(self: &Rc<Self>, tree: &Tree, reloads: &Rc<Cell<Reloads>>) {
        if self.stage.get() != Stage::Ready {
            tracing::warn!(target: "sestina", "received SIGHUP while {:?}: not reloaded", self.stage.get());
            self.tell_order_done(true);
            return;
        }
        if reloads.get() != Reloads::None {
            tracing::info!(target: "sestina", "received SIGHUP, reloading again afterwards");
            reloads.set(Reloads::OneMore);
            return;
        }
        tracing::info!(target: "sestina", "received SIGHUP, reloading");
        reloads.set(Reloads::Running);
        self.notify.reloading();
        let (life, tree, reloads) = (Rc::clone(self), tree.clone(), Rc::clone(reloads));
        let reload = self.program.reload(&tree, &self.plan.place).add_both(move |result| {
            life.reloaded(&tree, &result);
            if reloads.replace(Reloads::None) == Reloads::OneMore {
                life.hang_up(&tree, &reloads);
            }
            Ok::<(), Failure>(())
        });
        reload.ignore_errors();
    }

    fn reloaded(&self, tree: &Tree, result: &Result<(), Failure>) {
        match result {
            Ok(()) => {
                tracing::info!(target: "sestina", "reloaded");
                self.notify.ready(&self.status(tree));
            }
            Err(failure) => {
                let why = crate::words::chain(failure.error());
                tracing::error!(target: "sestina", "the reload failed: {why}");
                self.notify.ready(&format!("{}; the reload failed: {why}", self.status(tree)));
            }
        }
        self.tell_order_done(result.is_err());
    }

    fn tell_order_done(&self, failed: bool) {
        if let Some(pid_file) = &*self.pid_file.borrow() {
            pid_file.tell_order_done(failed);
        }
    }
}

/// A reload that is asked for while one goes on comes after it; more are the same one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reloads {
    None,
    Running,
    OneMore,
}

fn number(signal: Signal) -> u8 {
    use rustix::process::Signal as Raw;
    let raw = match signal {
        Signal::Hangup => Raw::HUP,
        Signal::Interrupt => Raw::INT,
        Signal::Quit => Raw::QUIT,
        Signal::User1 => Raw::USR1,
        Signal::User2 => Raw::USR2,
        _ => Raw::TERM,
    };
    u8::try_from(raw.as_raw()).unwrap_or_default()
}

/// The signals that whoever started this process had ignored, a bit each. Unknown where the system does not tell.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signals_of_a_terminal_stay_ignored_and_those_of_orders_are_heard() {
        let all_ignored = EarlySignals { ignored: u64::MAX, caught: Vec::new() };
        for signal in [Signal::Interrupt, Signal::Quit, Signal::Hangup] {
            assert!(!all_ignored.are_wanted(signal), "{signal}");
        }
        for signal in [Signal::Terminate, Signal::User1] {
            assert!(all_ignored.are_wanted(signal), "{signal}");
        }
    }
}
