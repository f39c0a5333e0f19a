//! A task that waits for a task that waits for a deferred: the request goes up through both, and each may answer.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, Failure, deferred, spawn};

async fn lines(poem: Deferred<String>) -> Result<usize, Failure> {
    let poem = poem.await.inspect_err(|failure| println!("The inner task hears: {failure}"))?;
    Ok(poem.lines().count())
}

async fn report(lines: Deferred<usize>) -> Result<String, Failure> {
    match lines.await {
        Ok(lines) => Ok(format!("{lines} lines")),
        Err(failure) => {
            println!("The outer task hears: {failure}");
            Ok("some lines".to_owned())
        }
    }
}

fn main() {
    let (_resolver, poem) = deferred();
    let poem = poem.on_cancel(|| {
        println!("The poem's canceller is asked.");
        Failure::msg("the poet has gone to bed")
    });
    let report = spawn(report(spawn(lines(poem))));
    report.cancel();
    report.map(|report| println!("The report: {report}."));
}
