//! A reactor inside tokio's loop: a poetry server and its clients live on the reactor, tokio's tasks run beside them, and
//! all share one thread.
//!
//! `cargo run -p sestina-reactor-mio --example host_in_tokio`
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use sestina_deferred::Failure;
use sestina_reactor::{Endpoint, Reactor};
use tokio::io::unix::AsyncFd;
use tokio::task::LocalSet;

const POEM: &str = "I met a traveller from an antique land\nWho said: Two vast and trunkless legs of stone\n";
const POEM_BYTES_MAX: usize = 1_000_000;

/// Turns the reactor whenever it has something to do, for ever. Drop it to stop; then [`Reactor::clear`] ends what is left.
///
/// The order matters: tokio forgets that the descriptor was readable before the turn looks, so whatever comes later
/// is told again.
pub(crate) async fn host(reactor: Reactor) -> io::Result<()> {
    let number = reactor.pollable().ok_or(io::ErrorKind::Unsupported)?;
    // A duplicate is tokio's own: it stays open whatever becomes of the reactor, which is what `new` asks for.
    #[allow(deprecated, reason = "its successor is unsafe, for descriptors that somebody else may close")]
    let descriptor = AsyncFd::new(sestina_sys::duplicate(number)?)?;
    loop {
        reactor.turn(Some(Duration::ZERO))?;
        match reactor.next_timeout() {
            Some(Duration::ZERO) => tokio::task::yield_now().await,
            Some(timeout) => {
                if let Ok(ready) = tokio::time::timeout(timeout, descriptor.readable()).await {
                    ready?.clear_ready();
                }
            }
            None => descriptor.readable().await?.clear_ready(),
        }
    }
}

/// Fetches a poem. Streams and deferreds are futures: they may be awaited in a task of tokio's.
async fn fetch(reactor: &Reactor, at: &Endpoint) -> Result<Vec<u8>, Failure> {
    let stream = reactor.connect_stream(at).await?;
    stream.read_to_end(POEM_BYTES_MAX).await
}

/// What a program does with both: how many poems came, and how often tokio's own task ran meanwhile.
pub(crate) async fn program(poems: usize) -> Result<(usize, usize), Failure> {
    let reactor = sestina_reactor_mio::reactor()?;
    let ticks = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = std::rc::Rc::clone(&ticks);
    let clock = reactor.clone();
    let port = reactor.serve(&Endpoint::loopback(0), move |stream| {
        let clock = clock.clone();
        async move {
            for line in POEM.split_inclusive('\n') {
                clock.sleep(Duration::from_millis(2)).await?; // the reactor's timers run too
                stream.write_all(line).await?;
            }
            Ok(())
        }
    })?;
    let at = Endpoint::loopback(port.local_addr().port().unwrap_or_default());
    let local = LocalSet::new();
    let hosting = local.spawn_local(host(reactor.clone()));
    let ticking = local.spawn_local(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            counted.set(counted.get() + 1);
        }
    });
    let fetched = local
        .run_until(async {
            let mut whole = 0;
            for _ in 0..poems {
                whole += usize::from(fetch(&reactor, &at).await? == POEM.as_bytes());
                // The host sleeps now: what is asked for next has to wake it.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok::<usize, Failure>(whole)
        })
        .await;
    hosting.abort();
    ticking.abort();
    reactor.clear();
    Ok((fetched?, ticks.get()))
}

#[expect(clippy::print_stdout, reason = "an example")]
#[cfg_attr(test, expect(dead_code, reason = "the test calls `program` itself"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (poems, ticks) = runtime.block_on(program(10))?;
    println!("{poems} poems came, and tokio's own task ran {ticks} times meanwhile");
    Ok(())
}
