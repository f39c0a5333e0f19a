//! An async function sees a cancel as an error at its `await`. The `?` passes it on.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, Failure, deferred, spawn};

async fn shout(poem: Deferred<String>) -> Result<String, Failure> {
    println!("The task waits for the poem.");
    let poem = poem.await?;
    println!("The task has it.");
    Ok(poem.to_uppercase())
}

fn main() {
    let (resolver, poem) = deferred();
    resolver.on_cancel(|| println!("The poem's canceller is asked."));
    let task = spawn(shout(poem));
    println!("The task is cancelled.");
    task.cancel();
    task.map(|poem| println!("It came to {poem}.")).add_errback(|failure| {
        println!("It came to nothing: {failure}");
        Ok(())
    });
}
