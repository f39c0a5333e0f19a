//! A port forwarder made of pipes between readers and a poet: nothing is lost on the way, a cut half is never passed on as
//! a clean end, and the forwarder forgets everybody.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::Deferred;
use sestina_reactor::{
    Address, CloseLimits, ConnectError, Endpoint, Factory, Lost, PipeEnd, PipeOptions, PipeRate, Protocol,
    pipe,
};
use sestina_reactor_sim::{Fault, Faults, Scenario, Simulation};

use super::clients::{
    Fared, Manner, PORT, Reader, poem, serve_at_last, slow_line, something_ended_connections,
};
use super::lawful::{Lawful, Seen};

pub(crate) fn scenario() -> Scenario {
    // A pipe has no time limit of its own: what a partition swallows would stay.
    Scenario::new("forwarders", Faults::all().without(Fault::Partitions), run)
}

const READERS: u64 = 14;
/// How long a closed connection waits for what its peer still says.
const PATIENCE: Duration = Duration::from_secs(300);

/// The far side of a pipe: a factory for one connection.
struct Far(Option<PipeEnd>, Rc<Seen>);

impl Factory for Far {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        let end = self.0.take()?;
        Some(Box::new(Lawful::new(&self.1, end)))
    }

    fn connection_failed(&mut self, _: ConnectError) {
        self.0 = None; // the pipe hears of it by the drop of its end
    }
}

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let length = usize::try_from(simulation.random(200_000)).unwrap_or(0);
    let poem = poem(length);
    let (poet, middle, alice) =
        (simulation.host("poet"), simulation.host("middle"), simulation.host("alice"));
    simulation.set_link(&alice, &middle, slow_line(simulation));
    // What a talker says may come through a slow line long after the poem has ended: whoever has closed by then sends a
    // reset, and what the forwarder has not read yet is lost. Nobody closes so early here.
    for host in [&poet, &middle] {
        let mut limits = CloseLimits::default();
        (limits.silence_max, limits.drain_max) = (PATIENCE, PATIENCE);
        host.reactor().set_close_limits(limits);
    }
    serve_at_last(&poet.reactor(), &seen, &poem);
    let pipes: Rc<RefCell<Vec<Deferred<()>>>> = Rc::default();
    let (ended, watch, keep) = (Rc::new(Cell::new(0_u64)), Rc::clone(&seen), Rc::clone(&pipes));
    let (made, count, reactor) = (Rc::new(Cell::new(0_u64)), Rc::clone(&ended), middle.reactor());
    let limited = simulation.random(3) == 0;
    let begun = Rc::clone(&made);
    let listening = middle.reactor().listen(&Endpoint::tcp("", PORT), move |_: &Address| {
        let options = PipeOptions::default();
        let options = if limited { options.with_rate(PipeRate::new(400_000)) } else { options };
        let (near, far, done) = pipe(options);
        reactor.connect(&Endpoint::tcp("poet", PORT), Far(Some(far), Rc::clone(&watch)));
        let count = Rc::clone(&count);
        begun.set(begun.get() + 1);
        keep.borrow_mut().push(done.add_both(move |_| {
            count.set(count.get() + 1);
            Ok(())
        }));
        Lawful::new(&watch, near)
    });
    if listening.is_err() {
        return Ok(()); // out of descriptors: nothing to see here
    }
    let (fared, mut stay) = (Rc::new(Cell::new(0)), 0);
    let whole = Rc::new(Cell::new(0));
    for _ in 0..READERS {
        let manner = Manner::any(simulation, length);
        stay += u64::from(manner.stays());
        let (fared, whole) = (Rc::clone(&fared), Rc::clone(&whole));
        let told = move |how: Fared| {
            fared.set(fared.get() + 1);
            let clean = matches!(how, Fared::Ended(Lost::Done));
            whole.set(whole.get() + u64::from(clean));
        };
        let reader =
            Reader { poem: Rc::clone(&poem), manner, seen: Rc::clone(&seen), told: Some(Box::new(told)) };
        let (reactor, delay) = (alice.reactor(), Duration::from_micros(1000 + simulation.random(200_000)));
        alice.reactor().call_later(delay, move || {
            drop(reactor.connect(&Endpoint::tcp("middle", PORT), reader));
        });
    }
    simulation.run_for(Duration::from_secs(900)).map_err(|error| error.to_string())?;
    seen.holds(fared.get() == READERS, || format!("{} of {READERS} readers came to an end", fared.get()));
    if !something_ended_connections(simulation) {
        seen.holds(whole.get() >= stay, || {
            format!("{stay} stayed to the end, {} got all of it", whole.get())
        });
    }
    let left: usize = simulation.hosts().iter().map(|host| host.reactor().connections()).sum();
    seen.holds(left == 0, || format!("{left} connections are left"));
    seen.holds(ended.get() == made.get(), || format!("{} of {} pipes have ended", ended.get(), made.get()));
    seen.nobody_was_silent(simulation);
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}
