//! `sestina demo`: the system at work on real sockets, in one process and one reactor, checking its own claims.
//!
//! Three slow poets; a caching proxy before the slowest; eight clients of the proxy, of which one hangs up half-way;
//! two clients of the other poets; and a ninth client of the proxy, when all is over.
//!
//! Walk: `stage.rs` opens the servers, `play.rs` lets the clients come and go and collects facts, `screen.rs` shows
//! it meanwhile, `report.rs` makes the table and judges the claims.

mod play;
mod report;
mod screen;
mod stage;

use std::cell::Cell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Reactor, Signal};
use sestina_reactor_mio::MioDriver;
use tracing::level_filters::LevelFilter;

use crate::paint::Paint;
use crate::signals;
use report::Facts;
use screen::Screen;
use sestina_daemon::logs;
use sestina_daemon::words;

/// The command's name.
pub(crate) const NAME: &str = "demo";
/// One line for the help.
pub(crate) const DESCRIPTION: &str = "Shows the system at work on real sockets, and checks its own claims";
/// The demo's own claim about its length.
const DEMO_TIME_MAX: Duration = Duration::from_secs(6);
/// What takes longer is stopped. Far more than the claim: a machine that is busy breaks the claim, and shows the others.
const OVERTIME_AFTER: Duration = Duration::from_secs(60);

/// Runs the demo. The exit status says whether all claims held.
pub(crate) fn main() -> ExitCode {
    logs::begin(LevelFilter::WARN);
    match show() {
        Ok(exit_code) => exit_code,
        Err(error) => fail(&words::chain(&error)),
    }
}

fn fail(why: &str) -> ExitCode {
    words::say(&format!("sestina {NAME}: {why}"));
    ExitCode::FAILURE
}

/// Why the play was stopped before its end.
#[derive(Clone, Copy)]
enum Curtain {
    Signal(Signal),
    Overtime,
}

/// # Errors
/// If there is no reactor to be had.
fn show() -> io::Result<ExitCode> {
    let reactor = Reactor::new(Box::new(MioDriver::new()?));
    let curtain = Rc::new(Cell::new(None));
    let fall = |why| {
        let (reactor, curtain) = (reactor.clone(), Rc::clone(&curtain));
        move || {
            curtain.set(Some(why));
            reactor.stop();
        }
    };
    for signal in [Signal::Interrupt, Signal::Terminate] {
        reactor.on_signal(signal, fall(Curtain::Signal(signal)))?;
    }
    reactor.call_later(OVERTIME_AFTER, fall(Curtain::Overtime));
    let screen = Rc::new(Screen::new(&reactor));
    let played = reactor.run_until(reactor.spawn(play::play(reactor.clone(), Rc::clone(&screen))));
    screen.close();
    Ok(match (played, curtain.get()) {
        (Ok(facts), _) => report(&facts),
        (Err(_), Some(Curtain::Signal(signal))) => signals::exit_code(signal),
        (Err(_), Some(Curtain::Overtime)) => {
            fail(&format!("it did not end within {} seconds", OVERTIME_AFTER.as_secs()))
        }
        (Err(failure), None) => fail(&words::chain(failure.error())),
    })
}

fn report(facts: &Facts) -> ExitCode {
    let paint = Paint::of_stdout();
    let claims = report::claims(facts);
    let text = format!("{}\n{}", report::table(facts, paint), report::verdict(&claims, paint));
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        fail(&format!("cannot write the report: {error}"));
        return ExitCode::FAILURE;
    }
    let broken: Vec<_> = claims.iter().filter(|claim| !claim.holds).collect();
    for claim in &broken {
        fail(&format!("this claim did not hold: {}", claim.text));
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
