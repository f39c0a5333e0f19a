//! The structure of the Erlang client, in our terms.
//!
//! | Erlang | here |
//! |---|---|
//! | a process for each server | a [`task`] for each server, temporary children of a supervisor |
//! | the mailbox of the main process, `receive` | a [`DeferredQueue`], `get().await` |
//! | `Main ! {poem, Poem}` | `mailbox.put(Message::Poem(..))` |
//! | `spawn_monitor`, the `DOWN` messages | [`Tree::monitor`], put into the same mailbox |
//! | a crash report of the runtime | the reason of the end, in words |
//! | share nothing, messages are copied | messages are moved: who sent one has it no more |
//!
//! The main task does not know whether a download succeeds: it counts ends. So it always comes to its own.
#![forbid(unsafe_code)]

mod arguments;

use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, DeferredQueue, Failure};
use sestina_reactor::{Endpoint, Reactor};
use sestina_service::{Application, End, MultiService, Restart, ServiceContext, Tree, task};

pub use arguments::{Arguments, USAGE};

/// What the main task is told.
enum Message {
    /// A whole poem, from this task.
    Poem { task: usize, poem: Vec<u8>, took: Duration },
    /// This task has ended, and why.
    Down { task: usize, end: End },
}

type Mailbox = DeferredQueue<Message>;

/// Where the lines go.
pub type Print = Rc<dyn Fn(&str)>;

/// What the client has done, when all tasks have ended.
#[derive(Debug, Default)]
pub struct Collected {
    /// What it prints at its end: the poems, the last one first, unless the order of the command line was asked for.
    pub poems: String,
    /// One sentence for each poem that did not come.
    pub missing: Vec<String>,
}

/// Downloads a poem from each server, all at the same time. The answer comes when all have ended, however they ended.
#[expect(clippy::missing_panics_doc, reason = "the mailbox has no limit")]
pub fn get_poetry(reactor: &Reactor, arguments: Arguments, print: Print) -> Deferred<Collected> {
    let (mailbox, main) = (Mailbox::new(), reactor.clone());
    reactor.spawn(async move {
        let tree = supervise(&main, &arguments, &mailbox, &print)?;
        tree.start().await?;
        for (index, _) in arguments.servers.iter().enumerate() {
            let (task, mailbox) = (index + 1, mailbox.clone());
            drop(tree.monitor(&format!("downloads/task-{task}")).map(move |end| {
                mailbox.put(Message::Down { task, end }).expect("the mailbox has no limit");
            }));
        }
        let collected = collect_poems(&mailbox, &arguments).await?;
        tree.stop().await?;
        Ok(collected)
    })
}

/// A supervisor with a task for each server. Downloads are not repeated, so its children are temporary.
fn supervise(
    reactor: &Reactor,
    arguments: &Arguments,
    mailbox: &Mailbox,
    print: &Print,
) -> Result<Tree, Failure> {
    let mut downloads = MultiService::new("downloads").stopped_together();
    for (index, server) in arguments.servers.iter().enumerate() {
        let download = Rc::new(Download {
            task: index + 1,
            server: server.clone(),
            mailbox: mailbox.clone(),
            print: (!arguments.quiet).then(|| Rc::clone(print)),
        });
        let child = task(format!("task-{}", index + 1), move |cx| Rc::clone(&download).run(cx));
        downloads.add(child.with_restart(Restart::Temporary))?;
    }
    let mut application = Application::new("erlang-client");
    application.add(downloads)?;
    Ok(application.attach(reactor)?)
}

/// What one task has: nothing of it is shared with the others.
struct Download {
    task: usize,
    server: Endpoint,
    mailbox: Mailbox,
    /// `None`: it says nothing on its way.
    print: Option<Print>,
}

impl Download {
    /// The loop of `get_poetry/4`. An error ends the task; whoever watches it is told.
    async fn run(self: Rc<Self>, cx: ServiceContext) -> Result<(), Failure> {
        let begun = cx.reactor().now();
        let stream = cx.reactor().connect_stream(&self.server).await?;
        let mut poem = Vec::new();
        loop {
            let bytes = stream.read().await?;
            if bytes.is_empty() {
                break; // a clean end; everything else was an error above
            }
            if let Some(print) = &self.print {
                let (task, count) = (self.task, bytes.len());
                print(&format!("Task {task}: got {count} bytes of poetry from {}", stream.peer()));
            }
            poem.extend(bytes);
        }
        let took = cx.reactor().now() - begun;
        self.mailbox.put(Message::Poem { task: self.task, poem, took }).expect("the mailbox has no limit");
        Ok(())
    }
}

/// The loop of `collect_poems`: receives until every task has ended.
async fn collect_poems(mailbox: &Mailbox, arguments: &Arguments) -> Result<Collected, Failure> {
    let mut poems = Vec::new();
    let mut collected = Collected::default();
    let mut running = arguments.servers.len();
    while running > 0 {
        match mailbox.get().await? {
            Message::Poem { task, poem, took } => poems.insert(0, (task, poem, took)),
            Message::Down { task, end } => {
                running -= 1;
                if let Some(failure) = end.failure() {
                    let server = arguments.servers[task - 1].peer_name();
                    collected.missing.push(format!("Task {task}: no poetry from {server}: {failure}"));
                }
            }
        }
    }
    if arguments.in_order {
        poems.sort_by_key(|(task, ..)| *task);
    }
    for (task, poem, took) in poems {
        if arguments.times {
            writeln!(collected.poems, "Task {task} took {took:.1?} for {} bytes:", poem.len())?;
        }
        writeln!(collected.poems, "{}", String::from_utf8_lossy(&poem))?;
    }
    Ok(collected)
}
