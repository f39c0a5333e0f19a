//! A start that fails: everything that was started is stopped again, and the error names the service, the step and the cause.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use sestina_example_part16::play;
use sestina_poetry::{FastPoetry, poetry_server};
use sestina_reactor::Endpoint;
use sestina_service::{Application, service};

fn main() -> Result<(), Box<dyn Error>> {
    let mut application = Application::new("poetry");
    application.add(service("statistics", |cx| async move {
        cx.ready();
        cx.stopped().await
    }))?;
    application.add(poetry_server(
        "fastpoetry",
        "no/such/poem.txt",
        &Endpoint::loopback(10_000),
        FastPoetry::new,
    ))?;
    play(application, |tree| async move {
        println!("Start:");
        let failure = tree.start().await.expect_err("there is no such poem");
        println!("{failure}");
        println!("Ports: {}.", tree.reactor().ports());
        Ok(())
    })
}
