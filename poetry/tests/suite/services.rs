//! Poetry as services: loaded before anybody is accepted, reloaded without losing a client, closed when it does not start.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sestina_deferred::Failure;
use sestina_poetry::{
    FastPoetry, Poem, PoemError, PoetryProxyService, SlowPoetry, get_poem, poems, poetry_proxy, poetry_server,
};
use sestina_reactor::Endpoint;
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, Child, StartError, State, Step, Tree, service};

const MS: Duration = Duration::from_millis(1);

/// A file of its own for each test, gone with it.
struct File(PathBuf);
impl File {
    fn new(name: &str, poem: &[u8]) -> Self {
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{}-{name}", std::process::id()));
        fs::write(&path, poem).expect("the folder is for tests");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}
impl Drop for File {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Plays a story about a tree on a simulated reactor; afterwards nothing may be left.
fn play<A>(children: impl IntoIterator<Item = Child>, story: impl FnOnce(Tree) -> A)
where
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let reactor = Simulation::seeded(1).reactor();
    let mut application = Application::new("poets");
    for child in children {
        application.add(child).expect("the names differ");
    }
    let tree = application.attach(&reactor).expect("a good name");
    let told = reactor.run_until(reactor.spawn(story(tree)));
    told.unwrap_or_else(|failure| panic!("the story failed: {failure} at {}", failure.location()));
    assert_eq!([reactor.timers(), reactor.tasks(), reactor.ports(), reactor.connections()], [0; 4]);
}

fn at() -> Endpoint {
    Endpoint::loopback(10_000)
}

#[test]
fn clients_that_come_before_the_poem_is_loaded_wait_and_get_it() {
    // spec: P16-17, P16-23, P16-25
    let file = File::new("early", poems::ECSTASY);
    let slow = service("slow", |cx| async move {
        cx.reactor().sleep(100 * MS).await?;
        cx.ready();
        cx.stopped().await
    });
    play(
        [slow, Child::from(poetry_server("fast", file.path(), &at(), FastPoetry::new))],
        |tree| async move {
            tree.privileged_start().await?;
            let early = get_poem(tree.reactor(), &at());
            let start = tree.start();
            tree.reactor().sleep(50 * MS).await?;
            assert!(!early.is_fired());
            start.await?;
            assert_eq!(early.await?.as_bytes(), poems::ECSTASY);
            let note = tree.status().find("fast/poem").and_then(|poem| poem.note.clone());
            assert!(note.is_some_and(|note| note.starts_with("3003 bytes from ")));
            assert!(tree.stop().await?.is_clean());
            Ok(())
        },
    );
}

#[test]
fn a_missing_poem_is_a_failed_start_that_closes_the_port() {
    play(
        [Child::from(poetry_server("fast", "no/such/poem.txt", &at(), FastPoetry::new))],
        |tree| async move {
            let failure = tree.start().await.expect_err("there is no such poem");
            let error = &failure.check::<StartError>().expect("its kind").error;
            assert_eq!((error.service.as_str(), error.step), ("fast/poem", Step::Start));
            let missing = error.failure().and_then(Failure::check::<PoemError>);
            assert!(matches!(missing, Some(PoemError::Missing(_))));
            assert_eq!(tree.reactor().ports(), 0);
            Ok(())
        },
    );
}

#[test]
fn a_reload_serves_the_new_poem_and_loses_no_client() {
    let file = File::new("reload", poems::SCIENCE);
    let slow = poetry_server("slow", file.path(), &at(), |poem: Poem| {
        SlowPoetry::new(poem).with_delay(100 * MS).with_num_bytes(100.try_into().expect("not zero"))
    });
    play([Child::from(slow)], move |tree| async move {
        tree.start().await?;
        let old = get_poem(tree.reactor(), &at());
        tree.reactor().sleep(250 * MS).await?;
        fs::write(file.path(), poems::FASCINATION)?;
        assert!(tree.reload().await?.is_empty());
        let new = get_poem(tree.reactor(), &at());
        assert_eq!(old.await?.as_bytes(), poems::SCIENCE, "it keeps the poem that it began with");
        assert_eq!(new.await?.as_bytes(), poems::FASCINATION);
        // A file that is none any more changes nothing.
        fs::write(file.path(), b"")?;
        let failed = tree.reload().await?;
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].service, "slow/poem");
        assert!(failed[0].failure().is_some_and(Failure::is::<PoemError>));
        assert_eq!(tree.state("slow/poem"), Some(State::Running));
        assert_eq!(get_poem(tree.reactor(), &at()).await?.as_bytes(), poems::FASCINATION);
        Ok(())
    });
}

#[test]
fn a_stop_lets_a_slow_client_finish_its_poem() {
    let file = File::new("drain", poems::SCIENCE);
    let slow =
        poetry_server("slow", file.path(), &at(), |poem: Poem| SlowPoetry::new(poem).with_delay(100 * MS));
    play([Child::from(slow)], move |tree| async move {
        let _file = file;
        tree.start().await?;
        let poem = get_poem(tree.reactor(), &at());
        tree.reactor().sleep(250 * MS).await?;
        let report = tree.stop().await?;
        assert!(report.is_clean(), "{report}");
        assert_eq!(poem.await?.as_bytes(), poems::SCIENCE);
        Ok(())
    });
}

#[test]
fn a_proxy_is_a_service_whose_reload_fetches_anew() {
    // spec: P16-80
    let file = File::new("proxied", poems::SCIENCE);
    let upstream = Endpoint::loopback(10_001);
    let fast = Child::from(poetry_server("fast", file.path(), &upstream, FastPoetry::new));
    play([fast, poetry_proxy("proxy", &upstream, &at())], move |tree| async move {
        tree.start().await?;
        for _ in 0..2 {
            assert_eq!(get_poem(tree.reactor(), &at()).await?.as_bytes(), poems::SCIENCE);
        }
        fs::write(file.path(), poems::FASCINATION)?;
        assert!(tree.reload().await?.is_empty());
        assert_eq!(get_poem(tree.reactor(), &at()).await?.as_bytes(), poems::FASCINATION);
        let proxy = tree.service::<PoetryProxyService>("proxy").and_then(|service| service.proxy());
        let counters = proxy.expect("it runs").counters();
        assert_eq!((counters.misses, counters.hits), (2, 1));
        let note = tree.status().find("proxy").and_then(|proxy| proxy.note.clone());
        assert_eq!(note.as_deref(), Some("2 fetches, 1 hits"));
        Ok(())
    });
}
