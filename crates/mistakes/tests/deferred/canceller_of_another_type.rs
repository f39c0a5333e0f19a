//! A canceller answers for the deferred, or says nothing.

use sestina_deferred::deferred;

fn main() {
    let (resolver, lines) = deferred::<usize>();
    resolver.on_cancel(|| "stopped");
    lines.cancel();
}
