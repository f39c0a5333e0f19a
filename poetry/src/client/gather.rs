//! Whole poems, for those who want no events.
//!
//! Tests: `tests/suite/client_downloads.rs`.

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::{Endpoint, Reactor};

use super::downloads::{Downloads, Event};
use super::merge::Again;
use super::options::FetchOptions;
use super::task::Outcome;
use crate::fetch::FetchError;
use crate::poem::Poem;

/// Fetches all of them at once. The results have the order of `poets`, whoever was first.
///
/// ```
/// use sestina_poetry::{FastPoetry, FetchOptions, Poem, fetch_all};
/// use sestina_reactor::Endpoint;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let at: Endpoint = "tcp:10000".parse()?;
/// reactor.listen(&at, FastPoetry::new(Poem::from_bytes("a poem of one line")))?;
/// let poets = vec![at, Endpoint::loopback(10_001)]; // nobody is at the second one
/// let poems = reactor.run_until(fetch_all(&reactor, poets, FetchOptions::default())).map_err(|failure| failure.to_string())?;
/// assert_eq!(poems[0].as_ref().map(|poem| poem.len()).ok(), Some(18));
/// assert!(poems[1].is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A poem that could not be transformed comes as it is.
///
/// # Errors
/// Each result has its own: see [`Outcome::result`]. The deferred itself only fails when it is cancelled.
///
/// # Cancelling
/// Cancels all downloads.
///
/// # Limits
/// Holds all poems in memory, each at most [`FetchOptions::with_bytes_max`] long.
pub fn fetch_all(
    reactor: &Reactor,
    poets: Vec<Endpoint>,
    options: FetchOptions,
) -> Deferred<Vec<Result<Poem, Failure>>> {
    let mut gathering = Gathering::start(reactor, poets, options);
    reactor.spawn(async move {
        let mut poems: Vec<Option<Result<Poem, Failure>>> = Vec::new();
        poems.resize_with(gathering.downloads.len(), || None);
        while let Some((outcome, poem)) = gathering.next().await? {
            poems[outcome.task] = Some(outcome.result.map(|()| poem));
        }
        Ok(poems.into_iter().flatten().collect())
    })
}

/// Fetches the same poem from several poets: the first that has all of it wins, and the others are cancelled. Gives the
/// winner's number in `poets`, from 0, and the poem.
///
/// # Errors
/// If all fail: what the last of them says. [`FetchError::NotFirst`] never is.
///
/// # Cancelling
/// Cancels all downloads.
///
/// # Limits
/// Holds what has come of all poems in memory.
pub fn race(reactor: &Reactor, poets: Vec<Endpoint>, options: FetchOptions) -> Deferred<(usize, Poem)> {
    let mut gathering = Gathering::start(reactor, poets, options);
    reactor.spawn(async move {
        let mut failure = Failure::msg("there is no poet to race");
        while let Some((outcome, poem)) = gathering.next().await? {
            match outcome.result {
                Ok(()) => {
                    gathering.cancel_others(outcome.task);
                    return Ok((outcome.task, poem));
                }
                Err(why) => failure = why,
            }
        }
        Err(failure)
    })
}

/// Downloads whose pieces are put together.
struct Gathering {
    downloads: Downloads,
    pieces: Vec<Vec<u8>>,
}

impl Gathering {
    fn start(reactor: &Reactor, poets: Vec<Endpoint>, options: FetchOptions) -> Self {
        let pieces = vec![Vec::new(); poets.len()];
        Self { downloads: Downloads::start(reactor, poets, options), pieces }
    }

    /// The next that has ended, and what it has.
    async fn next(&mut self) -> Result<Option<(Outcome, Poem)>, Failure> {
        while let Some(event) = self.downloads.next().await? {
            match event {
                Event::Started { .. } => {}
                Event::Piece { task, bytes } => self.pieces[task].extend_from_slice(&bytes),
                Event::Transformed { task, result } => {
                    if let Ok(poem) = result {
                        self.pieces[task] = poem.as_bytes().to_vec();
                    }
                }
                Event::Interrupted { task, .. } => {
                    self.pieces[task] = Vec::new();
                    self.downloads.go_on(task, Again::Afresh);
                }
                Event::Ended(outcome) => {
                    let poem = Poem::from_bytes(std::mem::take(&mut self.pieces[outcome.task]));
                    return Ok(Some((outcome, poem)));
                }
            }
        }
        Ok(None)
    }

    fn cancel_others(&self, winner: usize) {
        for task in (0..self.downloads.len()).rev().filter(|&task| task != winner) {
            let peer = self.downloads.peer(task);
            self.downloads.cancel_because(task, FetchError::NotFirst { peer });
        }
    }
}
