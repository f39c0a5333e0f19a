//! Our side, without a log: `bench-ours poem FILE BYTES always|if-unread | slow FILE COUNT MILLISECONDS | echo | proxy PORT`.
//!
//! The poets are those of `sestina-poetry`; here is only what picks one of them. Prints `listening PORT`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use sestina_poetry::{FastPoetry, Poem, PoetryProxy, SlowPoetry};
use sestina_reactor::{Address, Conn, Drain, Endpoint, Factory, Protocol, Reactor};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["poem", file, "0", drain] => serve(FastPoetry::new(Poem::load(file)?).with_drain(drain_of(drain)?)),
        ["poem", file, bytes, drain] => {
            let poem: Rc<[u8]> = repeated(&std::fs::read(file)?, bytes.parse()?).into();
            let drain = drain_of(drain)?;
            serve(move |_: &Address| Giant { poem: Rc::clone(&poem), drain })
        }
        ["slow", file, count, milliseconds] => {
            let delay = Duration::from_millis(milliseconds.parse()?);
            let count: NonZeroUsize = count.parse()?;
            serve(SlowPoetry::new(Poem::load(file)?).with_num_bytes(count).with_delay(delay))
        }
        ["echo"] => serve(|_: &Address| Echo),
        ["proxy", port] => {
            let reactor = reactor()?;
            let proxy = PoetryProxy::new(&reactor, &Endpoint::loopback(port.parse()?));
            run(&reactor, proxy)
        }
        _ => {
            Err("poem FILE BYTES always|if-unread | slow FILE COUNT MILLISECONDS | echo | proxy PORT".into())
        }
    }
}

fn reactor() -> Result<Reactor, Box<dyn Error>> {
    sestina_reactor_mio::raise_descriptor_limit()?;
    Ok(sestina_reactor_mio::reactor()?)
}

fn serve(factory: impl Factory) -> Result<(), Box<dyn Error>> {
    run(&reactor()?, factory)
}

fn run(reactor: &Reactor, factory: impl Factory) -> Result<(), Box<dyn Error>> {
    let port = reactor.listen(&Endpoint::loopback(0), factory)?;
    println!("listening {}", port.local_addr().port().ok_or("no port")?);
    Ok(reactor.run()?)
}

fn drain_of(word: &str) -> Result<Drain, String> {
    match word {
        "always" => Ok(Drain::Always),
        "if-unread" => Ok(Drain::IfUnread),
        _ => Err(format!("there is no drain '{word}'")),
    }
}

/// The text again and again, as many bytes as are wanted.
fn repeated(text: &[u8], bytes: usize) -> Vec<u8> {
    let mut poem = text.repeat(bytes / text.len().max(1) + 1);
    poem.truncate(bytes);
    poem
}

/// A poem longer than a [`Poem`] may be.
struct Giant {
    poem: Rc<[u8]>,
    drain: Drain,
}

impl Protocol for Giant {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_drain(self.drain);
        conn.write_shared(Rc::clone(&self.poem));
        conn.lose_connection();
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
    }
}
