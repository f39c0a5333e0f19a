//! How time passes: from one thing that happens to the next, at once.
//!
//! Walk: a reactor that is alone waits here itself ([`wait`]); several hosts are conducted by the simulation
//! (conduct.rs), which moves the clock between their turns.
//! Invariant: the clock moves only here.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sestina_reactor::{Event, Time};

use crate::fault::Fault;
use crate::machine::Life;
use crate::process::run_step;
use crate::world::{Conductor, Errand, World};

/// A reactor waits.
pub(crate) fn wait(
    world: &RefCell<World>,
    life: Life,
    timeout: Option<Duration>,
    events: &mut Vec<Event>,
) -> io::Result<()> {
    let deadline = timeout.map(|timeout| world.borrow().host_time(life.host) + timeout);
    loop {
        let conductor = world.borrow().conductor;
        if conductor == Conductor::Reactor {
            happen_now(world);
        }
        if take_news(&mut world.borrow_mut(), life, events) {
            return Ok(());
        }
        let now = world.borrow().host_time(life.host);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return spin(world, life);
        }
        if conductor == Conductor::Simulation {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "this host is being stopped and waits for something that takes time",
            ));
        }
        world.borrow().check_alone(life)?;
        // Its own deadline on the world's clock.
        let own = deadline.map(|deadline| world.borrow().now + (deadline - now));
        let next = world.borrow_mut().next_time().into_iter().chain(own).min();
        match next {
            Some(next) => {
                world.borrow_mut().machine_mut(life.host).sleeps();
                advance_to(world, next);
            }
            None => return Err(world.borrow().deadlock(&[])),
        }
    }
}

/// Takes what is told to a host; false if there is nothing.
fn take_news(world: &mut World, life: Life, events: &mut Vec<Event>) -> bool {
    if !world.is_alive(life) || !world.machine(life.host).has_news() {
        return false;
    }
    let mut news = world.machine_mut(life.host).take_news();
    if news.len() > 1 && world.dice.strikes_with(Fault::EventOrder, world.now, news.len() - 1).is_some() {
        for last in (1..news.len()).rev() {
            news.swap(last, world.dice.detail(Fault::EventOrder, last + 1));
        }
    }
    world.machine_mut(life.host).hears();
    events.append(&mut news);
    true
}

/// A wait that may not sleep and finds nothing. A loop that is busy with itself takes no virtual time; if it goes on for
/// ever, what others do must come all the same, so then it takes a little.
fn spin(world: &RefCell<World>, life: Life) -> io::Result<()> {
    let (spins, sleepless) = world.borrow_mut().machine_mut(life.host).spins();
    if spins > SPINS_MAX {
        let name = world.borrow().machine(life.host).name.clone();
        return Err(io::Error::other(format!(
            "{name} has been busy with itself for {SPINS_MAX} turns, while nothing came from outside"
        )));
    }
    if sleepless > SPINS_FREE {
        let next = world.borrow().now + SPIN_TAKES;
        advance_to(world, next);
    }
    Ok(())
}

/// How long so many turns take in which a host is busy with itself.
pub(crate) fn spins_take(turns: u32) -> Duration {
    SPIN_TAKES * turns
}

/// Moves the clock, and has happen what is due then.
pub(crate) fn advance_to(world: &RefCell<World>, at: Time) {
    {
        let mut world = world.borrow_mut();
        world.now = world.now.max(at);
        world.disturb();
    }
    happen_now(world);
}

/// Has everything happen that is due.
pub(crate) fn happen_now(world: &RefCell<World>) {
    loop {
        let happened = world.borrow_mut().happen();
        match happened {
            None => return,
            Some(None) => {}
            Some(Some(Errand::Process { process, step })) => run_step(world, process, &step),
            Some(Some(Errand::Job(job))) => guarded(world, job),
            Some(Some(Errand::Forget(job))) => guarded(world, move || drop(job)),
        }
    }
}

/// Runs a thread's job, whose panic ends nothing else.
fn guarded(world: &RefCell<World>, job: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
        world.borrow_mut().note(|_| "a job panicked".to_owned());
        // A payload may panic again when it is dropped.
        std::mem::forget(panic);
    }
}

/// So many waits that find nothing are free, after each news and each sleep.
const SPINS_FREE: u32 = 10;
/// A loop that is busy with itself for so long will be so for ever.
const SPINS_MAX: u32 = 10_000_000;
/// What each further one takes.
const SPIN_TAKES: Duration = Duration::from_micros(1);
