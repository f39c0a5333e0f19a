//! The exercise that asks for a `DeferredDict`: many deferreds by name, and their answers by name.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{DeferredMap, Failure, FirstError, deferred, fail, succeed};

fn main() {
    let (science, poem) = deferred();
    let mut poems = DeferredMap::new();
    poems.insert("science", poem);
    poems.insert("ecstasy", fail(Failure::msg("the server is down")));
    poems.settle().map(|poems| {
        for (name, poem) in poems {
            println!("{name}: {poem:?}");
        }
    });
    println!("The poem about science arrives.");
    science.callback("Science! true daughter of Old Time thou art!");

    let all = DeferredMap::from_iter([("odd", succeed(1)), ("even", fail(Failure::msg("there is none")))]);
    all.gather().map(|values| println!("{values:?}")).add_errback(|failure| {
        if let Some(first) = failure.check::<FirstError<&str>>() {
            println!("All or nothing: {:?} failed, {}", first.key(), first.failure());
        }
        Ok(())
    });
}
