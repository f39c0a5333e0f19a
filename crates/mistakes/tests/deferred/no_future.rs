//! Only a future can be spawned, as only a generator can be decorated in Twisted.

use sestina_deferred::spawn;

fn main() {
    drop(spawn(1));
}
