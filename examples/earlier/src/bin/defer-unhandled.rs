//! An error that no errback handles. It is not lost: standard error hears of it, with the place where it arose and the
//! place where the deferred was made.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Failure, deferred};

fn main() {
    let (resolver, d) = deferred();
    let d = d.add_callback(|_: &str| -> Result<(), Failure> { Err(Failure::msg("oh dear")) });
    resolver.callback("anything");
    println!("That was all.");
    drop(d);
}
