//! What the programs of this part share: where the poems are, and how a tree is played.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;

use sestina_deferred::Failure;
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, State, Tree};

/// A poem of the house.
#[must_use]
pub fn poem(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../poetry/poems")).join(name)
}

/// Attaches the application to a simulated reactor, says which states its services come to, and runs the story.
///
/// # Errors
/// If the application has no good name, or the story fails.
pub fn play<A>(application: Application, story: impl FnOnce(Tree) -> A) -> Result<(), Box<dyn Error>>
where
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let reactor = Simulation::seeded(16).reactor();
    let tree = application.attach(&reactor)?;
    let _states = tree.subscribe(|path, state| {
        if matches!(state, State::Running | State::Stopped | State::Failed) {
            let name = if path.is_empty() { "the application" } else { path };
            println!("  {name}: {state}");
        }
    });
    Ok(reactor.run_until(reactor.spawn(story(tree)))?)
}
