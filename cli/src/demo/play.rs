//! What happens in the demo: ten clients come at once, one of them hangs up half-way, and one comes late.

use std::cell::Cell;
use std::rc::Rc;

use sestina_deferred::{CancelHandle, Cancelled, Deferred, Failure};
use sestina_poetry::{Fetch, poems};
use sestina_reactor::{Endpoint, Reactor};

use super::report::{Download, Facts, Outcome};
use super::screen::Screen;
use super::stage::{Poet, Stage};
use sestina_daemon::words;

/// Clients of the proxy.
const PROXY_CLIENTS: usize = 8;
/// The client that hangs up, counted from 1.
const IMPATIENT: usize = 5;

/// Plays it, and gives what was seen.
pub(super) async fn play(reactor: Reactor, screen: Rc<Screen>) -> Result<Facts, Failure> {
    let begin = reactor.now();
    let hang_up = Rc::new(Cell::new(None));
    let stage = open_stage(&reactor, &screen, &hang_up)?;
    announce(&stage, &screen);
    let director = Director { reactor: reactor.clone(), screen: Rc::clone(&screen) };

    let start = reactor.now();
    let mut downloads = Vec::new();
    for number in 1..=PROXY_CLIENTS {
        let who = format!("client {number}, through the proxy");
        let download = director.download(who, &stage.ecstasy, &stage.proxy_at);
        if number == IMPATIENT {
            hang_up.set(Some(download.canceller()));
        }
        downloads.push(download);
    }
    for (number, poet) in [(9, &stage.fascination), (10, &stage.science)] {
        downloads.push(director.download(format!("client {number}, direct"), poet, &poet.at));
    }
    let mut seen = Vec::new();
    for download in downloads {
        seen.push(download.await?);
    }
    let wall = reactor.now() - start;
    let upstream_before = stage.ecstasy.connections();

    let cached =
        director.download("client 11, through the proxy".to_owned(), &stage.ecstasy, &stage.proxy_at);
    let cached = cached.await?;
    Ok(Facts {
        downloads: seen,
        wall,
        upstream_before,
        cached,
        upstream_after: stage.ecstasy.connections(),
        total: reactor.now() - begin,
        counters: stage.proxy.counters(),
    })
}

/// The stage; when the proxy has half of its poem, the impatient client hangs up.
fn open_stage(
    reactor: &Reactor,
    screen: &Rc<Screen>,
    hang_up: &Rc<Cell<Option<CancelHandle>>>,
) -> Result<Stage, Failure> {
    let (screen, hang_up) = (Rc::clone(screen), Rc::clone(hang_up));
    let whole = poems::ECSTASY.len();
    let row = screen.row("proxy fetches ecstasy", Some(whole));
    let stage = Stage::open(reactor, move |bytes| {
        screen.progress(row, bytes);
        if 2 * bytes >= whole
            && let Some(canceller) = hang_up.take()
        {
            screen.say(&format!("client {IMPATIENT} hangs up: the proxy has {bytes} of {whole} bytes"));
            canceller.cancel();
        }
        if bytes == whole {
            screen.end(row, "complete");
        }
    })?;
    Ok(stage)
}

fn announce(stage: &Stage, screen: &Screen) {
    for poet in [&stage.ecstasy, &stage.fascination, &stage.science] {
        screen.say(&format!(
            "slow poet at {}: {}, {} bytes",
            poet.at.peer_name(),
            poet.title,
            poet.poem.len()
        ));
    }
    screen.say(&format!("caching proxy at {}, before the slowest", stage.proxy_at.peer_name()));
}

struct Director {
    reactor: Reactor,
    screen: Rc<Screen>,
}

impl Director {
    /// One client. Its deferred does not fail: however it ended is what was seen.
    fn download(&self, who: String, poet: &Poet, at: &Endpoint) -> Deferred<Download> {
        let (reactor, screen) = (self.reactor.clone(), Rc::clone(&self.screen));
        let direct = *at == poet.at;
        let row = screen.row(&format!("{who}: {}", poet.title), direct.then_some(poet.poem.len()));
        let (title, wanted, start) = (poet.title, poet.poem, reactor.now());
        let progress = Rc::clone(&screen);
        let fetch = Fetch::new(at.clone()).on_progress(move |bytes| progress.progress(row, bytes));
        fetch.start(&self.reactor).add_both(move |result| {
            let took = reactor.now() - start;
            let outcome = match result {
                Ok(poem) if poem.as_bytes() == wanted => Outcome::Arrived { bytes: poem.len() },
                Ok(poem) => Outcome::Differs { bytes: poem.len() },
                Err(failure) if failure.is::<Cancelled>() => Outcome::HungUp,
                Err(failure) => Outcome::Failed(words::chain(failure.error())),
            };
            let how = match outcome {
                Outcome::Arrived { .. } => "complete".to_owned(),
                _ => outcome.to_string(),
            };
            screen.end(row, &format!("{how} after {:.2} s", took.as_secs_f64()));
            Ok(Download { who, title, outcome, took })
        })
    }
}
