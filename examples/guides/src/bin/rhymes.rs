//! Serves rhymes until it is interrupted.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use sestina::{Application, Cancelled, Endpoint, Failure, Tree};
use sestina_example_guides::{Shelf, rhymes};

async fn serve(tree: Tree) -> Result<(), Failure> {
    tree.start().await?;
    println!("{}", tree.status());
    tree.failed().await // fires when restarts do not help any more; a stop of the reactor cancels it
}

fn main() -> Result<(), Box<dyn Error>> {
    let at: Endpoint = std::env::args().nth(1).unwrap_or_else(|| "tcp:0".to_owned()).parse()?;
    let mut application = Application::new("guide");
    application.add(rhymes("rhymes", &at, Shelf::default())?)?;

    let reactor = sestina::reactor()?;
    reactor.stop_on_signals()?;
    let tree = application.attach(&reactor)?; // when the reactor stops, it drains and stops the tree first
    match reactor.run_until(reactor.spawn(serve(tree))) {
        Err(failure) if !failure.is::<Cancelled>() => Err(failure.into()),
        _ => {
            println!("goodbye");
            Ok(())
        }
    }
}
