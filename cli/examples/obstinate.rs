//! A program whose service does what services should not: for the tests of the runner (`cli/tests/suite/daemon_*.rs`).
//!
//! `obstinate --start hang`, `--stop block`, `--privileged fail` ...: each step of its service goes as it is told to.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sestina_daemon::{Context, Runner, plugin};
use sestina_deferred::{Deferred, Failure, deferred, fail, succeed};
use sestina_reactor::{Address, Conn, Endpoint, Protocol};
use sestina_service::{Child, MultiService, Service, ServiceContext, TcpServer};

/// How a step goes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Goes {
    /// As it should
    Well,
    /// It says that it has failed
    Fail,
    /// It panics
    Panic,
    /// It never answers
    Hang,
    /// It does not give the loop back
    Block,
    /// It ends the process
    Exit,
}

#[derive(Args, Clone)]
struct Options {
    /// The privileged start
    #[arg(long, value_enum, default_value = "well")]
    privileged: Goes,
    /// The start
    #[arg(long, value_enum, default_value = "well")]
    start: Goes,
    /// The stop
    #[arg(long, value_enum, default_value = "well")]
    stop: Goes,
    /// The reload
    #[arg(long, value_enum, default_value = "well")]
    reload: Goes,
    /// Fails so long after its start, in milliseconds
    #[arg(long)]
    fails_after: Option<u64>,
}

struct Obstinate(Options);

impl Service for Obstinate {
    fn privileged_start(self: Rc<Self>, _: ServiceContext) -> Deferred<()> {
        goes(self.0.privileged)
    }

    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        if let Some(after) = self.0.fails_after {
            let service = cx.clone();
            drop(cx.call_later(Duration::from_millis(after), move || {
                service.fail(Failure::msg("it has had enough"));
                Ok::<(), Failure>(())
            }));
        }
        goes(self.0.start)
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        goes(self.0.stop)
    }

    fn reload(self: Rc<Self>) -> Deferred<()> {
        goes(self.0.reload)
    }
}

#[expect(clippy::exit, reason = "a program that ends before it is ready")]
fn goes(how: Goes) -> Deferred<()> {
    match how {
        Goes::Well => succeed(()),
        Goes::Fail => fail(Failure::msg("it does not want to")),
        Goes::Panic => panic!("it panics"),
        Goes::Hang => {
            let (resolver, answer) = deferred();
            Box::leak(Box::new(resolver)); // nobody ever answers
            answer
        }
        Goes::Block => loop {
            std::thread::park();
        },
        Goes::Exit => std::process::exit(7),
    }
}

/// Says who it is, and nothing else: for clients that look whether somebody listens.
struct Silent;

impl Protocol for Silent {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"obstinate\n");
    }
}

fn make(options: Options, context: &Context) -> Result<MultiService, Failure> {
    let at = context.listen(&Endpoint::loopback(0));
    let mut both = MultiService::new(context.name());
    both.add(Child::new("tcp", move || TcpServer::new(&at, |_: &Address| Silent)))?;
    both.add(Child::new("mule", move || Obstinate(options.clone())))?;
    Ok(both)
}

fn main() -> ExitCode {
    Runner::new("obstinate").with_plugin(plugin("mule", "Does what it wants", make)).main()
}
