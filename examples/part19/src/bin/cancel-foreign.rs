//! The exercise that gives a cancel to an API that has none. A future from elsewhere knows only being dropped;
//! `cancellable` makes it a place at which a task can be cancelled, hear of it, and go on.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use sestina_deferred::{cancellable, spawn};

/// A download of some other library: it never ends, and stops when it is dropped.
struct Download;

impl Future for Download {
    type Output = String;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<String> {
        Poll::Pending
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        println!("The download is dropped.");
    }
}

fn main() {
    let task = spawn(async {
        match cancellable(Download).await {
            Ok(poem) => Ok(poem),
            Err(failure) => {
                println!("The task hears: {failure}");
                Ok("a poem from memory".to_owned())
            }
        }
    });
    println!("The task is cancelled.");
    task.cancel();
    task.map(|poem| println!("It came to {poem}."));
}
