//! A storm of cancels over tasks and streams: whatever is cancelled when, everybody gets an answer, a line that is read is
//! the line that was written, and nothing is left of anybody.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::{Endpoint, Reactor, Stream};
use sestina_reactor_sim::{Faults, Scenario, Simulation};

use super::clients::{PORT, something_ended_connections};
use super::lawful::Seen;

pub(crate) fn scenario() -> Scenario {
    Scenario::new("storms", Faults::all(), run)
}

const CLIENTS: u64 = 24;
const LINE_BYTES_MAX: usize = 200_000;
/// Longer than any line takes, and short enough that a partition is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Answers each line with itself, after some work on another thread.
async fn serve(stream: Stream, reactor: Reactor) -> Result<(), Failure> {
    loop {
        let line = stream.read_until(b'\n', LINE_BYTES_MAX).add_timeout(PATIENCE, &reactor).await?;
        if line.is_empty() {
            return Ok(());
        }
        let line = reactor.defer_to_thread(move || Ok(line)).await.or_else(|failure| {
            if failure.is::<sestina_reactor::ThreadPoolFull>() {
                Ok(b"busy\n".to_vec())
            } else {
                Err(failure)
            }
        })?;
        stream.write_all(line).await?;
    }
}

fn line(number: u64, length: u64) -> Vec<u8> {
    let mut line = format!("{number} ").into_bytes();
    line.extend((0..length).map(|at| b'a' + u8::try_from((at ^ number) % 26).unwrap_or(0)));
    line.push(b'\n');
    line
}

async fn ask(reactor: Reactor, seen: Rc<Seen>, wanted: Vec<Vec<u8>>) -> Result<(), Failure> {
    let stream = reactor.connect_stream(&Endpoint::tcp("bob", PORT)).await?;
    for line in wanted {
        stream.write_all(&line).await?;
        let answer = stream.read_until(b'\n', LINE_BYTES_MAX).add_timeout(PATIENCE, &reactor).await?;
        let right = answer == line || answer == b"busy\n";
        seen.holds(right, || format!("{} bytes for a line of {}", answer.len(), line.len()));
    }
    stream.shutdown().await?;
    let rest = stream.read_to_end(LINE_BYTES_MAX).add_timeout(PATIENCE, &reactor).await?;
    seen.holds(rest.is_empty(), || format!("{} bytes that nobody asked for", rest.len()));
    Ok(())
}

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    let server = bob.reactor();
    let clock = server.clone();
    if server.serve(&Endpoint::tcp("", PORT), move |stream| serve(stream, clock.clone())).is_err() {
        return Ok(()); // out of descriptors: nothing to see here
    }
    let (answered, whole) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut patient = 0;
    for number in 0..CLIENTS {
        let lines: Vec<Vec<u8>> =
            (0..simulation.random(6)).map(|_| line(number, simulation.random(40_000))).collect();
        let cancelled_after = (simulation.random(2) == 0).then(|| simulation.random(150_000));
        patient += u64::from(cancelled_after.is_none());
        let (reactor, seen) = (alice.reactor(), Rc::clone(&seen));
        let (answered, whole) = (Rc::clone(&answered), Rc::clone(&whole));
        let begins = Duration::from_micros(simulation.random(50_000));
        alice.reactor().call_later(begins, move || {
            let task: Deferred<()> = reactor.spawn(ask(reactor.clone(), seen, lines));
            let canceller = task.canceller();
            if let Some(after) = cancelled_after {
                reactor.call_later(Duration::from_micros(after), move || canceller.cancel());
            }
            drop(task.add_both(move |result: Result<(), Failure>| {
                answered.set(answered.get() + 1);
                whole.set(whole.get() + u64::from(result.is_ok()));
                Ok(())
            }));
        });
    }
    simulation.run_for(Duration::from_secs(900)).map_err(|error| error.to_string())?;
    seen.holds(answered.get() == CLIENTS, || format!("{} of {CLIENTS} tasks have ended", answered.get()));
    if !something_ended_connections(simulation) {
        seen.holds(whole.get() >= patient, || format!("{} of {patient} got their answers", whole.get()));
    }
    for host in simulation.hosts() {
        let reactor = host.reactor();
        let left = (reactor.connections(), reactor.tasks(), reactor.timers(), reactor.threads());
        seen.holds(left == (0, 0, 0, 0), || format!("{} holds {left:?}", host.name()));
    }
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}
