//! A deferred has one owner: who adds to it goes on with what is returned. To let many wait there is `share`.

use sestina_deferred::deferred;

fn main() {
    let (resolver, poem) = deferred::<String>();
    drop(poem.map(|poem| poem.len()));
    drop(poem.map(|poem| poem.to_uppercase()));
    resolver.callback(String::new());
}
