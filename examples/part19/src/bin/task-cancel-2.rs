//! An async function may catch the cancel, and have a result all the same.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Cancelled, Deferred, Failure, deferred, spawn};

async fn shout(poem: Deferred<String>) -> Result<String, Failure> {
    match poem.await {
        Ok(poem) => Ok(poem.to_uppercase()),
        Err(failure) if failure.is::<Cancelled>() => {
            println!("The task is told to stop, and takes what it has.");
            Ok("NEVERMORE".to_owned())
        }
        Err(failure) => Err(failure),
    }
}

fn main() {
    let (_resolver, poem) = deferred();
    let task = spawn(shout(poem));
    task.cancel();
    task.map(|poem| println!("It came to {poem}.")).add_errback(|failure| {
        println!("It came to nothing: {failure}");
        Ok(())
    });
}
