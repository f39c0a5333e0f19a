//! A deferred fires once. Firing uses its resolver up, so that firing twice does not compile:
//!
//! ```text
//! resolver.callback("the first result");
//! resolver.callback("the second result"); // error[E0382]: use of moved value: `resolver`
//! ```
//!
//! Who must keep it where others can reach it too keeps an `Option`. The first one takes it; the second finds nothing.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn main() -> Result<(), &'static str> {
    let (resolver, d) = deferred();
    let mut resolver = Some(resolver);
    d.map(|result: &str| println!("{result}"));

    resolver.take().ok_or("fired before: the first time")?.callback("the first result");
    resolver.take().ok_or("fired before: the second time")?.callback("the second result");
    Ok(())
}
