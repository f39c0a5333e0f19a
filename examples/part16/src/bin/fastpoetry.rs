//! The introduction's fastpoetry application: a service that has the poem, a service that listens, and a parent of both.
//!
//! The port is bound in the privileged start, before any privilege is given up; the poem is loaded in the start; nobody is
//! accepted before it is there.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use sestina_example_part16::{play, poem};
use sestina_poetry::{CurrentPoem, FastPoetry, PoetryService, get_poem};
use sestina_reactor::{Address, Endpoint, Factory, Protocol};
use sestina_service::{Application, Child, MultiService, TcpServer};

/// Makes a protocol for each connection; the poem lives on the service.
struct PoetryFactory(CurrentPoem);

impl Factory for PoetryFactory {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        FastPoetry::new(self.0.poem()?).build(peer)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (port, poetry_file) = (10_000, poem("ecstasy.txt"));

    let poem = CurrentPoem::default();
    let (loads, serves) = (poem.clone(), poem);
    let mut top_service = MultiService::new("fastpoetry");
    top_service.add(Child::new("poem", move || PoetryService::new(poetry_file.clone(), loads.clone())))?;
    top_service.add(Child::new("tcp", move || {
        TcpServer::new(&Endpoint::loopback(port), PoetryFactory(serves.clone()))
    }))?;
    let mut application = Application::new("poetry");
    application.add(top_service)?;

    play(application, move |tree| async move {
        println!("The privileged start binds the port.");
        tree.privileged_start().await?;
        let early = get_poem(tree.reactor(), &Endpoint::loopback(port));
        println!(
            "Ports: {}. A client that comes now waits. The program gives up its privileges, and starts:",
            tree.reactor().ports()
        );
        tree.start().await?;
        println!("It gets {} bytes of poetry.", early.await?.len());
        println!("The tree:");
        for status in tree.status().all() {
            let addresses: Vec<String> = status.addresses.iter().map(ToString::to_string).collect();
            println!(
                "  {:16} {} {}",
                if status.path.is_empty() { &status.name } else { &status.path },
                status.state,
                addresses.join(", ")
            );
        }
        println!("The stop:");
        tree.stop().await?;
        println!("Ports: {}.", tree.reactor().ports());
        Ok(())
    })
}
