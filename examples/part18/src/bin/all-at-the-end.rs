//! The exercise about the client that prints nothing until every poem is there: with the list's answer that is one
//! loop, and a poem that does not come holds up nothing.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, Failure, Resolver, all_settled, deferred};

fn main() {
    let names = ["ecstasy", "science", "fascination"];
    let (servers, poems): (Vec<Resolver<String>>, Vec<Deferred<String>>) =
        names.iter().map(|_| deferred()).unzip();
    all_settled(poems).map(move |poems| {
        println!("All have answered.");
        for (name, poem) in names.iter().zip(poems) {
            match poem {
                Ok(poem) => println!("{name}: {poem}"),
                Err(failure) => println!("{name}: no poem, {failure}"),
            }
        }
    });

    for (name, server) in names.iter().zip(servers).rev() {
        println!("The server of {name} answers.");
        match *name {
            "science" => server.errback(Failure::msg("connection refused")),
            name => server.callback(format!("a poem about {name}")),
        }
    }
}
