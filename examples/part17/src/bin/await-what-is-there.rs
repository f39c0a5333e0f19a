//! Awaiting what has fired does not wait: ten thousand times in a row, in one go, on a small stack, before `spawn`
//! returns.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, spawn, succeed};

async fn count() -> Result<u32, Failure> {
    let mut sum = 0;
    for _ in 0..10_000 {
        sum += succeed(1).await?;
    }
    Ok(sum)
}

fn main() {
    let sum = spawn(count());
    println!("Is it done? {}", sum.is_fired());
    sum.map(|sum| println!("It counted to {sum}."));
}
