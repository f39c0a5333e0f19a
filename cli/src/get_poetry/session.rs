//! One run: takes the events of the downloads, and prints, saves and tells what comes of them.
//!
//! Walk: `run` takes events from `Downloads`, feeds `Merge` (what is printed when), hands bytes to the voice's writers and
//! waits for room there; so a slow reader of our output slows the poets down and never the loop.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{Cancelled, Failure};
use sestina_poetry::{Again, Downloads, Event, FetchError, Merge, Outcome, PoemEnd, Room};
use sestina_reactor::{Reactor, Signal, Time};

use super::arguments::{NAME, Showing};
use super::plan::{Content, Plan};
use super::report::{self, Extra};
use super::screen::TICK;
use super::store::{Step, Store, StoreError};
use super::voice::{Tone, Voice};
use crate::signals;
use sestina_daemon::size::readable;
use sestina_daemon::words;

/// What a shell would report for a program that SIGPIPE had ended.
const NO_READER: u8 = 128 + 13;
/// How long the last lines may take after a signal.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// Why a run ends before its downloads.
#[derive(Clone, Copy)]
enum End {
    /// What we print reaches nobody, and that is fine.
    NoReader,
    /// What we print cannot be written.
    NoOutput,
    Signal(Signal),
}

pub(super) struct Session {
    reactor: Reactor,
    downloads: Downloads,
    voice: RefCell<Voice>,
    work: RefCell<Work>,
    end: Cell<Option<End>>,
    showing: Showing,
    content: Content,
    is_race: bool,
    has_summary: bool,
    max_held: usize,
    begin: Time,
}

/// What is under way between two waits.
struct Work {
    merge: Merge,
    store: Option<Store>,
    steps: Vec<Step>,
    /// Downloads that are over and were not told.
    ended: Vec<Outcome>,
    /// Downloads that wait until less is held.
    held: Vec<usize>,
    untransformed: BTreeMap<usize, String>,
    stored: BTreeMap<usize, Result<PathBuf, StoreError>>,
    /// A poem is whole; in a race it is the only one.
    has_winner: bool,
    whole: usize,
    failed: usize,
    bytes: usize,
}

impl Session {
    pub(super) fn start(reactor: &Reactor, plan: Plan, voice: Voice) -> Rc<Self> {
        let work = Work {
            merge: plan.merge,
            store: plan.store,
            steps: Vec::new(),
            ended: Vec::new(),
            held: Vec::new(),
            untransformed: BTreeMap::new(),
            stored: BTreeMap::new(),
            has_winner: false,
            whole: 0,
            failed: 0,
            bytes: 0,
        };
        let begin = reactor.now();
        Rc::new(Self {
            reactor: reactor.clone(),
            downloads: Downloads::start(reactor, plan.poets, plan.fetch),
            voice: RefCell::new(voice),
            work: RefCell::new(work),
            end: Cell::new(None),
            has_summary: std::io::IsTerminal::is_terminal(&std::io::stderr()) && !plan.showing.quiet,
            showing: plan.showing,
            content: plan.content,
            is_race: plan.is_race,
            max_held: plan.max_held,
            begin,
        })
    }

    /// The first signal cancels everything and has it told; the second ends at once.
    pub(super) fn signal(&self, signal: Signal) {
        if self.is_signalled() {
            return self.reactor.crash();
        }
        self.end.set(Some(End::Signal(signal)));
        if self.content == Content::Poems {
            self.voice.borrow().out().leave(); // a report is the last word on a download, and goes with the others
        }
        self.downloads.cancel_all();
        let reactor = self.reactor.clone();
        drop(self.reactor.call_later(LAST_WORDS_MAX, move || reactor.crash()));
    }

    pub(super) fn is_signalled(&self) -> bool {
        matches!(self.end.get(), Some(End::Signal(_)))
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        let work = self.work.borrow();
        match self.end.get() {
            Some(End::Signal(signal)) => signals::exit_code(signal),
            Some(End::NoReader) => ExitCode::from(NO_READER),
            Some(End::NoOutput) => ExitCode::FAILURE,
            None if self.is_race && work.whole > 0 => ExitCode::SUCCESS,
            None if work.failed == 0 => ExitCode::SUCCESS,
            None => ExitCode::FAILURE,
        }
    }

    /// Takes events until there are no more, and everything is written.
    pub(super) async fn run(self: Rc<Self>) -> Result<(), Failure> {
        let session = Rc::downgrade(&self);
        let reactor = self.reactor.clone();
        let ticking = self.reactor.spawn(async move {
            loop {
                reactor.sleep(TICK).await?;
                let Some(session) = session.upgrade() else { return Ok(()) };
                session.voice.borrow_mut().tick(&session.downloads);
            }
        });
        while let Some(event) = self.downloads.next().await? {
            self.take(event);
            while let Some(event) = self.downloads.try_next() {
                self.take(event);
            }
            self.save().await?;
            self.tell_ended();
            self.print().await;
        }
        ticking.discard();
        self.voice.borrow_mut().close();
        self.tell_all();
        let (out, err) = (self.voice.borrow().out(), self.voice.borrow().err());
        out.drained().await;
        self.look_at_output();
        err.drained().await;
        Ok(())
    }

    fn take(&self, event: Event) {
        match event {
            Event::Started { task } => {
                let peer = self.downloads.peer(task);
                self.voice.borrow_mut().begin_row(task, &peer);
            }
            Event::Piece { task, bytes } => self.piece(task, bytes),
            Event::Interrupted { task, failure, attempts, wait } => {
                self.tell_interrupted(task, &failure, attempts, wait);
                let again = self.begin_again(task);
                self.downloads.go_on(task, again);
            }
            Event::Transformed { task, result } => self.transformed(task, result),
            Event::Ended(outcome) => self.ended(outcome),
            _ => {}
        }
    }

    fn piece(&self, task: usize, bytes: Vec<u8>) {
        if self.showing.trace {
            let (number, count, peer) = (task + 1, bytes.len(), self.downloads.peer(task));
            self.say(&format!("Task {number}: got {count} bytes of poetry from {peer}"), Tone::Plain);
        }
        let mut work = self.work.borrow_mut();
        if self.content == Content::Poems {
            work.merge.piece(task, &bytes);
            match work.merge.room(task) {
                Room::Enough => {}
                Room::Later => {
                    self.downloads.hold(task);
                    work.held.push(task);
                }
                Room::Never => {
                    drop(work);
                    let (peer, limit) = (self.downloads.peer(task), self.max_held);
                    return self.downloads.cancel_because(task, FetchError::NoRoom { peer, limit });
                }
            }
        }
        if work.store.is_some() {
            work.steps.push(Step::Write { task, bytes });
        }
    }

    /// How a download goes on: what is printed cannot be taken back, all else is forgotten.
    fn begin_again(&self, task: usize) -> Again {
        let mut work = self.work.borrow_mut();
        if work.store.is_some() {
            work.steps.push(Step::Restart(task));
        }
        match self.content {
            Content::Poems => work.merge.again(task),
            Content::Reports | Content::Nothing => Again::Afresh,
        }
    }

    fn transformed(&self, task: usize, result: Result<sestina_poetry::Poem, Failure>) {
        let mut work = self.work.borrow_mut();
        match result {
            Ok(poem) => {
                if self.content == Content::Poems {
                    work.merge.replace(task, poem.as_bytes().to_vec());
                }
                if work.store.is_some() {
                    let bytes = poem.as_bytes().to_vec();
                    work.steps.extend([Step::Restart(task), Step::Write { task, bytes }]);
                }
            }
            Err(failure) => {
                let why = words::chain(failure.error());
                let peer = self.downloads.peer(task);
                work.untransformed.insert(task, why.clone());
                drop(work);
                self.say(&format!("{NAME}: the poem of {peer} stays as it is: {why}"), Tone::Bad);
            }
        }
    }

    fn ended(&self, mut outcome: Outcome) {
        let mut work = self.work.borrow_mut();
        if self.is_race && work.has_winner && outcome.result.is_ok() {
            // It was whole before it could be cancelled.
            outcome.result = Err(FetchError::NotFirst { peer: Arc::clone(&outcome.peer) }.into());
        }
        work.has_winner |= outcome.result.is_ok();
        let (task, is_whole) = (outcome.task, outcome.result.is_ok());
        if work.store.is_some() {
            work.steps.push(if is_whole { Step::Keep(task) } else { Step::Discard(task) });
        }
        if self.content == Content::Poems {
            work.merge.end(task, if is_whole { PoemEnd::Whole } else { PoemEnd::Torn });
        }
        work.ended.push(outcome);
        drop(work);
        if is_whole && self.is_race {
            for other in (0..self.downloads.len()).rev().filter(|&other| other != task) {
                let peer = self.downloads.peer(other);
                self.downloads.cancel_because(other, FetchError::NotFirst { peer });
            }
        }
    }

    /// Has the files written, on another thread.
    async fn save(&self) -> Result<(), Failure> {
        let (store, steps) = {
            let mut work = self.work.borrow_mut();
            if work.steps.is_empty() {
                return Ok(());
            }
            (work.store.take(), std::mem::take(&mut work.steps))
        };
        let Some(mut store) = store else { return Ok(()) };
        let (store, stored) = self
            .reactor
            .defer_to_thread(move || {
                let stored = store.run(steps);
                Ok((store, stored))
            })
            .await?;
        for (task, result) in stored {
            if result.is_err() {
                self.downloads.cancel(task);
            }
            self.work.borrow_mut().stored.entry(task).or_insert(result);
        }
        self.work.borrow_mut().store = Some(store);
        Ok(())
    }

    fn tell_ended(&self) {
        let ended = std::mem::take(&mut self.work.borrow_mut().ended);
        for outcome in ended {
            self.voice.borrow_mut().end_row(outcome.task, outcome.received);
            let stored = self.work.borrow_mut().stored.remove(&outcome.task);
            let problem = match &stored {
                Some(Err(error)) => Some(format!("{}: {}", outcome.peer, words::chain(error))),
                Some(Ok(_)) | None => outcome.result.as_ref().err().map(|failure| problem(&outcome, failure)),
            };
            let is_beaten = outcome.result.as_ref().is_err_and(|failure| {
                matches!(failure.check::<FetchError>(), Some(FetchError::NotFirst { .. }))
            });
            self.count(&outcome, problem.is_none(), is_beaten);
            if let Some(problem) = problem.as_deref().filter(|_| !is_beaten) {
                self.complain(problem);
            }
            if self.showing.times && problem.is_none() {
                self.tell_time(&outcome);
            }
            if self.content == Content::Reports {
                let mut work = self.work.borrow_mut();
                let untransformed = work.untransformed.remove(&outcome.task);
                let file = stored.as_ref().and_then(|stored| stored.as_deref().ok());
                let extra =
                    Extra { error: problem.as_deref(), file, transform_error: untransformed.as_deref() };
                work.merge.piece(outcome.task, &report::line(&outcome, &extra));
                work.merge.end(outcome.task, PoemEnd::Whole);
            }
        }
    }

    fn count(&self, outcome: &Outcome, is_whole: bool, is_beaten: bool) {
        let mut work = self.work.borrow_mut();
        work.bytes += outcome.received;
        if is_whole {
            work.whole += 1;
        } else if !is_beaten {
            work.failed += 1;
        }
    }

    /// One line for one poet; none if nobody listens any more.
    fn complain(&self, problem: &str) {
        if !matches!(self.end.get(), Some(End::NoReader | End::NoOutput)) {
            self.say(&format!("{NAME}: {problem}"), Tone::Bad);
        }
    }

    fn tell_interrupted(&self, task: usize, failure: &Failure, attempts: u32, wait: Duration) {
        if self.showing.quiet {
            return;
        }
        let why = with_name(&self.downloads.peer(task), words::chain(failure.error()));
        let seconds = wait.as_secs_f64();
        self.say(&format!("{NAME}: {why}; retry {attempts} in {seconds:.1} s"), Tone::Plain);
    }

    fn tell_time(&self, outcome: &Outcome) {
        let Outcome { task, received, peer, .. } = outcome;
        let (total, first) =
            (outcome.total.as_secs_f64(), outcome.first_byte.unwrap_or_default().as_secs_f64());
        let number = task + 1;
        self.say(
            &format!("Task {number}: {received} bytes of poetry from {peer} in {total:.3} s, the first after {first:.3} s"),
            Tone::Plain,
        );
    }

    /// The end of the story.
    fn tell_all(&self) {
        let work = self.work.borrow();
        let (whole, failed, bytes) = (work.whole, work.failed, work.bytes);
        drop(work);
        let seconds = (self.reactor.now() - self.begin).as_secs_f64();
        let all = self.downloads.len();
        if self.showing.times {
            self.say(&format!("Got {whole} of {all} poems in {seconds:.3} s"), Tone::Plain);
        } else if self.has_summary && self.end.get().is_none() {
            let (tone, failures) = if failed == 0 {
                (Tone::Good, String::new())
            } else {
                (Tone::Bad, format!(", {failed} failed"))
            };
            let poems = if all == 1 { "poem" } else { "poems" };
            let size = readable(bytes);
            self.say(&format!("{NAME}: {whole} of {all} {poems}{failures}, {size} in {seconds:.1} s"), tone);
        }
    }

    fn say(&self, line: &str, tone: Tone) {
        self.voice.borrow_mut().line(line, tone);
    }

    /// Prints what may be printed now, waits until there is room for more, and lets those go on that waited for it.
    async fn print(&self) {
        let (out, err) = {
            let (mut voice, mut work) = (self.voice.borrow_mut(), self.work.borrow_mut());
            for print in work.merge.by_ref() {
                voice.print(print);
            }
            (voice.out(), voice.err())
        };
        out.room().await;
        err.room().await;
        self.look_at_output();
        let held = std::mem::take(&mut self.work.borrow_mut().held);
        for task in held {
            let has_room = self.work.borrow().merge.room(task) == Room::Enough;
            if has_room {
                self.downloads.release(task);
            } else {
                self.work.borrow_mut().held.push(task);
            }
        }
    }

    /// Ends everything if what we print cannot be written.
    fn look_at_output(&self) {
        let failure = self.voice.borrow().out().take_failure();
        let Some(error) = failure else { return };
        if self.end.get().is_some() {
            return;
        }
        if error.kind() == ErrorKind::BrokenPipe {
            self.end.set(Some(End::NoReader));
        } else {
            self.end.set(Some(End::NoOutput));
            self.say(&format!("{NAME}: cannot write to the standard output: {error}"), Tone::Bad);
        }
        self.downloads.cancel_all();
    }
}

/// Why there is no whole poem, in the words of its outcome.
fn problem(outcome: &Outcome, failure: &Failure) -> String {
    let Outcome { peer, received, attempts, .. } = outcome;
    if failure.is::<Cancelled>() {
        return match attempts {
            0 => format!("{peer}: cancelled before it began"),
            _ => format!("{peer}: cancelled after {received} bytes"),
        };
    }
    with_name(peer, words::chain(failure.error()))
}

/// Most errors say whom they are about; those of a name do not.
fn with_name(peer: &str, why: String) -> String {
    if why.contains(peer) { why } else { format!("{peer}: {why}") }
}
