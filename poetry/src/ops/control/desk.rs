//! Does what operators ask, and has the log know of everything that changes something.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::answer::{self, Answer, Stats};
use super::command::{Command, HELP, Keys, Request};
use super::table::{harmless, shortened};
use crate::cache::Purge;
use crate::causes::with_causes;
use crate::ops::place::ProxyPlace;
use crate::ops::spool::Spool;
use crate::proxy::{PoetryProxy, ProxyError};

/// How long those who wait have for their poems after `drain`, if the program says nothing else.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);

/// Where requests are answered.
pub(crate) struct Desk {
    pub(crate) place: ProxyPlace,
    pub(crate) spool: RefCell<Option<Spool>>,
    /// What the program does to end, if it is to end.
    pub(crate) drain: RefCell<Option<Rc<dyn Fn()>>>,
}

impl Desk {
    /// The whole answer to a line.
    pub(crate) fn answer(&self, line: &[u8]) -> String {
        let answered = Request::parse(line).map_err(|error| error.to_string()).and_then(|it| self.serve(it));
        match answered {
            Ok(answer) => answer.to_lines(),
            Err(why) => refusal(&why),
        }
    }

    fn serve(&self, request: Request) -> Result<Answer, String> {
        let Request { command, json } = request;
        let proxy = || self.place.proxy().ok_or("the proxy has not started yet");
        Ok(match command {
            Command::Help => help(json),
            Command::Entries => answer::entries(json, &proxy()?.entries()),
            Command::Flights => answer::flights(json, &proxy()?.flights()),
            Command::Stats => self.stats(json, &proxy()?),
            Command::Purge(Keys::One(key), how) => purge(json, &proxy()?, &key, how)?,
            Command::Purge(Keys::All, how) => purge_all(json, &proxy()?, how),
            Command::Refresh(key) => refresh(json, &proxy()?, &key)?,
            Command::Cancel(flight) => cancel(json, &proxy()?, flight)?,
            Command::Drain => self.drain(json, &proxy()?),
        })
    }

    fn stats(&self, json: bool, proxy: &PoetryProxy) -> Answer {
        let spool = self.spool.borrow().as_ref().map(Spool::counters);
        let stats = Stats {
            statistics: &proxy.statistics(),
            clients: proxy.clients(),
            slow_clients: proxy.slow_clients(),
            spool: spool.as_ref(),
        };
        answer::stats(json, &stats)
    }

    fn drain(&self, json: bool, proxy: &PoetryProxy) -> Answer {
        let (clients, flights) = (proxy.clients(), proxy.flights().len());
        tracing::info!(clients, flights, "an operator drains the proxy");
        let drain = self.drain.borrow().clone();
        match drain {
            Some(drain) => drain(),
            None => proxy.drain(DRAIN_TIME_MAX).ignore_errors(),
        }
        let sentence = format!("draining: connected clients: {clients}, flights under way: {flights}");
        Answer::said(json, sentence, json!({"draining": true, "clients": clients, "flights": flights}))
    }
}

fn help(json: bool) -> Answer {
    if json {
        Answer::Json(json!(HELP))
    } else {
        Answer::Text(HELP.iter().map(|line| (*line).to_owned()).collect())
    }
}

/// A line that says no.
pub(crate) fn refusal(why: &str) -> String {
    format!("error {}\n", harmless(why))
}

const fn word(how: Purge) -> &'static str {
    match how {
        Purge::Soft => "soft",
        Purge::Hard => "hard",
    }
}

fn purge(json: bool, proxy: &PoetryProxy, key: &str, how: Purge) -> Result<Answer, String> {
    let there = proxy.purge(key, how).map_err(|error| no(proxy, &error))?;
    let (name, how) = (harmless(key), word(how));
    tracing::info!(key = %name, how, there, "an operator purged a poem");
    let sentence = if there { format!("purged {name} ({how})") } else { format!("{name} was never fetched") };
    Ok(Answer::said(json, sentence, json!({"purged": u8::from(there), "how": how})))
}

fn purge_all(json: bool, proxy: &PoetryProxy, how: Purge) -> Answer {
    let (count, how) = (proxy.purge_all(how), word(how));
    tracing::info!(count, how, "an operator purged every poem");
    Answer::said(json, format!("purged {count} keys ({how})"), json!({"purged": count, "how": how}))
}

fn refresh(json: bool, proxy: &PoetryProxy, key: &str) -> Result<Answer, String> {
    proxy.refresh(key).map_err(|error| no(proxy, &error))?;
    let name = harmless(key);
    tracing::info!(key = %name, "an operator has a poem fetched anew");
    Ok(Answer::said(json, format!("fetching {name}"), json!({"refreshing": key})))
}

fn cancel(json: bool, proxy: &PoetryProxy, flight: u64) -> Result<Answer, String> {
    if !proxy.cancel_flight(flight) {
        return Err(format!("no flight {flight} is under way ('flights' lists them)"));
    }
    tracing::info!(flight, "an operator cancelled a flight");
    Ok(Answer::said(json, format!("cancelled flight {flight}"), json!({"cancelled": flight})))
}

/// Why something was not done, and what could be.
fn no(proxy: &PoetryProxy, error: &ProxyError) -> String {
    if let ProxyError::UnknownUpstream(name) = error {
        let known: Vec<String> = proxy.upstreams().iter().map(|(name, _)| shortened(name)).collect();
        return format!("there is no key '{}': there are {}", shortened(name), known.join(", "));
    }
    with_causes(error)
}
