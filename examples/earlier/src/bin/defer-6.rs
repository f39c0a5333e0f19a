//! And not with a failure after a failure.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred};

fn main() -> Result<(), &'static str> {
    let (resolver, d) = deferred::<()>();
    let mut resolver = Some(resolver);
    d.add_errback(|failure| {
        println!("{failure}");
        Ok(())
    });

    resolver.take().ok_or("fired before: the first time")?.errback(Failure::msg("the first error"));
    resolver.take().ok_or("fired before: the second time")?.errback(Failure::msg("the second error"));
    Ok(())
}
