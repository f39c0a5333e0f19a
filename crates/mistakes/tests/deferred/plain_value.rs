//! A callback that cannot fail and need not wait belongs into `map`.

use sestina_deferred::deferred;

fn main() {
    let (resolver, poem) = deferred();
    let lines = poem.add_callback(|poem: String| poem.lines().count());
    resolver.callback(String::new());
    drop(lines);
}
