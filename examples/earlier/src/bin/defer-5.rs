//! Firing once means once: not with a failure either, after a result.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred};

fn main() -> Result<(), &'static str> {
    let (resolver, d) = deferred();
    let mut resolver = Some(resolver);
    d.map(|result: &str| println!("{result}"));

    resolver.take().ok_or("fired before: the first time")?.callback("the first result");
    resolver.take().ok_or("fired before: the second time")?.errback(Failure::msg("the first error"));
    Ok(())
}
