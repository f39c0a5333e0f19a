//! The most frequent case of it: an errback that only prints.

use sestina_deferred::deferred;

fn main() {
    let (resolver, lines) = deferred::<usize>();
    let lines = lines.add_errback(|failure| println!("no poem: {failure}"));
    resolver.callback(3);
    drop(lines);
}
