//! What a test runs on: the simulation, or a reactor over the operating system.

use std::cell::OnceCell;
use std::io;
use std::time::Duration;

use sestina_reactor::{Leftover, LeftoverKind, Reactor, Time};
use sestina_reactor_sim::{Faults, Simulation};

use crate::runtime::Test;

pub(crate) enum World {
    Simulated { simulation: Simulation, main: OnceCell<Reactor> },
    Real(Reactor),
}

impl World {
    pub(crate) fn new(test: &Test, seed: u64) -> io::Result<Self> {
        if !test.is_simulated {
            return Ok(Self::Real(sestina_reactor_mio::reactor()?));
        }
        let faults = match test.faults {
            Some("gentle") => Faults::gentle().sampled(seed),
            Some("all") => Faults::all().sampled(seed),
            _ => Faults::none(),
        };
        // Its own patience must not be shorter than that of the test.
        let patience = test.timeout.map_or(crate::TIMEOUT_VIRTUAL, |limit| limit.max(crate::TIMEOUT_VIRTUAL));
        let simulation = Simulation::seeded(seed).faults(faults).with_patience(patience);
        Ok(Self::Simulated { simulation, main: OnceCell::new() })
    }

    /// The test's own reactor.
    pub(crate) fn reactor(&self) -> Reactor {
        match self {
            Self::Simulated { simulation, main } => main.get_or_init(|| simulation.reactor()).clone(),
            Self::Real(reactor) => reactor.clone(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        match self {
            Self::Simulated { simulation, .. } => simulation.now(),
            Self::Real(reactor) => reactor.now(),
        }
    }

    /// Does the next thing there is to do. False if there is none before the limit, and then that time has come.
    pub(crate) fn step(&self, limit: Time) -> io::Result<bool> {
        match self {
            Self::Simulated { simulation, .. } => simulation.step_before(limit),
            Self::Real(reactor) if reactor.is_stopping() => reactor.run().map(|()| true),
            Self::Real(reactor) => {
                reactor.turn(Some(limit - reactor.now()))?;
                Ok(reactor.now() < limit)
            }
        }
    }

    /// Does what there is to do now, without letting time pass.
    pub(crate) fn settle(&self) {
        const STEPS_MAX: u32 = 10_000;
        for _ in 0..STEPS_MAX {
            let worked = match self {
                Self::Simulated { simulation, .. } => simulation.step_before(simulation.now()),
                Self::Real(reactor) => {
                    let before = reactor.statistics();
                    let turned = reactor.turn(Some(Duration::ZERO));
                    let is_busy = reactor.next_timeout() == Some(Duration::ZERO);
                    let upcalls = reactor.statistics().upcalls;
                    turned.map(|()| is_busy || upcalls > before.upcalls)
                }
            };
            if !worked.unwrap_or(false) {
                return;
            }
        }
    }

    fn reactors(&self) -> Vec<(Option<String>, Reactor)> {
        match self {
            Self::Simulated { simulation, .. } => {
                let hosts = simulation.hosts();
                let several = hosts.len() > 1;
                let up = hosts.into_iter().filter(sestina_reactor_sim::Host::is_up);
                up.map(|host| (several.then(|| host.name()), host.reactor())).collect()
            }
            Self::Real(reactor) => vec![(None, reactor.clone())],
        }
    }

    /// What is left on all hosts.
    pub(crate) fn left(&self) -> Vec<Left> {
        let mut all = Vec::new();
        for (host, reactor) in self.reactors() {
            let left = reactor.leftovers().into_iter();
            all.extend(left.map(|left| Left { host: host.clone(), left }));
        }
        all
    }

    /// Ends everything.
    pub(crate) fn clear(&self) {
        for (_, reactor) in self.reactors() {
            reactor.clear();
        }
    }
}

/// Something left on a host.
pub(crate) struct Left {
    host: Option<String>,
    left: Leftover,
}

impl Left {
    /// Whether time may end it without anybody doing anything more.
    pub(crate) fn may_end(&self) -> bool {
        self.left.is_closing() || self.left.kind() == LeftoverKind::Connection
    }

    pub(crate) fn words(&self) -> String {
        match &self.host {
            Some(host) => format!("on {host}: {}", self.left),
            None => self.left.to_string(),
        }
    }
}
