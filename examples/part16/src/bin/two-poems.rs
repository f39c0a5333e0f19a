//! Exercise 16.1: two poems on two ports, each in a parent of its own, so that they are started, stopped and supervised apart.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use sestina_example_part16::{play, poem};
use sestina_poetry::{FastPoetry, get_poem, poetry_server};
use sestina_reactor::Endpoint;
use sestina_service::Application;

fn main() -> Result<(), Box<dyn Error>> {
    let mut application = Application::new("two-poems");
    for (name, file, port) in [("ecstasy", "ecstasy.txt", 10_000), ("science", "science.txt", 10_001)] {
        application.add(poetry_server(name, poem(file), &Endpoint::loopback(port), FastPoetry::new))?;
    }
    play(application, |tree| async move {
        println!("Start:");
        tree.start().await?;
        for port in [10_000, 10_001] {
            println!(
                "Port {port}: {} bytes.",
                get_poem(tree.reactor(), &Endpoint::loopback(port)).await?.len()
            );
        }
        println!("One is taken out, the other goes on:");
        tree.remove("ecstasy").await?;
        let gone = get_poem(tree.reactor(), &Endpoint::loopback(10_000)).await.expect_err("it is gone");
        println!("{gone}");
        println!("Port 10001: {} bytes.", get_poem(tree.reactor(), &Endpoint::loopback(10_001)).await?.len());
        println!("Stop:");
        tree.stop().await?;
        Ok(())
    })
}
