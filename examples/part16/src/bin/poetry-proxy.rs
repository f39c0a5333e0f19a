//! Exercise 16.2: the poetry proxy as an application. Its poet is a service beside it.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use sestina_example_part16::{play, poem};
use sestina_poetry::{PoetryProxyService, SlowPoetry, get_poem, poetry_proxy, poetry_server};
use sestina_reactor::Endpoint;
use sestina_service::Application;

fn main() -> Result<(), Box<dyn Error>> {
    let (poet, proxy) = (Endpoint::loopback(10_001), Endpoint::loopback(10_000));
    let mut application = Application::new("proxy");
    application.add(poetry_server("slowpoetry", poem("science.txt"), &poet, SlowPoetry::new))?;
    application.add(poetry_proxy("poetryproxy", &poet, &proxy))?;
    play(application, move |tree| async move {
        println!("Start:");
        tree.start().await?;
        for client in ["The first", "The second"] {
            let begun = tree.reactor().now();
            let poem = get_poem(tree.reactor(), &proxy).await?;
            let seconds = (tree.reactor().now() - begun).as_secs();
            println!("{client} client has {} bytes after {seconds} seconds.", poem.len());
        }
        let counters = tree.service::<PoetryProxyService>("poetryproxy").and_then(|service| service.proxy());
        println!("Fetches: {:?}.", counters.map(|proxy| proxy.counters().misses));
        println!("Stop:");
        tree.stop().await?;
        Ok(())
    })
}
