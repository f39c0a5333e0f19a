//! A deferred fires once: firing uses its resolver up.

use sestina_deferred::{Failure, deferred};

fn main() {
    let (resolver, poem) = deferred();
    resolver.callback("Once upon a midnight dreary");
    resolver.errback(Failure::msg("no poem"));
    drop(poem);
}
