//! A list is a deferred, so it can be a member of another list.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, DeferredList, succeed};

fn main() {
    let both = DeferredList::new([succeed(1), succeed(2)]).settle();
    let none = DeferredList::new([]).settle();
    let nested: [Deferred<_>; 2] = [both, none];

    DeferredList::new(nested).settle().map(|answers| println!("The answers: {answers:?}"));
}
